/** `api-cli explain`: a request runs through the composed app, up to the action, which is not called. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

const FILES = {
  'portico.ini': `[DEFAULT]
enabled_apis = things, other
[api:things]
port = 8774
[api:other]
port = 8775
[auth_token]
auth_url = http://127.0.0.1:9
username = portico
password = secret
`,
  'api-paste.ini': `[composite:things]
use = portico/loader:urlmap
/v1: v1
/files: files
/stopped: stopped

[pipeline:v1]
pipeline = request_log cors sizelimit read_only own things_app

[pipeline:files]
pipeline = prefix files_app

[pipeline:stopped]
pipeline = token context things_app

[composite:other]
use = portico/loader:cascade
app1: things_app
app2: files_app

[filter:request_log]
paste.filter_factory = portico/middleware:requestLog

[filter:cors]
paste.filter_factory = portico/middleware:cors
allowed_origin = https://pages.example

[filter:sizelimit]
paste.filter_factory = portico/middleware:sizelimit
max_request_body_size = 100

[filter:read_only]
paste.filter_factory = portico/middleware:readOnly
enabled = false

[filter:own]
paste.filter_factory = ./app.mjs:own

[filter:token]
paste.filter_factory = portico/middleware:authToken
validator = keystone

[filter:context]
paste.filter_factory = portico/middleware:context

[filter:prefix]
paste.filter_factory = portico/middleware:pathPrefix
prefix = /below

[app:things_app]
paste.app_factory = ./app.mjs:things

[app:files_app]
paste.app_factory = ./app.mjs:files
`,
  'app.mjs': `import { appendFileSync, writeFileSync } from 'node:fs';
import { environ, Fault } from 'portico/app';
import { action, Router } from 'portico/routing';
const called = (name) => { appendFileSync('called', name + '\\n'); return []; };
export const own = (_globalConf, _localConf, ctx) => (app) => (req, res) => {
  if (req.headers['x-own'] === 'refuse') throw new Fault(418, { message: 'No.' });
  if (req.headers['x-own'] === 'late') res.on('finish', () => undefined);
  environ(req).trial?.would('count the request in a database' + (ctx.isTrial ? '' : ', though it serves'));
  return app(req, res);
};
export const files = () => (_req, res) => { called('files'); res.end(); };
export async function things(_globalConf, _localConf, ctx) {
  const named = (app) => (req, res) => {
    if (req.headers['x-named'] === 'refuse') throw new Fault(403, { message: 'Not you.' });
    return app(req, res);
  };
  const controller = {
    index: () => called('index'),
    show: [action({ versions: ['1.1', '1.3'] }, () => called('show')), action({ versions: ['1.4'] }, () => called('show'))],
    create: action({ versions: ['1.2'] }, () => called('create')),
    order: action({
      body: { type: 'object', required: ['guest'], properties: { guest: { type: 'string' }, nights: { type: 'integer' } } },
      query: { type: 'object', properties: { limit: { type: 'integer' } } },
      status: 201,
    }, () => called('order')),
  };
  const inner = new Router().connect('/parts/{part}', { handler: function part() { called('part'); }, conditions: { method: ['GET'] } });
  const router = new Router({
    controllers: { things: controller },
    versions: { serviceType: 'things', min: '1.1', max: '1.5' },
  }).use(Object.defineProperty(named, 'name', { value: 'named' }));
  router.resource('thing', 'things', { controller: 'things', only: ['index', 'show', 'create'], formatted: false });
  router.connect('/orders', { controller: 'things', action: 'order', conditions: { method: ['POST'] } });
  router.redirect('/old', '/things');
  const innerApp = await inner.build();
  router.mount('/inner', innerApp);
  router.mount('/raw', (_req, res) => { called('raw'); res.end(); });
  const app = await router.build();
  ctx.onClose(async () => {
    writeFileSync('closed', '');
    await app.close();
    await innerApp.close();
  });
  return app;
}
`,
};

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project, with a function that runs `api-cli` in it. */
function project(files: Readonly<Record<string, string>> = FILES) {
  const { folder } = emptyProject(files);
  const run = (...words: string[]): Ran => command(words, { cwd: folder });
  return Object.assign(run, { folder });
}

function linesOf({ status, stdout, stderr }: Ran): string[] {
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n');
}

