/** How a worker's failure, or its end, reaches the parent. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { severalRefusals } from '../../dist/errors/index.js';
import { failureOf, statusOf, textOf } from '../../dist/launch/exit-status.js';
import { isSent, type WorkerFailure } from '../../dist/launch/worker-message.js';

const crossed = <T>(value: T): T => deserialize(serialize(value)) as T;

test('what is sent to somebody else is no message of a worker', () => {
  for (const value of [
    'ready',
    { 'watch:require': ['/srv/a.js'] },
    { kind: 'code' },
    { portico: 1 },
    [],
    null,
    undefined,
    1,
  ]) {
    assert.equal(isSent(crossed(value)), false);
  }
  assert.equal(isSent({ kind: 'draining', portico: true }), true);
});

test('one walk: a worker sends the errors of a refused configuration as data, and the parent prints them', () => {
  const origin = { file: 'portico.ini', line: 3, column: 1, section: 'api:shop', option: 'prot', text: 'prot = 1' };
  const location = { kind: 'file', detail: 'portico.ini:3:1', origin } as const;
  const error = { severity: 'error', code: 'PORTICO_X', location, message: 'unknown option' } as const;
  for (const blames of [true, false]) {
    const { text, code, status, diagnostics }: WorkerFailure = crossed(failureOf(severalRefusals([error], { blames })));
    const known = { text: undefined, code: 'PORTICO_CONFIGURATION_REFUSED', status: blames ? 78 : 1 };
    assert.deepEqual({ text, code, status }, known);
    assert.deepEqual(diagnostics, [error]);
    assert.equal(textOf({ code, status, diagnostics }), 'portico.ini:3:1: error: unknown option\n    prot = 1\n    ^');
  }
  assert.match(textOf(failureOf(new Error('no region'))), /^Error: no region\n {4}at /);
});

test('a status that no process can have is a failure', () => {
  const error = (exitCode: unknown) => Object.assign(new Error('q'), { code: 'PORTICO_SERVICE_EXIT', exitCode });
  for (const status of [300, -1, 1.5, Number.NaN, '7']) assert.equal(statusOf(error(status)), 1);
  for (const status of [0, 7, 255]) assert.equal(statusOf(error(status)), status);
});
