/** SIGTERM to the process that an operator or a container has started ends the fleet with 0, also if that is process 1. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { childrenOf, isAlive } from '../fixtures/running-program.js';
import { freePort, Program, root, untilEnd } from './program.js';

const WAYS: Readonly<Record<string, (options: readonly string[]) => string[]>> = {
  'npm start': (options) => ['npm', 'start', '--ignore-scripts', '--', ...options],
  "npx -c 'exec …'": (options) => ['npx', '-c', `exec node lib/cli/main.js ${options.join(' ')}`],
};
const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const namespaces = spawnSync(NAMESPACE[0]!, [...NAMESPACE.slice(1), 'true']).status === 0;

async function started(t: TestContext, way: string, before: readonly string[] = []): Promise<Program> {
  const port = await freePort();
  const options = [
    '--set=DEFAULT.enabled_apis=compute',
    `--set=api:compute.port=${port}`,
    '--set=api:compute.workers=1',
  ];
  const [command, ...args] = [...before, ...WAYS[way]!(options)];
  const program = untilEnd(t, new Program(command!, args, { cwd: root }));
  await program.printed(/"event":"ready"/);
  return program;
}

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}

for (const name of Object.keys(WAYS)) {
  test(`${name}: SIGTERM ends the fleet, with 0, and nothing stays behind`, async (t) => {
    const program = await started(t, name);
    const all = descendants(program.pid);
    await program.stop();
    assert.deepEqual(all.filter(isAlive), []);
    assert.match(program.output(), /Stopped with status 0/);
  });
}

test('npm start as process 1: SIGTERM ends the fleet, with 0', {
  skip: !namespaces && 'no namespaces here',
}, async (t) => {
  const program = await started(t, 'npm start', NAMESPACE);
  // unshare forwards no signal: its child is process 1 of the new namespace.
  const [first] = childrenOf(program.pid);
  process.kill(first!, 'SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  assert.match(program.output(), /Stopped with status 0/);
});

test('npx portico: SIGTERM ends the fleet, though npx and its shell end at once', async (t) => {
  const folder = temporaryFolder('portico-npx-');
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules', 'portico'));
  symlinkSync('../portico/lib/cli/main.js', join(folder, 'node_modules', '.bin', 'portico'));
  writeFileSync(join(folder, 'package.json'), '{"name":"at-npx"}');
  writeFileSync(join(folder, 'portico.ini'), `[api:main]\nport = ${await freePort()}\nworkers = 1\n`);
  writeFileSync(join(folder, 'api-paste.ini'), '[app:main]\npaste.app_factory = portico/middleware:echo\n');
  const npx = spawn('npx', ['portico'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  for (let text = ''; !text.includes('"event":"ready"'); ) text += String((await once(npx.stderr, 'data'))[0]);
  npx.stderr.resume();
  const all = descendants(npx.pid!);
  t.after(() => {
    for (const pid of all.filter(isAlive)) process.kill(pid, 'SIGKILL');
  });
  npx.kill();
  // The output closes when the last process that holds it ends.
  await once(npx, 'close');
  assert.ok(all.length > 2, `${all.length} processes`);
  assert.deepEqual(all.filter(isAlive), []);
});
