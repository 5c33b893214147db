/** A worker that the kernel kills, because the memory of its container is full. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { memoryGroup } from '../fixtures/memory-group.js';
import { until } from '../fixtures/until.js';
import { ask } from './clients.js';
import { apiCli, emptyProject, freePort, Program } from './program.js';

/** Responds; to `/grow` never: it takes memory until it is killed. */
const APP = `export const factory = () => (req, res) => {
  for (const held = []; req.url === '/grow'; ) held.push(Buffer.alloc(2 ** 24, 1));
  res.end('hello');
};
`;
const MIB = 2 ** 20;

const tried = memoryGroup(320 * MIB);
if (typeof tried !== 'string') assert.ok(tried.remove());

test('KU-9 a worker that the kernel kills for memory is named as such in log and status, and is replaced', {
  skip: typeof tried === 'string' && tried,
}, async (t) => {
  const group = memoryGroup(320 * MIB);
  assert.ok(typeof group !== 'string');
  const port = await freePort();
  const project = emptyProject({
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[control]\nsocket = control.sock\n[api:hello]\nport = ${port}\nworkers = 1\n`,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:factory\n',
    'app.js': APP,
  });
  const program = new Program('sh', ['-c', `echo $$ > ${group.procs} && exec "$@"`, 'sh', process.execPath, apiCli], {
    cwd: project.folder,
  });
  t.after(async () => {
    await program.end();
    // The kernel takes a process out of its group a moment after its parent knows of the end.
    await until(group.remove, (isGone) => isGone);
  });
  await program.printed(/Ready after/);
  await assert.rejects(ask(`http://127.0.0.1:${port}/grow`));
  const [, pid] = await program.printed(
    /Child (\d+) killed by the kernel, because the memory of its cgroup or of the machine was full \(oom_kill\)/,
  );
  await program.printed(/Child (?!PID )\d+ is ready/, program.output().indexOf(`Child ${pid} killed`));
  assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200);
  assert.match(
    (await commandBeside(['status'], { cwd: project.folder })).stdout,
    /killed by the kernel, because the memory/,
  );
});
