import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runningProgram } from '../fixtures/running-program.js';
import { ask } from './clients.js';
import { emptyProject, freePort, startApiCli, startProject, untilEnd } from './program.js';

const STATUS_REFUSED = { code: 78, signal: null };

test('LC-310 LC-1914 a SIGTERM to a worker that has not started its service ends it with 0, and it is replaced', async (t) => {
  const fleet = runningProgram(
    t,
    'fleet',
    { services: [{ name: 'api', workers: 1 }] },
    { env: { PORTICO_TEST_SLOW: '1' } },
  );
  const loading = await fleet.event('loading');
  assert.notEqual(loading.pid, fleet.pid);
  process.kill(loading.pid!, 'SIGTERM');
  const exited = await fleet.event('worker_exited');
  assert.deepEqual([exited.code, exited.signal], [0, null]);
  await fleet.line((line) => line.event === 'loading' && line.pid !== loading.pid);
  await fleet.stop();
});

test('a worker has loaded no package that it may not need when it builds its app, nor has its parent a parser of commands when it ends; a line it does not understand has its hint', async (t) => {
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
    'tell.mjs': `
      import { createRequire } from 'node:module';
      const packages = () => {
        const paths = Object.keys(createRequire(import.meta.url).cache);
        return [...new Set(paths.map((path) => path.split('/node_modules/').at(-1).split('/')[0]))];
      };
      if (process.send === undefined) process.on('exit', () => console.log('packages', packages().join(' ')));`,
  });
  const env = { NODE_OPTIONS: `--import=${pathToFileURL(join(project.folder, 'tell.mjs')).href}` };
  const program = startProject(t, project, ['serve', '--set', 'api:plain.workers=1', '--config-file=portico.ini'], env);
  await program.printed(/^plain\b/m);
  const answer = JSON.parse((await ask(`http://127.0.0.1:${port}/`)).text) as { loaded: string[] };
  const loaded = new Set(answer.loaded.map((path) => path.split('/node_modules/').at(-1)!.split('/')[0]));
  for (const later of ['commander', 'fastify', 'ajv', 'ini', 'yaml']) assert.ok(!loaded.has(later), later);
  const asked = JSON.parse((await ask(`http://127.0.0.1:${port}/?a=b%20c&a=d`)).text) as { query: unknown };
  assert.deepEqual(asked.query, { a: ['b c', 'd'] });
  await program.stop();
  const [, packages = ''] = /^packages (.*)$/m.exec(program.stdout) ?? [];
  assert.match(packages, /\bpino\b/);
  assert.doesNotMatch(packages, /commander/);

  const mistyped = startProject(t, project, ['--enabled-api', 'plain'], env);
  assert.equal((await mistyped.ended).code, 2);
  assert.match(mistyped.stderr, /unknown option '--enabled-api'\n\(Did you mean --enabled-apis\?\)/);
  assert.match(mistyped.stdout, /^packages .*commander/m);
});

test('ST-2 a start that is refused writes its errors, as check does, and no lines of addresses and workers', async (t) => {
  const project = emptyProject({
    'portico.ini': `[DEFAULT]\nenabled_apis = plain\n[admin]\nlisten = 127.0.0.1:0\n[api:plain]\nport = ${await freePort()}\nworkers = 2\n`,
    'api-paste.ini': '[app:plain]\npaste.app_factory = ./app.js:other\n',
    'app.js': 'export const app = () => (_req, res) => res.end();',
  });
  const [start, check] = ['serve', 'check'].map((command) => startApiCli([command], { cwd: project.folder }));
  t.after(() => Promise.all([start!.end(), check!.end()]));
  assert.deepEqual([await start!.ended, await check!.ended], [STATUS_REFUSED, STATUS_REFUSED]);
  assert.equal(start!.stdout, '');
  assert.match(start!.stderr, /^api-paste\.ini:2:21: error: .* has no export "other"\.\n/);
  assert.equal(start!.stderr, check!.stdout.replace('1 error, 0 warnings.\n', ''));
});

test('RO-3 without a terminal a start, a reload and a stop write nothing but lines of JSON', async (t) => {
  const project = emptyProject({
    'portico.ini': `[api:plain]\nport = ${await freePort()}\nworkers = 1\n`,
    'api-paste.ini': '[app:plain]\npaste.app_factory = ./app.js:app\n',
    'app.js': 'export const app = () => (_req, res) => res.end();',
  });
  const program = untilEnd(t, startApiCli([], { cwd: project.folder, terminal: false }));
  await program.printed(/"event":"ready"/);
  program.kill('SIGHUP');
  await program.printed(/"event":"reload"/);
  await program.stop();
  assert.equal(program.stdout, '');
  for (const line of program.stderr.trimEnd().split('\n')) assert.equal(typeof JSON.parse(line), 'object', line);
});
