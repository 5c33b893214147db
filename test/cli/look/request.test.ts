/** `api-cli request`: one request through the composed app on a separate server. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiCli, emptyProject, root } from '../../fixtures/project.js';
import { command } from '../command.js';

const FILES = {
  'portico.ini': '[DEFAULT]\nenabled_apis = things\nlog_level = warn\n[api:things]\nport = 1\n',
  'api-paste.ini': `[composite:things]
use = portico/loader:urlmap
/v1: v1

[pipeline:v1]
pipeline = request_id slow sizelimit things_app

[filter:request_id]
paste.filter_factory = portico/middleware:requestId

[filter:slow]
paste.filter_factory = ./app.mjs:slow

[filter:sizelimit]
paste.filter_factory = portico/middleware:sizelimit
max_request_body_size = 20

[app:things_app]
paste.app_factory = ./app.mjs:things
`,
  'app.mjs': `import { writeFileSync } from 'node:fs';
import { action, Router } from 'portico/routing';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export const slow = () => (app) => async (req, res) => {
  await wait(20);
  await app(req, res);
  await wait(40);
};
export async function things(_globalConf, _localConf, ctx) {
  const body = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };
  const create = action({ body, status: 202 }, ({ body: { name } }) => ({ name }));
  const router = new Router({ controllers: { things: { create, index: () => [1], show: () => { throw new Error('broken'); } } } });
  router.resource('thing', 'things', { controller: 'things', only: ['create', 'index', 'show'] });
  const app = await router.build();
  ctx.onClose(async () => {
    await app.close();
    writeFileSync('closed', '');
    // What an application forgets.
    setInterval(() => undefined, 1000);
  });
  return app;
}
`,
};

function project(more: Readonly<Record<string, string>> = {}) {
  const { folder } = emptyProject({ ...FILES, ...more });
  const run = (...words: string[]) => command(['request', ...words], { cwd: folder });
  /** For output that does not pass through the console, and the end of the process. */
  const process_ = (...words: string[]) =>
    spawnSync(process.execPath, [apiCli, 'request', ...words], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  return Object.assign(run, { folder, process: process_ });
}

test('OP-7 a response with status, headers and body; the app is closed, and nothing it forgot keeps the process', () => {
  const run = project();
  const { status, stdout, stderr } = run.process('GET', '/v1/things?limit=1');
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /^200 OK\n/);
  assert.match(stdout, /^x-request-id: req-/m);
  assert.match(stdout, /^content-type: application\/json$/m);
  assert.match(stdout, /\n\n\[1\]\n$/);
  assert.equal(existsSync(join(run.folder, 'closed')), true);
});

test('OP-7 a body and headers are sent; what the response is does not change the status of the command', () => {
  const run = project();
  const made = run('POST', '/v1/things', '-d', '{"name": "a"}');
  assert.match(made.stdout, /^202 Accepted\n[\s\S]*\n\n\{"name":"a"\}\n$/, made.stderr);
  const wrong = run('POST', '/v1/things', '-d', '{"name": 1}');
  assert.deepEqual([wrong.status, wrong.stdout.startsWith('400 Bad Request\n')], [0, true], wrong.stdout);
  const large = run('POST', '/v1/things', '-d', '{"name": "much too long"}');
  assert.deepEqual([large.status, large.stdout.startsWith('413 ')], [0, true], large.stdout);
  const text = run('POST', '/v1/things', '-d', 'name=a', '-H', 'Content-Type: text/csv');
  assert.deepEqual([text.status, text.stdout.startsWith('415 ')], [0, true], text.stdout);
  const nowhere = run('GET', '/things');
  assert.deepEqual([nowhere.status, nowhere.stdout.startsWith('404 Not Found\n')], [0, true], nowhere.stdout);
  const broken = run.process('GET', '/v1/things/7');
  assert.deepEqual([broken.status, broken.stdout.startsWith('500 ')], [0, true], broken.stdout);
  assert.match(broken.stderr, /broken/);
});

