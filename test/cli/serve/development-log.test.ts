/** The log of `--dev`: short lines, and all of them with their fields at level debug. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureLog } from 'portico/testing';
import { developmentLog } from '../../../dist/cli/serve/development-log.js';

type Written = readonly (readonly [level: unknown, message: unknown, fields: readonly string[]])[];

/** Returns the lines since the last call. */
function written(lines: readonly Readonly<Record<string, unknown>>[]): Written {
  const taken = (lines as Record<string, unknown>[]).splice(0);
  return taken.map(({ level, msg, time: _time, pid: _pid, ...fields }) => [level, msg, Object.keys(fields)]);
}

test('AU-7 a parent writes what has happened, without the order of things and without fields', () => {
  const { log, lines } = captureLog();
  const short = developmentLog(log, 'parent', { isServed: false }).child({ service: 'books' });
  const said = (): void => {
    short.info({ event: 'worker_ready', workerId: 0 }, 'Child 7 is ready');
    short.notice({ event: 'ready', services: [] }, 'Ready after 3 ms');
    short.notice({ event: 'reload', outcome: 'accepted' }, 'Reload accepted after 3 ms');
    short.warn({ event: 'worker_exited', reason: 'start', code: 78 }, 'Child 8 exited with status 78');
    short.warn({ event: 'worker_exited', reason: 'exit', code: 1, error: 'Error: x' }, 'Child 8 exited with status 1');
    short.error('plain');
  };
  log.level = 'info';
  said();
  assert.deepEqual(written(lines), [
    ['notice', 'Ready after 3 ms', []],
    ['warn', 'Child 8 exited with status 1', ['error']],
    ['error', 'plain', []],
  ]);
  log.level = 'debug';
  said();
  assert.deepEqual(
    written(lines).map(([, , fields]) => fields.length),
    [3, 3, 3, 4, 5, 1],
  );
});

test('AU-7 a worker writes the lines of its application with their fields, and no others', () => {
  const { log, lines } = captureLog();
  log.level = 'info';
  const short = developmentLog(log, 'worker', { isServed: true }).child({ workerId: 0, service: 'books', tenant: 'a' });
  short.info({ event: 'stopping' }, 'Stopping WSGI server.');
  short.info({ books: 2 }, 'synchronised');
  short.debug('not at this level');
  short.warn(new Error('broken'), 'odd');
  assert.deepEqual(written(lines), [
    ['info', 'synchronised', ['tenant', 'books']],
    ['warn', 'odd', ['tenant', 'err']],
  ]);
  short.level = 'debug';
  short.info({ books: 2 }, 'synchronised');
  assert.deepEqual(written(lines), [['info', 'synchronised', ['workerId', 'service', 'tenant', 'books']]]);
});

test('AU-7 a reload that no save has caused has its line', () => {
  const { log, lines } = captureLog();
  const save = { isServed: true };
  const short = developmentLog(log, 'parent', save);
  log.level = 'info';
  const accepted = (): void => short.notice({ event: 'reload', outcome: 'accepted' }, 'Reload accepted after 3 ms');
  accepted();
  save.isServed = false;
  accepted();
  assert.deepEqual(written(lines), [['notice', 'Reload accepted after 3 ms', []]]);
});
