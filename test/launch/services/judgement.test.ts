/** Findings of several services that were built from one configuration, as one list. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from '../../../dist/config/index.js';
import type { Diagnostic } from '../../../dist/errors/index.js';
import { toldByAll } from '../../../dist/launch/services/judgement.js';

/** An unknown section of a file. */
function unknown(section: string, hint?: string): Diagnostic {
  const place = { kind: 'file' as const, detail: `portico.ini:3:1 [${section}]` };
  return {
    severity: 'warning',
    code: 'PORTICO_CONFIG_UNKNOWN_SECTION',
    section,
    place,
    message: 'unknown section',
    hint,
  };
}

test('CF-66 a section near different names of two services has the hint of a process that knows both', () => {
  const one = [unknown('store', "did you mean 'scores'?")];
  const other = [unknown('store', "did you mean 'stores'?")];
  for (const services of [
    [one, other],
    [other, one],
  ]) {
    const hints = toldByAll(services).map(({ hint }) => hint);
    assert.deepEqual(hints, ["did you mean 'stores' or 'scores'?"]);
  }
});

test('CF-66 a section that one of the services knows, or that has no hint, is not told', () => {
  assert.deepEqual(toldByAll([[unknown('store', "did you mean 'stores'?")], []]), []);
  assert.deepEqual(toldByAll([[unknown('store')], [unknown('store')]]), []);
});

test('CF-66 an unknown option of a filter that no pipeline has is told, though the configuration knows nothing of it', () => {
  const place = { kind: 'file' as const, detail: 'api-paste.ini:9:1 [filter:f] zzz' };
  const code = 'PORTICO_CONFIG_UNKNOWN_OPTION';
  const found: Diagnostic = {
    severity: 'warning',
    code,
    section: 'filter:f',
    option: 'zzz',
    place,
    message: 'unknown option',
  };
  assert.deepEqual(toldByAll([[found]], Config.fromText('')), [found]);
});
