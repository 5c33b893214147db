import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type Logger } from 'portico';
import { factoryLog, runFactory } from '#internal/app';

const named = (name: string): Logger => createLogger({ base: { name }, destination: { write: () => {} } });

test('what a factory makes writes to its log, also when another factory ends meanwhile', async () => {
  const [outer, inner, slow] = ['outer', 'inner', 'slow'].map(named) as [Logger, Logger, Logger];
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const waiting = runFactory({ log: () => slow }, async () => {
    await ended;
    return factoryLog('router');
  });
  const seen = await runFactory({ log: () => outer }, async () => [
    await runFactory({ log: () => inner }, () => factoryLog('router')),
    factoryLog('router'),
  ]);
  assert.deepEqual(seen, [inner, outer]);
  end();
  assert.equal(await waiting, slow);
});

test('a factory that throws leaves its log behind', async () => {
  const log = named('broken');
  const broken = runFactory({ log: () => log }, () => {
    throw new Error('broken');
  });
  await assert.rejects(broken, /broken/);
  assert.notEqual(factoryLog('router'), log);
});
