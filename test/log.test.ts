import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';

test('CF-91 loggers of parts follow the level of the one they were made of, until they are given their own', () => {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } });
  const part = log.child({ part: 'a' });
  const inner = part.child({ inner: true });
  inner.debug('not yet');
  log.level = 'debug';
  assert.equal(inner.enabled('debug'), true);
  inner.debug('now', { pid: 4 });
  part.level = 'warn';
  log.level = 'info';
  part.info('a level of its own');
  inner.warn('and who comes from it');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['now', 'and who comes from it'],
  );
});
