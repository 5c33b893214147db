import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyProject, freePort, startProject } from './program.js';

const app = `
import { Router } from 'portico/routing';

export const routed = async (_global, _local, ctx) => {
  const show = async () => {
    await null;
    ctx.log.info('in the action');
    return 'shown';
  };
  const router = new Router({ log: ctx.log, controllers: { it: { show, fail: () => { throw new Error('failed'); } } } });
  router.connect('show', '/show', { controller: 'it', action: 'show' });
  router.connect('fail', '/fail', { controller: 'it', action: 'fail' });
  const app = await router.build();
  ctx.onClose(() => app.close());
  return app;
};

export const plain = (_global, _local, ctx) => async (req, res) => {
  await null;
  ctx.log.info('in the app');
  if (req.url === '/fail') throw new Error('failed');
  res.end(String(process.pid));
};

export const own = (_global, _local, ctx) => (app) => (req, res) => {
  ctx.log.info('in a filter');
  return app(req, res);
};
`;

const paste = `
[composite:hello]
use = portico/loader:urlmap
/routed: routed
/plain: plain
[pipeline:routed]
pipeline = catch_errors request_id request_log own noauth routed_app
[pipeline:plain]
pipeline = catch_errors request_id request_log own plain_app
[filter:catch_errors]
paste.filter_factory = portico/middleware:catchErrors
[filter:request_id]
paste.filter_factory = portico/middleware:requestId
[filter:request_log]
paste.filter_factory = portico/middleware:requestLog
[filter:noauth]
paste.filter_factory = portico/middleware:noauth
[filter:own]
paste.filter_factory = ./app.js:own
[app:routed_app]
paste.app_factory = ./app.js:routed
[app:plain_app]
paste.app_factory = ./app.js:plain
`;

interface Line {
  readonly msg: string;
  readonly pid: number;
  readonly request_id?: string;
  readonly service?: string;
  readonly workerId?: number;
}

test('every line of a request has its id, the API and the worker', async (t) => {
  const port = await freePort();
  const ini = `[DEFAULT]\nenabled_apis = hello\n[api]\nauth_strategy = noauth\n[api:hello]\nport = ${port}\nworkers = 1\n`;
  const program = startProject(t, emptyProject({ 'app.js': app, 'api-paste.ini': paste, 'portico.ini': ini }));
  await program.printed(/^hello .*1 worker/m);
  const lines = (): string[] => program.stderr.split('\n').filter((line) => line.startsWith('{'));
  const ids = new Set<string | null>();
  for (const path of ['/routed/show', '/routed/fail', '/plain/show', '/plain/fail']) {
    const headers = { 'x-auth-token': 'me', connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    await answer.text();
    assert.equal(answer.status, path.endsWith('fail') ? 500 : 200);
    ids.add(answer.headers.get('x-request-id'));
  }
  program.kill();
  await program.ended;
  const told = lines()
    .map((line) => ({ text: line, ...(JSON.parse(line) as Line) }))
    .filter(({ msg }) => /^in |^request|failed/.test(msg));
  assert.deepEqual(
    told.map(({ msg }) => msg).sort(),
    [
      'an action failed',
      ...Array.from({ length: 4 }, () => 'in a filter'),
      'in the action',
      'in the app',
      'in the app',
      ...Array.from({ length: 4 }, () => 'request'),
      'request failed',
    ].sort(),
  );
  for (const { text, request_id: id, service, workerId } of told) {
    assert.ok(ids.has(id ?? ''), text);
    assert.equal(service, 'hello', text);
    assert.ok(workerId === 0, text);
    for (const name of ['request_id', 'service', 'workerId']) assert.equal(text.split(`"${name}":`).length, 2, text);
  }
});
