/** `api-cli` on a system without `/proc`, such as macOS. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { ask } from './clients.js';
import { childrenOf, isAlive, until } from './faults/target.js';
import { emptyProject, freePort, root, startProject } from './program.js';
import { pidProject } from './projects.js';

test('AD-14 without /proc and with another platform api-cli starts, replaces a worker, reloads and stops, and says once what is missing', async (t) => {
  const port = await freePort();
  const project = emptyProject(pidProject(port, 1));
  const env = { NODE_OPTIONS: `--require ${join(root, 'test/fixtures/no-linux.cjs')}` };
  const program = startProject(t, project, [], env);
  await program.printed(/^hello\b.*:\d+/m);
  const url = `http://127.0.0.1:${port}/`;
  assert.equal((await ask(url)).status, 200);
  await program.printed(/"event":"platform"/);
  assert.equal(program.stderr.match(/"event":"platform".*darwin has no \/proc/g)?.length, 1, program.stderr);

  const [worker] = childrenOf(program.pid);
  process.kill(worker!, 'SIGKILL');
  await program.printed(/"event":"worker_exited".*"signal":"SIGKILL"/);
  assert.ok(await until(() => !isAlive(worker!)));
  await program.printed(/(?:"event":"worker_ready"[\s\S]*){2}/);
  assert.match((await commandBeside(['status'], { cwd: project.folder })).stdout, /1 of 1 ready/);

  const { status: code, stdout, stderr } = await commandBeside(['reload'], { cwd: project.folder });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^accepted/);
  assert.equal((await ask(url)).status, 200);
  await program.stop();
});
