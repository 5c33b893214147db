import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { runningProgram } from '../fixtures/running-program.js';

async function single(t: { after(fn: () => Promise<void>): void }, plan: object = {}) {
  const program = runningProgram(t, 'single', plan);
  const { port } = await program.event('launched');
  return { program, port: port as number };
}

test('LC-1411 LC-1412 LC-516 an application of serve and wait changes in place on SIGHUP; LC-510 LC-1909 a signal is heard at once by an application with nothing else to do', async (t) => {
  const { program, port } = await single(t, { serve: true });
  program.kill('SIGHUP');
  await program.event('reset');
  assert.equal((await get<{ pid: number }>(port, '/')).body.pid, program.pid);
  assert.equal(program.lines.filter(({ event }) => event === 'start').length, 1);
  program.kill('SIGTERM');
  await program.line(({ msg }) => msg === 'Caught SIGTERM, stopping');
  assert.equal((await program.ended).code, 0);
});

test('LC-1701 LC-377 a single process whose loop is stuck in its stop is killed soon after its deadline', async (t) => {
  const { program } = await single(t, { stuckInStop: true, options: { settings: { gracefulShutdownTimeoutMs: 100 } } });
  program.kill('SIGTERM');
  const told = program.line(({ msg }) =>
    /^Process \d+ did not stop in 0\.1 s, killing it; it was stuck in:$/.test(msg ?? ''),
  );
  assert.deepEqual(await program.ended, { code: null, signal: 'SIGKILL' });
  await told;
  await program.line(({ msg }) => /at service\.onStop /.test(msg ?? ''));
});

test('LC-536 RL-72 a closed standard error does not end the application', async (t) => {
  const { program, port } = await single(t);
  program.child.stderr?.destroy();
  program.child.stdout?.destroy();
  program.kill('SIGHUP');
  for (let i = 0; i < 3; i++) await get(port, '/');
  await program.stop();
});