test('OP-7 the request is sent as a client sends it, one that waits for the response; the server checks it first', () => {
  const paste = FILES['api-paste.ini'].replace('sizelimit things_app', 'told sizelimit things_app');
  const run = project({
    'api-paste.ini': `${paste}
[filter:told]
paste.filter_factory = ./told.mjs:told
`,
    'told.mjs': `import { writeFileSync } from 'node:fs';
import { afterResponse, remoteOf } from 'portico/app';
export const told = () => (app) => (req, res) => {
  const { address, scheme } = remoteOf(req);
  const notes = req.headersDistinct['x-note'];
  afterResponse(res, ({ completed }) =>
    writeFileSync('told', JSON.stringify({ completed, address, scheme, cookie: req.headers.cookie, notes })));
  return app(req, res);
};
`,
  });
  const several = ['-H', 'Cookie: a=1', '-H', 'Cookie: b=2', '-H', 'X-Note: 1', '-H', 'X-Note: 2'];
  const sent = run('GET', 'https://localhost/v1/things', ...several);
  assert.match(sent.stdout, /^200 OK\n/, sent.stderr);
  const told = (): unknown => JSON.parse(readFileSync(join(run.folder, 'told'), 'utf8'));
  const all = { scheme: 'https', cookie: 'a=1; b=2', notes: ['1', '2'] };
  assert.deepEqual(told(), { completed: true, address: '127.0.0.1', ...all });
  rmSync(join(run.folder, 'told'));
  for (const path of ['/v1/%zz', '/v1/a/../things', '/v1/./things']) {
    assert.match(run('GET', path).stdout, /^400 Bad Request\n[\s\S]*\n\n.*"message":"The path has /, path);
  }
  const twice = run('GET', '/v1/things', '-H', 'Authorization: a', '-H', 'Authorization: b');
  assert.match(twice.stdout, /^400 Bad Request\n[\s\S]*is repeated/);
  assert.equal(existsSync(join(run.folder, 'told')), false);
  assert.match(run('GET', '/v1/thing x/ü').stdout, /^404 Not Found\n/);
});

test('OP-7 --trace has the filters of the pipeline that the configuration chooses', () => {
  const run = project({
    'api-paste.ini': FILES['api-paste.ini']
      .replace('[pipeline:v1]', '[composite:v1]\nuse = call:portico/loader:byOption')
      .replace('pipeline = request_id', 'keystone = request_id'),
  });
  const { stdout, stderr } = run('GET', '/v1/things', '--trace', '--json');
  assert.equal(stderr, '');
  const { trace } = JSON.parse(stdout);
  assert.deepEqual(
    trace.map(({ pipeline, filter }: { pipeline: string; filter: string }) => [pipeline, filter]),
    [
      ['v1', 'request_id'],
      ['v1', 'slow'],
      ['v1', 'sizelimit'],
    ],
  );
  assert.ok(trace[1].inMs >= 19 && trace[1].outMs >= 39, stdout);
});

test('OP-7 --trace has the time in each filter, in and out, outermost first; one that responds has no time out', () => {
  const run = project();
  const read = (...words: string[]) => JSON.parse(run(...words, '--trace', '--json').stdout);
  const { schema, status, body, trace } = read('GET', '/v1/things');
  assert.deepEqual([schema, status, body], ['portico/request', 200, '[1]']);
  assert.deepEqual(
    trace.map(({ pipeline, filter }: { pipeline: string; filter: string }) => [pipeline, filter]),
    [
      ['v1', 'request_id'],
      ['v1', 'slow'],
      ['v1', 'sizelimit'],
    ],
  );
  const [id, slow] = trace;
  assert.ok(slow.inMs >= 19 && slow.outMs >= 39, JSON.stringify(trace));
  assert.ok(id.inMs < slow.inMs && id.outMs < slow.outMs, JSON.stringify(trace));
  const refused = read('POST', '/v1/things', '-d', '{"name": "much too long"}').trace[2];
  assert.ok(refused.inMs > 0 && refused.outMs === 0, JSON.stringify(refused));
  const text = run('GET', '/v1/things', '--trace').stdout;
  assert.match(text, /\n\npipeline +filter +in ms +out ms\nv1 +request_id +\d+\.\d{3} +\d+\.\d{3}\nv1 +slow +\d/);
});

test('OP-7 what keeps the app from being built ends with its status, and a wrong command line with 2', () => {
  const run = project({ 'api-paste.ini': FILES['api-paste.ini'].replace('app.mjs:slow', 'app.mjs:slwo') });
  const refused = run('GET', '/v1/things');
  assert.deepEqual([refused.status, refused.stdout], [78, ''], refused.stderr);
  assert.match(refused.stderr, /Did you mean "slow"/);
  const unknown = run('GET', '/v1/things', '--api', 'thing');
  assert.deepEqual([unknown.status, /Did you mean "things"/.test(unknown.stderr)], [2, true], unknown.stderr);
  assert.equal(run('GET', 'things').status, 2);
  assert.equal(run('GET').status, 2);
});

test('OP-7 the sample responds, with noauth that serves this machine only', () => {
  const run = project();
  const config = ['--config-file', join(root, 'paste/portico.ini'), '--set', `DEFAULT.state_path=${run.folder}`];
  const { status, stdout, stderr } = run(
    'GET',
    '/v2.1/servers',
    '-H',
    'X-Auth-Token: admin',
    '--api',
    'compute',
    ...config,
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^200 OK\n[\s\S]*"servers":\[/);
});
