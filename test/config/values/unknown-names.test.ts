/** The note of a list of findings: the owner of some names could not be loaded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wholeList } from '#internal/config';
import type { Diagnostic } from '../../../dist/errors/index.js';

test('CF-66 code that is lost keeps its own note beside that further errors may follow', () => {
  const name: Diagnostic = {
    severity: 'warning',
    code: 'PORTICO_CONFIG_UNKNOWN_OPTION',
    section: 'DEFAULT',
    option: 'my_ip',
    message: 'unknown option',
  };
  const lost: Diagnostic = { severity: 'error', code: 'PORTICO_MODULE_NOT_FOUND', message: 'there is no file gone.js' };
  const listed = (note?: string, others: readonly string[] = []) =>
    wholeList([name], [[{ ...lost, note }]], { isLoaded: true, others, files: [] });
  const notesOf = (note?: string) => listed(note).map((each) => each.note);
  assert.deepEqual(notesOf(), [undefined, 'further errors may follow once this is mended']);
  assert.deepEqual(notesOf('thrown at app.js:3:4'), [
    undefined,
    'thrown at app.js:3:4; further errors may follow once this is mended',
  ]);
  // Another process tells the name: the list has more errors all the same.
  assert.equal(listed(undefined, ['DEFAULT'])[0]?.note, 'further errors may follow once this is mended');
});
