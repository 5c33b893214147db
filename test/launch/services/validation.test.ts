/** Findings of several services that were built from one configuration, as one list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Diagnostic } from '../../../dist/errors/index.js';
import { toldByAll } from '../../../dist/launch/services/validation.js';

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

test('CF-66 a name that several services find is told once', () => {
  const found = unknown('store', "did you mean 'stores'?");
  assert.deepEqual(toldByAll([[found], [{ ...found }], []]), [found]);
});

test('CF-66 an unknown option of a filter that no pipeline has is told, though the configuration knows nothing of it', () => {
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
