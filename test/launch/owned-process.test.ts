/** An unhandled error in a process without a supervisor: logged once, no client cut off, a status other than 0. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Program, startModule } from '../e2e/program.js';
import { get } from '../fixtures/http-client.js';
import { type LogLine, launchedProgram, type RunningProgram, runningProgram } from '../fixtures/running-program.js';

async function single(t: TestContext, plan: object = {}): Promise<{ program: RunningProgram; port: number }> {
  const program = runningProgram(t, 'single', plan);
  const { port } = await program.event('launched');
  return { program, port: port as number };
}

function unhandled(program: RunningProgram): LogLine[] {
  return program.lines.filter(({ msg }) => msg === 'Unhandled exception');
}

test('LC-375 RL-71 a separate process logs it once, lets requests end, and ends with 2', async (t) => {
  const { program, port } = await single(t);
  const slow = get<{ slow: boolean }>(port, '/slow?ms=700');
  await get(port, '/');
  await get(port, '/throw').catch(() => undefined);
  await program.line(({ msg }) => msg === 'Unhandled exception');
  assert.equal((await slow).body.slow, true);
  assert.deepEqual(await program.ended, { code: 2, signal: null });
  const [line, ...more] = unhandled(program);
  assert.deepEqual([line?.level, line?.service, more.length], ['error', 'single', 0]);
  assert.match(JSON.stringify(line), /nobody (handles|waits for) this.*\\n\s+at /);
  // No raw text of the error is in the output.
  const printed = program.lines.filter(({ plain }) => plain);
  assert.deepEqual(printed, []);
  assert.equal(program.lines.find(({ event }) => event === 'stopped')?.status, 2);
});

test('RL-71 an application that listens to uncaughtException itself lives on, and the log has the error', async (t) => {
  const { program, port } = await single(t, { tolerant: true });
  for (let times = 1; times <= 2; times++) {
    await get(port, '/throw').catch(() => undefined);
    await get(port, '/');
  }
  await program.stop();
  assert.equal(program.lines.filter(({ event }) => event === 'tolerated').length, 2);
  const told = program.lines.filter(({ msg }) => msg?.startsWith('Unhandled exception'));
  const levels = told.map(({ level }) => level);
  assert.deepEqual(levels, ['error', 'error']);
});

test('a parent stops its workers gracefully, and ends with 2', async (t) => {
  const fleet = await launchedProgram(t, 'fleet', { services: [{ name: 'api', workers: 1 }], control: true });
  const { port: control } = await fleet.event('control');
  const port = await fleet.port('api');
  const slow = get<{ slow: boolean }>(port, '/slow?ms=700');
  await get(port, '/');
  await get(control as number, '/throw').catch(() => undefined);
  assert.equal((await slow).body.slow, true);
  assert.deepEqual(await fleet.ended, { code: 2, signal: null });
  assert.equal(unhandled(fleet).length, 1);
  const exits = fleet.lines.filter(({ event }) => event === 'worker_exited');
  const codes = exits.map(({ code }) => code);
  assert.deepEqual(codes, [0]);
});

/** An application with one service whose class is `code`. */
function program(t: TestContext, code: string): Program {
  return startModule(
    t,
    `
import { createLogger, launch } from 'portico';
import { Service } from 'portico/service';
const log = createLogger({ level: 'info', format: 'json' });
${code}
const settings = { gracefulShutdownTimeoutMs: 500 };
const launcher = await launch(new Shop({ name: 'shop' }), { log, settings });
process.exitCode = await launcher.wait();
`,
  );
}

test('RL-71 what fails again and again on the way to the end is said once, and does not hold the process', async (t) => {
  const started = program(
    t,
    `class Shop extends Service {
  start() { setInterval(() => { throw new Error('again'); }, 20); }
  async stop(how) { await new Promise((resolve) => setTimeout(resolve, 200)); await super.stop(how); }
}`,
  );
  assert.deepEqual(await started.ended, { code: 2, signal: null });
  assert.equal(started.stderr.match(/Unhandled exception/g)?.length, 1, started.stderr);
});