test('OP-6 a request that reaches its action: each part in order, and nothing of the application is called', () => {
  const run = project();
  const lines = linesOf(run('explain', 'GET', '/v1/things/7?limit=1', '--api', 'things'));
  assert.deepEqual(lines, [
    'GET /v1/things/7?limit=1',
    '  composite things: /v1 is the first mount that matches /v1/things/7  [script name "", path "/v1/things/7?limit=1"]  call:portico/loader:urlmap  api-paste.ini:1',
    '  pipeline v1: 5 filters  api-paste.ini:7',
    '  filter request_log: passes the request on  portico/middleware:requestLog  api-paste.ini:21',
    '  filter cors: passes the request on  portico/middleware:cors  api-paste.ini:24',
    '  filter sizelimit: passes the request on  portico/middleware:sizelimit  api-paste.ini:28',
    '  filter read_only: passes the request on  portico/middleware:readOnly  api-paste.ini:32',
    '  filter own: would count the request in a database  ./app.mjs:own  api-paste.ini:36',
    '  app things_app  [script name "/v1", path "/things/7?limit=1"]  ./app.mjs:things  api-paste.ini:50',
    '  route GET /things/{id}: is the first match, version 1.1, id = "7"  app.mjs:32',
    '  filter named: passes the request on',
    '  action things.show: would be called: the request is valid',
  ]);
  for (const path of ['/v1/inner/parts/3', '/v1/raw/x', '/files/below/a'])
    run('explain', 'GET', path, '--api', 'things');
  assert.equal(existsSync(join(run.folder, 'called')), false);
  assert.equal(existsSync(join(run.folder, 'closed')), true);
});

test('OP-6 the verdict of the schemas: the errors of query and body, or that the request is valid', () => {
  const run = project();
  const at = (...words: string[]): string =>
    linesOf(run('explain', 'POST', ...words, '--api', 'things'))
      .at(-1)!
      .replace(/ {2}app\.mjs.*/, '');
  assert.equal(
    at('/v1/orders', '-d', '{"guest":"Ann"}'),
    '  action things.order: would be called: the request is valid',
  );
  const wrong = at('/v1/orders?limit=x', '-d', '{"nights":"many"}');
  assert.match(wrong, /^ {2}action things\.order: is not called: responds with 400 Bad Request: /);
  for (const issue of [/query\.limit must be integer/, /body\.nights must be integer/, /guest/])
    assert.match(wrong, issue);
  assert.match(
    at('/v1/orders'),
    /is not called: responds with 400 Bad Request: The request needs a body; body is required/,
  );
  assert.match(at('/v1/orders', '-d', '{'), /is not called: responds with 400 Bad Request: /);
  const read = (...words: string[]) =>
    JSON.parse(linesOf(run('explain', 'POST', ...words, '--api', 'things', '--json')).join('\n'));
  const refused = read('/v1/orders', '-d', '{}');
  assert.deepEqual([refused.valid, refused.status, refused.issues[0].where], [false, 400, 'body']);
  const valid = read('/v1/orders', '-d', '{"guest":"Ann"}');
  assert.deepEqual([valid.valid, valid.status, valid.action], [true, null, 'things.order']);
});

test('OP-6 a filter that responds ends the request: a preflight, a body that is too large, a missing token, its own response', () => {
  const run = project();
  const preflight = ['--header', 'Origin: https://a', '--header', 'Access-Control-Request-Method: PUT'];
  const at = (...words: string[]): string => linesOf(run('explain', ...words, '--api', 'things')).at(-1)!;
  assert.match(at('OPTIONS', '/v1/things', ...preflight), /^ {2}filter cors: responds with 204 No Content {2}/);
  assert.match(
    at('POST', '/v1/things', '-d', JSON.stringify({ guest: 'x'.repeat(100) })),
    /^ {2}filter sizelimit: responds with 413 .*: The request body is larger than the limit of 100 bytes {2}/,
  );
  assert.match(at('GET', '/stopped/things'), /^ {2}filter token: responds with 401 Unauthorized: /);
  assert.match(
    at('GET', '/v1/things', '-H', 'X-Own: refuse'),
    /^ {2}filter own: responds with 418 I'm a Teapot: No {2}/,
  );
  assert.match(
    at('GET', '/v1/things', '-H', 'X-Named: refuse'),
    /^ {2}filter named: responds with 403 Forbidden: Not you$/,
  );
});

