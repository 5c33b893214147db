import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunningProgram } from '../fixtures/running-program.js';
import { ask } from './clients.js';
import { emptyProject, freePort, startApiCli } from './program.js';

test('LC-310 LC-1914 a SIGTERM to a worker that has not started its service ends it with 0, and it is replaced', async (t) => {
  const fleet = new RunningProgram(
    'fleet',
    { services: [{ name: 'api', workers: 1 }] },
    { env: { PORTICO_TEST_SLOW: '1' } },
  );
  t.after(() => fleet.cleanUp());
  const loading = await fleet.event('loading');
  assert.notEqual(loading.pid, fleet.pid);
  process.kill(loading.pid!, 'SIGTERM');
  const exited = await fleet.event('worker_exited');
  assert.deepEqual([exited.code, exited.signal], [0, null]);
  await fleet.line((line) => line.event === 'loading' && line.pid !== loading.pid);
  fleet.kill('SIGTERM');
  assert.equal((await fleet.ended).code, 0);
});

test('a worker of api-cli has loaded no package when it builds its app: no parser of commands, no writer of log lines', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'portico.ini': `[DEFAULT]\nenabled_apis = plain\n[api:plain]\nport = ${port}\nworkers = 1\n`,
    'api-paste.ini': '[app:plain]\npaste.app_factory = ./app.js:app\n',
    'app.js': `
      import { createRequire } from 'node:module';
      import { Router } from 'portico/routing';
      export const app = () => {
        const router = new Router();
        const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => !path.endsWith('.node'));
        router.connect('/', { handler: ({ query }) => ({ loaded, query }), conditions: { method: ['GET'] } });
        return router.build();
      };`,
  });
  const program = startApiCli(['--config-file', 'portico.ini'], { cwd: project.folder });
  t.after(async () => {
    await program.end();
    project.remove();
  });
  await program.printed(/^plain\b/m);
  const answer = JSON.parse((await ask(`http://127.0.0.1:${port}/`)).text) as { loaded: string[] };
  assert.deepEqual(answer.loaded, []);
  const asked = JSON.parse((await ask(`http://127.0.0.1:${port}/?a=b%20c&a=d`)).text) as { query: unknown };
  assert.deepEqual(asked.query, { a: ['b c', 'd'] });
});
