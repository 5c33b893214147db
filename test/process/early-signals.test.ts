/** Tests signals before an application has a launcher, during its launch, and while its workers load. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask } from '../e2e/clients.js';
import { apiCli, emptyProject, freePort, Program, startProject, untilEnd } from '../e2e/program.js';
import { pidApp, pidProject } from '../e2e/projects.js';

/** A preloaded module that signals the parent process when it adds its first listener for SIGTERM. */
const SIGNAL_AT_ONCE = `
if (process.env.PORTICO_WORKER_ID === undefined) {
  process.on('newListener', function sent(name) {
    if (name !== 'SIGTERM') return;
    process.off('newListener', sent);
    setImmediate(() => process.kill(process.pid, process.env.TEST_SIGNAL));
  });
}
`;

function early(t: TestContext, signal: string, args: readonly string[], files: Record<string, string> = {}): Program {
  const project = emptyProject({ 'at-once.mjs': SIGNAL_AT_ONCE, ...files });
  const program = untilEnd(
    t,
    new Program(process.execPath, ['--import', './at-once.mjs', ...args], {
      cwd: project.folder,
      env: { TEST_SIGNAL: signal },
    }),
  );
  return program;
}

test('LC-531 what api-cli loads before it listens to signals is next to nothing', () => {
  const loaded = new Set([apiCli]);
  for (const path of loaded) {
    for (const [, specifier] of readFileSync(path, 'utf8').matchAll(/^(?:import|export) .*'(\.[^']*)';$/gm)) {
      loaded.add(join(dirname(path), specifier!));
    }
  }
  const bytes = [...loaded].reduce((sum, path) => sum + readFileSync(path).length, 0);
  assert.ok(loaded.size <= 2 && bytes < 8192, `${bytes} bytes in ${[...loaded].join(', ')}`);
});

test('a signal that comes to a command while it loads ends it as by the signal', async (t) => {
  const program = early(t, 'SIGTERM', [apiCli, 'config', 'show']);
  assert.deepEqual(await program.ended, { code: null, signal: 'SIGTERM' }, program.output());
});

for (const [signal, status, launching] of [
  ['SIGTERM', 0, 'runApis(() => [])'],
  ['SIGINT', 1, '(await launch(new Service(), { config })).wait()'],
] as const) {
  test(`LC-531 LC-1920 ${signal} before anything is loaded ends api-cli with ${status}`, async (t) => {
    const program = early(t, signal, [apiCli], pidProject(await freePort(), 1));
    assert.deepEqual(await program.ended, { code: status, signal: null }, program.output());
    // On Node 24 the event loop turns first when all modules are loaded: the signal is caught late, and a worker may become ready after it.
    const [before] = program.output().split(/Caught SIG/);
    assert.doesNotMatch(before!, /is ready/);
    assert.doesNotMatch(program.output(), /"event":"ready"/);
  });

  test(`LC-531 ${signal} while an application is about to launch ends it with ${status}`, async (t) => {
    const main = `
import { Config, launch, runMain } from 'portico';
import { runApis } from 'portico/cli';
import { Service } from 'portico/service';
await runMain(async () => {
  const config = await Config.load();
  await new Promise((resolve) => setTimeout(resolve, 300));
  return ${launching};
});
`;
    const program = early(t, signal, ['main.js'], { 'main.js': main });
    assert.deepEqual(await program.ended, { code: status, signal: null }, program.output());
  });
}

for (const [signal, status] of [
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  test(`LC-531 ${signal} half way through a job that launches nothing is no success: ${status}`, async (t) => {
    const main = `
import { runMain } from 'portico';
await runMain(() => new Promise((resolve) => setTimeout(resolve, 60_000, 0)));
`;
    const program = early(t, signal, ['main.js'], { 'main.js': main });
    assert.deepEqual(await program.ended, { code: status, signal: null }, program.output());
  });
}

test('LC-531 a job that is done soon after SIGTERM has its own status', async (t) => {
  const main = `
import { runMain } from 'portico';
await runMain(() => new Promise((resolve) => setTimeout(resolve, 300, 5)));
`;
  const program = early(t, 'SIGTERM', ['main.js'], { 'main.js': main });
  assert.deepEqual(await program.ended, { code: 5, signal: null }, program.output());
});

test('LC-531 an application that listens to SIGTERM itself is not ended before its launcher is there', async (t) => {
  const main = `
import { runMain } from 'portico';
process.on('SIGTERM', () => { console.log('its own'); clearInterval(timer); });
const timer = setInterval(() => {}, 1000);
await runMain(() => new Promise((resolve) => process.on('SIGTERM', () => resolve(3))));
`;
  const program = early(t, 'SIGTERM', ['main.js'], { 'main.js': main });
  assert.deepEqual(await program.ended, { code: 3, signal: null }, program.output());
});

test('LC-518 SIGHUP before the launch is over is a reload behind it', async (t) => {
  const port = await freePort();
  const program = early(t, 'SIGHUP', [apiCli], pidProject(port, 1));
  await program.printed(/Reload accepted/);
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  assert.equal(program.output().match(/"event":"reload"/g)?.length, 1);
  await program.stop();
});

test('LC-518 SIGHUP while the first workers load is a reload behind the launch', async (t) => {
  const port = await freePort();
  const app = `import { existsSync } from 'node:fs';
console.error('loading');
while (!existsSync(new URL('./go', import.meta.url))) await new Promise((resolve) => setTimeout(resolve, 20));
${pidApp}`;
  const project = emptyProject({ ...pidProject(port, 1), 'app.js': app });
  const program = startProject(t, project);
  await program.printed(/loading/);
  for (let i = 0; i < 5; i++) program.kill('SIGHUP');
  await program.printed(/Caught SIGHUP/);
  writeFileSync(join(project.folder, 'go'), '');
  await program.printed(/Reload accepted/);
  assert.match(program.output(), /^hello .*:\d+/m);
  await program.stop();
});

test('LC-531 LC-355 a factory stuck in a loop when SIGTERM comes is ended at the deadline', async (t) => {
  const port = await freePort();
  const app = `import { writeSync } from 'node:fs';
export const app = () => { writeSync(2, 'stuck\\n'); for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5); };\n`;
  const project = emptyProject({ ...pidProject(port, 1, 'graceful_shutdown_timeout = 2'), 'app.js': app });
  const program = startProject(t, project);
  await program.printed(/^stuck$/m);
  program.kill();
  assert.deepEqual(await program.ended, { code: 1, signal: null }, program.output());
  assert.match(program.output(), /Graceful shutdown timeout exceeded, killing worker/);
});
