/** `api-cli` as the first process of a container, where a signal without a handler has no default action. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { ask } from './clients.js';
import { childrenOf } from './faults/target.js';
import { apiCli, emptyProject, freePort, Program, untilEnd } from './program.js';
import { pidProject } from './projects.js';

const NAMESPACE = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const denied = spawnSync('unshare', [...NAMESPACE, 'true']).status !== 0;
const skip = denied ? 'this machine gives no process namespaces' : false;

test('LC-1703 as process 1 api-cli hears its signals, starts and reloads workers, and leaves none behind', {
  skip,
}, async (t) => {
  const port = await freePort();
  const project = emptyProject(pidProject(port, 1));
  const program = untilEnd(
    t,
    new Program('unshare', [...NAMESPACE, process.execPath, apiCli], { cwd: project.folder }),
  );
  await program.printed(/^hello\b.*:\d+/m);
  const [init] = childrenOf(program.pid);
  assert.match(program.stderr, /"pid":1,/, 'it is process 1 there');
  const before = (await ask(`http://127.0.0.1:${port}/`)).text;
  process.kill(init!, 'SIGHUP');
  await program.printed(/"outcome":"accepted"/);
  assert.notEqual((await ask(`http://127.0.0.1:${port}/`)).text, before);
  const worker = childrenOf(init!)[0]!;
  process.kill(worker, 'SIGKILL');
  await program.printed(/killed by signal SIGKILL/);
  process.kill(init!, 'SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.output());
  await assert.rejects(ask(`http://127.0.0.1:${port}/`), { code: 'ECONNREFUSED' });
});
