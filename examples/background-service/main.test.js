import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

test('the application serves, sweeps, and ends with 0 when it is told to', { timeout: 60_000 }, async (t) => {
  const env = { ...process.env, PORTICO_API_HELLO__PORT: '0' };
  const program = spawn('sh', ['-c', 'exec node main.js 2>&1'], { env });
  const ended = once(program, 'exit');
  t.after(() => program.kill());
  let log = '';
  for await (const text of program.stdout.iterator({ destroyOnReturn: false })) {
    log += text;
    if (/Ready/.test(log) && /swept/.test(log)) break;
  }
  const [address] = /127\.0\.0\.1:\d+/.exec(log) ?? assert.fail(log);
  assert.equal(await (await fetch(`http://${address}`)).text(), 'Hello\n');
  program.kill();
  assert.deepEqual(await ended, [0, null]);
});