test('OP-6 a token is not sent anywhere: its filter says what it would do, and those behind it know no caller', () => {
  const run = project();
  const lines = linesOf(run('explain', 'GET', '/stopped/things', '--api', 'things', '-H', 'X-Auth-Token: secret'));
  const text =
    'validate the token with keystone, and respond with 401 if it is not valid, 503 if it cannot be validated';
  assert.ok(
    lines.some((line) => line.startsWith(`  filter token: would ${text}`)),
    lines.join('\n'),
  );
  assert.match(lines.at(-1)!, /action things\.index: would be called/);
});

test('OP-6 the reason of a 404 with the nearest route, and of a 405 with the methods there are', () => {
  const run = project();
  const at = (...words: string[]): string => linesOf(run('explain', ...words, '--api', 'things')).at(-1)!;
  assert.equal(
    at('GET', '/v1/thing/7'),
    '  response things_app: 404 Not Found: no route matches /thing/7; the nearest is GET /things/{id}  app.mjs:32',
  );
  assert.equal(
    at('GET', '/v1/quite/another/path'),
    '  response things_app: 404 Not Found: no route matches /quite/another/path',
  );
  assert.equal(
    at('PATCH', '/v1/things'),
    '  response things_app: 405 Method Not Allowed: the path accepts GET, HEAD, OPTIONS, POST, and not PATCH',
  );
  assert.match(at('OPTIONS', '/v1/things'), /204 No Content: the path accepts GET, HEAD, OPTIONS, POST/);
  assert.match(at('GET', '/v1/old'), /response things_app: 302 Found: redirects to \/things/);
  assert.match(at('GET', '/v2/things'), /response things: 404 Not Found/);
});

test('OP-6 a 404 of a nearly right path names what refuses it: a type, a requirement, a slash at the end', () => {
  const run = project({
    'portico.ini': '[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n',
    'api-paste.ini': '[app:one]\npaste.app_factory = ./app.mjs:app\n',
    'app.mjs': `import { Router } from 'portico/routing';
export const app = () => new Router().post('/notes', () => 1).get('/notes', () => 1).get('/notes/{id:int}', () => 1).build();
`,
  });
  const at = (path: string): string => linesOf(run('explain', 'GET', path)).at(-1)!;
  assert.match(
    at('/notes/x'),
    /no route matches \/notes\/x; the nearest is GET \/notes\/\{id\}, but id = "x" does not match int {2}app/,
  );
  assert.match(
    at('/notes/'),
    /no route matches \/notes\/; the nearest is GET \/notes, but the path has a trailing slash {2}app/,
  );
});

test('OP-6 versions: the method for the one that is asked for, one that is not there, and one that is none', () => {
  const run = project();
  const at = (version: string, ...words: string[]): string =>
    linesOf(run('explain', ...words, '--api', 'things', '--header', `OpenStack-API-Version: things ${version}`))
      .slice(-2)
      .join('\n');
  assert.match(at('1.5', 'GET', '/v1/things/7'), /action things\.show: would be called/);
  const absent = at('1.1', 'POST', '/v1/things');
  assert.match(absent, /route POST \/things: .*version 1\.1 has no action, only 1\.2 to the last/);
  assert.match(absent, /response things_app: 404 Not Found/);
  assert.match(at('1.9', 'GET', '/v1/things'), /406 Not Acceptable: Version 1\.9 is not supported/);
  assert.match(at('x', 'GET', '/v1/things'), /400 Bad Request: API Version String x is of invalid format/);
});

test('OP-6 a function as an action has its own name, and a guard that refuses is named', () => {
  const run = project({
    'portico.ini': '[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n',
    'api-paste.ini': '[app:one]\npaste.app_factory = ./app.mjs:app\n',
    'app.mjs': `import { Router } from 'portico/routing';
export const app = () => new Router({ auth: true }).get('/open', { auth: false }, function open() {}).get('/shut', () => 1)
  .redirect('/old', '/open').build();
`,
  });
  const open = linesOf(run('explain', 'GET', '/open')).slice(-2);
  assert.deepEqual(open, [
    '  filter auth: passes the request on',
    '  action open: would be called: the request is valid',
  ]);
  const refused = '  filter auth: responds with 401 Unauthorized: The request is not authenticated';
  for (const path of ['/shut', '/old']) assert.equal(linesOf(run('explain', 'GET', path)).at(-1), refused);
});

