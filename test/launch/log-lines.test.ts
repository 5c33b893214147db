import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';

test('LC-322 a line about another process has one pid, that of the other; no name stands twice in a line', () => {
  const lines: string[] = [];
  const log = createLogger({
    format: 'json',
    base: { name: 'api' },
    destination: { write: (line) => lines.push(line) },
  });
  const child = log.child({ service: 'compute' });
  log.info('own');
  log.info('other', { pid: 7, code: 0 });
  child.warn('other again', { pid: 8 });
  child.debug('not written', { pid: 9 });
  log.level = 'debug';
  log.debug('written', { pid: 10 });
  const worker = log.child({ pid: 11 });
  worker.debug('of a worker');
  worker.child({ service: 'compute' }).info('of a service in it', { pid: 12 });
  for (const line of lines) {
    const names = [...line.matchAll(/[{,]"(\w+)":/g)].map(([, name]) => name);
    assert.equal(new Set(names).size, names.length, line);
  }
  const parsed = lines.map((line) => JSON.parse(line) as { pid: number; name: string; service?: string });
  assert.deepEqual(
    parsed.map(({ pid, name, service }) => [pid, name, service]),
    [
      [process.pid, 'api', undefined],
      [7, 'api', undefined],
      [8, 'api', 'compute'],
      [10, 'api', undefined],
      [11, 'api', undefined],
      [12, 'api', 'compute'],
    ],
  );
});
