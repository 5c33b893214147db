/** Findings of a configuration, and of several services that were built from one, as one list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostic } from '../../../dist/errors/index.js';
import { toldByAll, wholeList } from '../../../dist/launch/services/validation.js';

/** An unknown section of a file. */
function unknown(section: string, hint?: string): Diagnostic {
  const location = { kind: 'file' as const, detail: `portico.ini:3:1 [${section}]` };
  return {
    severity: 'warning',
    code: 'PORTICO_CONFIG_UNKNOWN_SECTION',
    section,
    location,
    message: 'unknown section',
    hint,
  };
}

test('CF-66 a name that several services find is reported once', () => {
  const found = unknown('store', "did you mean 'stores'?");
  assert.deepEqual(toldByAll([[found], [{ ...found }], []]), [found]);
});

test('CF-66 an unknown option of a filter that no pipeline has is reported, though the configuration knows nothing of it', () => {
  const location = { kind: 'file' as const, detail: 'api-paste.ini:9:1 [filter:f] zzz' };
  const code = 'PORTICO_CONFIG_UNKNOWN_OPTION';
  const found: Diagnostic = {
    severity: 'warning',
    code,
    section: 'filter:f',
    option: 'zzz',
    location,
    message: 'unknown option',
  };
  assert.deepEqual(toldByAll([[found]]), [found]);
});

test('CF-66 code that is lost keeps its own note beside that further errors may follow', () => {
  const name: Diagnostic = {
    severity: 'warning',
    code: 'PORTICO_CONFIG_UNKNOWN_OPTION',
    section: 'DEFAULT',
    option: 'my_ip',
    message: 'unknown option',
    uncertain: true,
  };
  const lost: Diagnostic = { severity: 'error', code: 'PORTICO_MODULE_NOT_FOUND', message: 'there is no file gone.js' };
  const listed = (note?: string, others: readonly string[] = []) =>
    wholeList([name], [[{ ...lost, note }]], { isLoaded: true, others, files: [] });
  const notesOf = (note?: string) => listed(note).map((each) => each.note);
  // Names that this code may have declared are not told, unless they are near to a known one.
  assert.deepEqual(notesOf(), ['further errors may follow once this is fixed']);
  assert.deepEqual(notesOf('thrown at app.js:3:4'), [
    'thrown at app.js:3:4; further errors may follow once this is fixed',
  ]);
  const list = (names: readonly Diagnostic[], ...beside: Diagnostic[]) =>
    wholeList(names, [beside], { isLoaded: true, others: [], files: [] });
  const guessed = { ...name, option: undefined, hint: 'did you mean [api:tickets]?', others: ['tickets'] };
  assert.deepEqual(list([guessed, { ...name, hint: "did you mean 'host'?" }], lost).slice(1), [
    { ...name, hint: "did you mean 'host'?" },
  ]);
  // Without a paste file no pipeline is known, also to a process that knows all names because it serves.
  const [noFile] = list([], { ...lost, code: 'PORTICO_PASTE_NO_FILE' });
  assert.equal(noFile?.note, 'further errors may follow once this is fixed');
  // Another process tells the name: the list has more errors all the same.
  assert.equal(listed(undefined, ['DEFAULT'])[0]?.note, 'further errors may follow once this is fixed');
});