test('OP-6 a router mounted in another, an app that is no router, a filter that takes a prefix off', () => {
  const run = project();
  const inner = linesOf(run('explain', 'GET', '/v1/inner/parts/3', '--api', 'things'));
  assert.match(inner.at(-3)!, /^ {2}route any \/inner\/\{path_info\}: .* app\.mjs:36$/);
  assert.match(inner.at(-2)!, /^ {2}route GET \/parts\/\{part\}: is the first match, .*part = "3" {2}app\.mjs:27$/);
  assert.match(inner.at(-1)!, /^ {2}action part: would be called/);
  assert.match(
    linesOf(run('explain', 'GET', '/v1/raw/x', '--api', 'things')).at(-1)!,
    /^ {2}app \/raw: would be called {2}\[script name "\/v1\/raw", path "\/x"\]/,
  );
  const [, , , prefix, app] = linesOf(run('explain', 'GET', '/files/below/a', '--api', 'things'));
  assert.match(prefix!, /^ {2}filter prefix: changes the path to "\/a", and the script name to "\/below" {2}/);
  assert.match(app!, /^ {2}app files_app: would be called {2}\[script name "\/below", path "\/a"\]/);
});

test('OP-6 a cascade runs: past a 404, up to the first app that would be called', () => {
  const run = project();
  const missed = linesOf(run('explain', 'GET', '/nothing', '--api', 'other'));
  assert.match(missed[1]!, /composite other: tries app1, app2 until a response is not 404/);
  assert.match(missed.at(-2)!, /response things_app: no route matches \/nothing/);
  assert.match(missed.at(-1)!, /app files_app: would be called/);
  assert.match(linesOf(run('explain', 'GET', '/things', '--api', 'other')).at(-1)!, /action things\.index/);
});

test('OP-6 a path that the server refuses before any filter, and one that it leaves as it was sent', () => {
  const run = project();
  for (const [path, why] of [
    ['/v1/%zz', 'The path has an invalid percent-encoding.'],
    ['/v1/../things', 'The path has a dot segment, a backslash or a control character.'],
  ] as const) {
    const words = ['explain', 'GET', path, '--api', 'things'];
    assert.deepEqual(linesOf(run(...words)), [`GET ${path}`, `  response the server: 400 Bad Request: ${why}`]);
    const said = JSON.parse(run(...words, '--json').stdout);
    assert.deepEqual([said.status, said.route, said.steps.length], [400, null, 1]);
  }
  const doubled = ['explain', 'GET', '/v1//things', '--api', 'things'];
  assert.match(linesOf(run(...doubled)).at(-1)!, /action things\.index/);
  assert.match(
    linesOf(run(...doubled, '--set', 'api:things.paths=as_sent')).at(-1)!,
    /404 Not Found: no route matches \/\/things/,
  );
});

test('OP-6 OP-18 --json has every step, and what came of it', () => {
  const run = project();
  const read = (...words: string[]) =>
    JSON.parse(linesOf(run('explain', ...words, '--api', 'things', '--json')).join('\n'));
  const found = read('GET', '/v1/things/7');
  assert.deepEqual([found.schema, found.version], ['portico/explain', 2]);
  assert.deepEqual([found.status, found.action, found.apiVersion, found.valid], [null, 'things.show', '1.1', true]);
  assert.deepEqual([found.route.path, found.route.origin.line, found.match.id], ['/things/{id}', 32, '7']);
  const log = found.steps.find(({ name }: { name: string }) => name === 'request_log');
  assert.deepEqual([log.what, log.origin.line], ['filter', 21]);
  const refused = read('PATCH', '/v1/things');
  assert.deepEqual([refused.status, refused.allow, refused.valid], [405, ['GET', 'HEAD', 'OPTIONS', 'POST'], null]);
  assert.equal(refused.steps.at(-1).answers, 405);
  const missed = read('GET', '/v1/thing/7');
  assert.deepEqual([missed.status, missed.nearest.path], [404, '/things/{id}']);
});

test('OP-6 which API: by its name, by the port of a whole URL, and never by luck', () => {
  const run = project();
  assert.match(run('explain', 'GET', 'http://127.0.0.1:8775/things').stdout, /composite other: /);
  assert.match(run('explain', 'GET', '/x', '--api', 'files_app').stdout, /app files_app: would be called/);
  const many = run('explain', 'GET', '/things');
  assert.deepEqual(
    [many.status, /several APIs are enabled: things, other[\s\S]*Select one with --api/.test(many.stderr)],
    [2, true],
    many.stderr,
  );
  const elsewhere = run('explain', 'GET', 'http://127.0.0.1:9999/things');
  assert.equal(elsewhere.status, 2);
  assert.match(
    elsewhere.stderr,
    /no API has port 9999[\s\S]*Ports: 8774 \(things\), 8775 \(other\)\. Or select one with --api\./,
  );
  const unknown = run('explain', 'GET', '/things', '--api', 'thing');
  assert.deepEqual(
    [unknown.status, /called "thing"[\s\S]*Did you mean "things"/.test(unknown.stderr)],
    [2, true],
    unknown.stderr,
  );
  const bare = run('explain', 'GET', 'things', '--api', 'things');
  assert.deepEqual([bare.status, /things is not a path/.test(bare.stderr)], [2, true], bare.stderr);
});

/** The step of one filter with this section and this service configuration. */
function filterSays(written: { readonly factory: string; readonly options?: string; readonly config?: string }) {
  const run = project({
    'portico.ini': `[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n${written.config ?? ''}`,
    'api-paste.ini': `[pipeline:one]
pipeline = it app
[filter:it]
paste.filter_factory = portico/middleware:${written.factory}
${written.options ?? ''}
[app:app]
paste.app_factory = ./app.mjs:app
`,
    'app.mjs': `import { writeFileSync } from 'node:fs';
export const app = () => (_req, res) => res.end();
export const sessions = () => ({ get: async () => writeFileSync('asked', ''), set: async () => 1, touch: async () => 1, delete: async () => 1 });
export const checks = () => ({ check: async () => { writeFileSync('asked', ''); return { available: true, reason: 'OK' }; } });
`,
  });
  const said = (method: string, url: string, ...headers: string[]): { says: string; answers?: number } => {
    const asked = headers.flatMap((header) => ['--header', header]);
    const { stdout, stderr } = run('explain', method, url, '--json', ...asked);
    assert.equal(stderr, '');
    const { steps } = JSON.parse(stdout) as { steps: { what: string; text: string; answers?: number }[] };
    const { text: says, answers } = steps.find(({ what }) => what === 'filter')!;
    return answers === undefined ? { says } : { says, answers };
  };
  return Object.assign(said, { asked: () => existsSync(join(run.folder, 'asked')) });
}

test('OP-6 rate_limit counts nothing, and says which rules would; a network that it denies gets its 403', () => {
  const options = 'rules = all address 1/s 1\n  boot address 1/s 1 POST';
  const limits = filterSays({ factory: 'rateLimit', options });
  const all = { says: 'would respond with 429 over the limit of "all address 1/s 1"' };
  for (const _ of [1, 2]) assert.deepEqual(limits('GET', '/'), all);
  assert.match(
    limits('POST', '/').says,
    /"all address 1\/s 1"; would respond with 429 over the limit of "boot address 1\/s 1 POST"/,
  );
  const denies = filterSays({ factory: 'rateLimit', options: 'deny = 127.0.0.0/8' });
  assert.equal(denies('GET', '/').answers, 403);
});

test('OP-6 token filters say what they would do, with the scope that they want; without a token they respond', () => {
  const jwt = 'issuer = https://id.example\naudience = one\nrequired_scope = servers';
  const says =
    'would validate the token with jwt, and respond with 401 if it is not valid, 403 without the scope servers, 503 if it cannot be validated';
  const own = filterSays({ factory: 'jwtAuth', options: jwt });
  assert.deepEqual(own('GET', '/', 'X-Auth-Token: x'), { says });
  assert.equal(own('GET', '/').answers, 401);
  const group = filterSays({ factory: 'authToken', config: `[auth_token]\nvalidator = jwt\n[jwt]\n${jwt}\n` });
  assert.deepEqual(group('GET', '/', 'X-Auth-Token: x'), { says });
  const delayed = filterSays({
    factory: 'jwtAuth',
    options: jwt,
    config: '[auth_token]\ndelay_auth_decision = true\n',
  });
  const decides = { says: 'would validate the token with jwt, and let the application decide' };
  assert.deepEqual(delayed('GET', '/', 'X-Auth-Token: x'), decides);
});

test('OP-6 a session of a store, a statsd server and the checks of a health check are not asked', () => {
  const secret = 'x'.repeat(64);
  const session = filterSays({
    factory: 'session',
    options: `secrets = ${secret}\nstore = ./app.mjs:sessions\nsecure = false\ncookie = s`,
  });
  assert.deepEqual(session('GET', '/', 'Cookie: s=abc'), { says: 'would read the session in ./app.mjs:sessions' });
  const health = filterSays({ factory: 'healthcheckFilter', options: 'backends = ./app.mjs:checks' });
  assert.deepEqual(health('GET', '/healthcheck'), {
    says: 'would run its checks, and respond with 503 if one fails; responds with 200 OK',
    answers: 200,
  });
  assert.equal(health('POST', '/healthcheck').answers, 405);
  const stats = filterSays({ factory: 'stats', options: 'name = api' });
  assert.deepEqual(stats('GET', '/'), { says: 'would send its count and time to 127.0.0.1:8125, as api' });
  assert.deepEqual([session.asked(), health.asked()], [false, false]);
});

test('OP-6 a filter that fails behind the action is what responds', () => {
  const run = project({
    'portico.ini': '[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n',
    'api-paste.ini':
      '[pipeline:one]\npipeline = late one_app\n[filter:late]\npaste.filter_factory = ./app.mjs:late\n[app:one_app]\npaste.app_factory = ./app.mjs:app\n',
    'app.mjs': `import { beforeHead } from 'portico/app';
import { Router } from 'portico/routing';
export const late = () => (app) => (req, res) => { beforeHead(res, () => { throw new Error('broken'); }); return app(req, res); };
export const app = () => new Router().get('/a', function a() {}).build();
`,
  });
  assert.match(
    linesOf(run('explain', 'GET', '/a')).at(-1)!,
    /action a: would be called: the request is valid; a filter behind it fails with 500 Internal Server Error/,
  );
  assert.equal(JSON.parse(run('explain', 'GET', '/a', '--json').stdout).status, 500);
});

const WITH_PLUGINS = {
  'portico.ini': '[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n',
  'api-paste.ini':
    '[composite:one]\nuse = portico/loader:urlmap\n/v1: one_app\n[app:one_app]\npaste.app_factory = ./app.mjs:app\n',
  'app.mjs': `import { Router } from 'portico/routing';
async function items(fastify) {
  fastify.get('/:id', async () => 1);
  fastify.setNotFoundHandler(async () => 2);
}
export const app = () => new Router({ prefix: '/t', plugins: [[items, { prefix: '/items' }]] }).get('/notes', () => 1).build();
`,
};

test('explain and routes know the routes and the not-found handlers of plugins', () => {
  const run = project(WITH_PLUGINS);
  assert.deepEqual(linesOf(run('explain', 'GET', '/v1/items/3')).slice(-2), [
    '  route GET /items/:id: is a route of a plugin, because no route of the table matches',
    '  app a plugin: would be called  [script name "/v1", path "/items/3"]',
  ]);
  const explained = JSON.parse(run('explain', 'GET', '/v1/items/3', '--json').stdout);
  assert.deepEqual([explained.status, explained.plugin], [null, { route: { methods: ['GET'], url: '/items/:id' } }]);
  assert.match(
    linesOf(run('explain', 'POST', '/v1/items/3')).at(-2)!,
    /^ {2}route the not-found handler of a plugin: no route matches/,
  );
  assert.match(linesOf(run('explain', 'GET', '/v1/other')).at(-1)!, /response one_app: 404/);
  assert.match(linesOf(run('routes')).at(-1)!, /^ {2}GET +\/v1\/items\/:id +a plugin$/);
  const { routers } = JSON.parse(run('routes', '--json').stdout);
  assert.deepEqual(routers[0].pluginRoutes, [{ url: '/v1/items/:id', methods: ['GET'] }]);
});
