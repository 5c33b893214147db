/** `api-cli explain`: the effect of each filter on this request, the route with its place, the action. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as middleware from 'portico/middleware';
import { emptyProject } from '../../fixtures/project.js';
import { command } from '../command.js';

const FILES = {
  'portico.ini': '[DEFAULT]\nenabled_apis = things, other\n[api:things]\nport = 8774\n[api:other]\nport = 8775\n',
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
pipeline = token things_app

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
word = hello

[filter:token]
paste.filter_factory = portico/middleware:authToken
validator = keystone

[filter:prefix]
paste.filter_factory = portico/middleware:pathPrefix
prefix = /below

[app:things_app]
paste.app_factory = ./app.mjs:things

[app:files_app]
paste.app_factory = ./app.mjs:files
`,
  'app.mjs': `import { writeFileSync } from 'node:fs';
import { action, Router } from 'portico/routing';
export const own = () => { writeFileSync('made', ''); return (app) => app; };
own.describe = ({ word }, req) => ({ does: \`says \${word} to \${req?.url}\` });
export const files = () => (_req, res) => res.end();
export async function things(_globalConf, _localConf, ctx) {
  const named = Object.assign(function named(app) { return app; }, { describe: () => ({ does: 'asks for a project', answers: 'perhaps' }) });
  const controller = {
    index: () => [],
    show: [action({ versions: ['1.1', '1.3'] }, () => 1), action({ versions: ['1.4'] }, () => 2)],
    create: action({ versions: ['1.2'] }, () => 3),
  };
  const inner = new Router().connect('/parts/{part}', { handler: function part() {}, conditions: { method: ['GET'] } });
  const router = new Router({
    controllers: { things: controller },
    versions: { serviceType: 'things', min: '1.1', max: '1.5' },
  }).use(named);
  router.resource('thing', 'things', { controller: 'things', only: ['index', 'show', 'create'], formatted: false });
  router.redirect('/old', '/things');
  const innerApp = await inner.build();
  router.mount('/inner', innerApp);
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
function project(t: TestContext, files: Readonly<Record<string, string>> = FILES) {
  const { folder, remove } = emptyProject(files);
  t.after(remove);
  const run = (...words: string[]): Ran => command(words, { cwd: folder });
  return Object.assign(run, { folder });
}

function linesOf({ status, stdout, stderr }: Ran): string[] {
  assert.equal(status, 0, stderr);
  return stdout.trimEnd().split('\n');
}

test('OP-6 a request that is answered: mount, what each filter does with it, route with its place, filters of the router, action', (t) => {
  const run = project(t);
  const lines = linesOf(run('explain', 'GET', '/v1/things/7?limit=1', '--api', 'things'));
  assert.deepEqual(lines, [
    'GET /v1/things/7?limit=1',
    '  composite things: /v1 is the first mount that matches /v1/things/7  [script name "/v1", path "/things/7?limit=1"]  call:portico/loader:urlmap  api-paste.ini:1',
    '  pipeline v1: 5 filters, then "things_app"  api-paste.ini:7',
    '  filter request_log: logs a line when the response has ended  portico/middleware:requestLog  api-paste.ini:21',
    '  filter cors: adds Vary to the response: the request has no Origin  portico/middleware:cors  api-paste.ini:24',
    '  filter sizelimit: answers 413 to a body of more than 100 bytes  portico/middleware:sizelimit  api-paste.ini:28',
    '  filter read_only: refuses nothing, because enabled is false  portico/middleware:readOnly  api-paste.ini:32',
    '  filter own: says hello to /things/7?limit=1  ./app.mjs:own  api-paste.ini:36',
    '  app things_app: a Router of 6 routes  [script name "/v1", path "/things/7?limit=1"]  ./app.mjs:things  api-paste.ini:48',
    '  route GET /things/{id}: is the first match, version 1.1, id = "7"  app.mjs:18',
    '  filter named: asks for a project',
    '  action things.show: answers',
  ]);
});

test('OP-6 filters are not made, and what the app has acquired is released', (t) => {
  const run = project(t);
  const lines = linesOf(run('explain', 'GET', '/v1/things', '--api', 'things'));
  assert.match(lines.at(-1)!, /action things\.index/);
  assert.equal(existsSync(join(run.folder, 'made')), false);
  assert.equal(existsSync(join(run.folder, 'closed')), true);
});

test('OP-6 a filter that answers this request ends it: a preflight, a body that is too large, a token that is missing', (t) => {
  const run = project(t);
  const preflight = ['--header', 'Origin: https://a', '--header', 'Access-Control-Request-Method: PUT'];
  const at = (...words: string[]): string => linesOf(run('explain', ...words, '--api', 'things')).at(-1)!;
  assert.match(
    at('OPTIONS', '/v1/things', ...preflight),
    /^ {2}filter cors: answers 204: a preflight of https:\/\/a for PUT, refused, because the origin is not allowed; allowed origins: https:\/\/pages\.example /,
  );
  assert.match(
    at('POST', '/v1/things', '--header', 'Content-Length: 101'),
    /^ {2}filter sizelimit: answers 413: The request body is larger than the limit of 100 bytes {2}/,
  );
  assert.match(at('GET', '/stopped/things'), /^ {2}filter token: answers 401: the request has no X-Auth-Token/);
});

test('OP-6 the reason of a 404 with the nearest route, and of a 405 with the methods there are', (t) => {
  const run = project(t);
  const at = (...words: string[]): string => linesOf(run('explain', ...words, '--api', 'things')).at(-1)!;
  assert.equal(
    at('GET', '/v1/thing/7'),
    '  response things_app: 404 Not Found: no route matches /thing/7; the nearest is GET /things/{id}  app.mjs:18',
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

test('OP-6 a 404 of a nearly right path names what refuses it: a type, a requirement, a slash at the end', (t) => {
  const run = project(t, {
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
  const { stdout } = run('routes', '--match', 'GET /notes/x');
  assert.match(stdout, /tried:[\s\S]*GET +\/notes\/\{id\} +id = "x" does not match int/);
});

test('OP-6 versions: the method for the one that is asked for, one that is not there, and one that is none', (t) => {
  const run = project(t);
  const at = (version: string, ...words: string[]): string =>
    linesOf(run('explain', ...words, '--api', 'things', '--header', `OpenStack-API-Version: things ${version}`)).at(
      -1,
    )!;
  assert.match(at('1.5', 'GET', '/v1/things/7'), /action things\.show/);
  assert.match(
    at('1.1', 'POST', '/v1/things'),
    /404 Not Found: things\.create does not exist in version 1\.1, only from 1\.2 to the last/,
  );
  assert.match(at('1.9', 'GET', '/v1/things'), /406 Not Acceptable: Version 1\.9 is not supported/);
  assert.match(at('x', 'GET', '/v1/things'), /400 Bad Request: API Version String x is of invalid format/);
});

test('OP-6 a function as an action has its own name, and auth of a route is named', (t) => {
  const run = project(t, {
    'portico.ini': '[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n',
    'api-paste.ini': '[app:one]\npaste.app_factory = ./app.mjs:app\n',
    'app.mjs': `import { Router } from 'portico/routing';
export const app = () => new Router({ auth: true }).get('/open', { auth: false }, function open() {}).get('/shut', () => 1).build();
`,
  });
  const open = linesOf(run('explain', 'GET', '/open')).slice(-2);
  assert.deepEqual(open, ['  filter auth: allows all callers', '  action open: answers']);
  assert.ok(linesOf(run('explain', 'GET', '/shut')).includes('  filter auth: checks whether the caller is allowed'));
});

test('OP-6 a router that is mounted in another, an app that is no router, a filter that takes a prefix off', (t) => {
  const run = project(t);
  const inner = linesOf(run('explain', 'GET', '/v1/inner/parts/3', '--api', 'things'));
  assert.match(inner.at(-3)!, /^ {2}route any \/inner\/\{path_info\}: .* app\.mjs:21$/);
  assert.match(inner.at(-2)!, /^ {2}route GET \/parts\/\{part\}: is the first match, part = "3" {2}app\.mjs:13$/);
  assert.match(inner.at(-1)!, /^ {2}action part: answers$/);
  const [, , , prefix, app] = linesOf(run('explain', 'GET', '/files/below/a', '--api', 'things'));
  assert.match(prefix!, /^ {2}filter prefix: removes \/below from the path/);
  assert.match(app!, /^ {2}app files_app: answers {2}\[script name "\/below", path "\/a"\]/);
});

test('OP-6 a cascade is followed past the answers it drops', (t) => {
  const run = project(t);
  const missed = linesOf(run('explain', 'GET', '/nothing', '--api', 'other'));
  assert.match(missed.at(-2)!, /response things_app: 404/);
  assert.match(missed.at(-1)!, /app files_app: answers/);
  // The action may respond with 404 too.
  const found = linesOf(run('explain', 'GET', '/things', '--api', 'other'));
  assert.match(found.at(-2)!, /action things\.index/);
  assert.match(found.at(-1)!, /app files_app: answers/);
});

test('OP-6 behind an answer of a cascade that is not known, no later number is what comes of the request', (t) => {
  const cascade = (name: string, apps: string): string =>
    `\n[composite:${name}]\nuse = portico/loader:cascade\n${apps}\n`;
  const run = project(t, {
    ...FILES,
    'api-paste.ini': `${FILES['api-paste.ini']}
[app:static]
paste.app_factory = portico/middleware:staticFiles
document_root = .
${cascade('unknown', 'app1 = files_app\napp2 = things_app')}
${cascade('decided', 'app1 = static\napp2 = things_app')}
${cascade('action', 'app1 = things_app\napp2 = inner')}
${cascade('known', 'app1 = inner\napp2 = things_app')}
${cascade('stray', 'app1 = things_app\nap2 = files_app')}
[app:inner]
paste.app_factory = ./app.mjs:inner
`,
    'app.mjs': `${FILES['app.mjs']}export const inner = () => new Router().connect('/inner', { handler: function inner() {} }).build();\n`,
  });
  const read = (api: string, path: string) =>
    JSON.parse(linesOf(run('explain', 'GET', path, '--api', api, '--json')).join('\n'));
  const last = (api: string, path: string): string => linesOf(run('explain', 'GET', path, '--api', api)).at(-1)!;
  for (const api of ['unknown', 'decided']) {
    assert.equal(read(api, '/nothing').status, null, api);
    assert.match(last(api, '/nothing'), /response things_app: 404/);
    assert.match(last(api, '/things'), /action things\.index/);
  }
  const acts = read('action', '/things');
  assert.deepEqual([acts.status, acts.action?.name, acts.route?.path], [null, 'index', '/things']);
  assert.equal(read('known', '/nothing').status, 404);
  assert.match(last('stray', '/things'), /action things\.index/);
});

test('OP-6 a path that the server refuses before any filter', (t) => {
  const run = project(t);
  for (const [path, why] of [
    ['/v1/%zz', 'The path has an invalid percent-encoding.'],
    ['/v1/../things', 'The path has a dot segment, a backslash or a control character.'],
  ] as const) {
    const words = ['explain', 'GET', path, '--api', 'things'];
    assert.deepEqual(linesOf(run(...words)), [`GET ${path}`, `  response the server: 400 Bad Request: ${why}`]);
    const said = JSON.parse(run(...words, '--json').stdout);
    assert.deepEqual([said.status, said.route, said.steps.length], [400, null, 1]);
  }
});

test('OP-6 OP-18 --json has every step, and what came of it', (t) => {
  const run = project(t);
  const read = (...words: string[]) =>
    JSON.parse(linesOf(run('explain', ...words, '--api', 'things', '--json')).join('\n'));
  const found = read('GET', '/v1/things/7');
  assert.equal(found.schema, 'portico/explain');
  assert.deepEqual([found.status, found.action], [null, { controller: 'things', name: 'show' }]);
  assert.deepEqual([found.route.path, found.route.origin.line, found.match.id], ['/things/{id}', 18, '7']);
  const log = found.steps.find(({ name }: { name: string }) => name === 'request_log');
  assert.deepEqual([log.what, log.answers, log.origin.line], ['filter', 'never', 21]);
  const refused = read('PATCH', '/v1/things');
  assert.deepEqual([refused.status, refused.allow], [405, ['GET', 'HEAD', 'OPTIONS', 'POST']]);
  const missed = read('GET', '/v1/thing/7');
  assert.deepEqual([missed.status, missed.nearest.path], [404, '/things/{id}']);
});

test('OP-6 which API: by its name, by the port of a whole URL, and never by luck', (t) => {
  const run = project(t);
  assert.match(run('explain', 'GET', 'http://127.0.0.1:8775/things').stdout, /composite other: /);
  assert.match(run('explain', 'GET', '/x', '--api', 'files_app').stdout, /app files_app: answers/);
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

/** The output of `api-cli explain` for one filter, with this section and this service configuration. */
function filterSays(
  t: TestContext,
  written: { readonly factory: string; readonly options?: string; readonly config?: string },
) {
  const run = project(t, {
    'portico.ini': `[DEFAULT]\nenabled_apis = one\n[api:one]\nport = 8774\n${written.config ?? ''}`,
    'api-paste.ini': `[pipeline:one]
pipeline = it app
[filter:it]
paste.filter_factory = portico/middleware:${written.factory}
${written.options ?? ''}
[app:app]
paste.app_factory = ./app.mjs:app
`,
    'app.mjs': 'export const app = () => (_req, res) => res.end();\n',
  });
  return (method: string, url: string, ...headers: string[]): { says: string; answers: unknown } => {
    const asked = headers.flatMap((header) => ['--header', header]);
    const { stdout, stderr } = run('explain', method, url, '--json', ...asked);
    assert.equal(stderr, '');
    const { steps } = JSON.parse(stdout) as { steps: { what: string; text: string; answers?: unknown }[] };
    const { text, answers } = steps.find(({ what }) => what === 'filter')!;
    return { says: text, answers };
  };
}

test('OP-6 a token filter whose [auth_token], or own group, leaves the decision to the application answers nothing', (t) => {
  const jwt = filterSays(t, {
    factory: 'jwtAuth',
    options: 'issuer = https://id.example\naudience = one',
    config: '[auth_token]\ndelay_auth_decision = true\n',
  });
  const delayed = { says: 'validates the token with jwt, and lets the application decide' };
  assert.deepEqual(jwt('GET', '/'), { ...delayed, answers: 'never' });
  const config = '[my_auth]\nvalidator = jwt\ndelay_auth_decision = true\n';
  const own = filterSays(t, { factory: 'authToken', options: 'config_group = my_auth', config });
  assert.deepEqual(own('GET', '/'), { ...delayed, answers: 'never' });
});

test('OP-6 noauth answers 403 to a request of another Host and to one that was forwarded, unless it is open', (t) => {
  const options = 'allowed_hosts = box.example';
  const closed = filterSays(t, { factory: 'noauth', options });
  const open = filterSays(t, { factory: 'noauth', options: 'i_know_this_is_open = true' });
  const token = 'X-Auth-Token: ann:lab';
  const taken = { says: 'trusts the caller to be the user ann of the project lab', answers: 'never' };
  for (const host of ['localhost', '127.0.0.1:8774', '[::1]:8774', 'BOX.example:1']) {
    assert.deepEqual(closed('GET', '/', token, `Host: ${host}`), taken);
  }
  const colons = open('GET', '/', 'X-Auth-Token: ann:a:b');
  assert.equal(colons.says, 'trusts the caller to be the user ann of the project a:b');
  const foreign = closed('GET', '/', token, 'Host: evil.example');
  assert.deepEqual(foreign, {
    says: 'answers 403: This service accepts requests to this machine only, and evil.example is not one of its names',
    answers: 403,
  });
  const forwarded = closed('GET', '/', token, 'X-Forwarded-For: 192.0.2.7');
  assert.deepEqual(forwarded, { says: 'answers 403: This service accepts no forwarded requests', answers: 403 });
  assert.deepEqual(open('GET', '/', token, 'Host: evil.example', 'Via: 1.1 a'), taken);
});

test('OP-6 rate_limit says which networks it denies, also where no rule is for the request', (t) => {
  const denies = filterSays(t, { factory: 'rateLimit', options: 'deny = 192.0.2.0/24, 198.51.100.0/24' });
  assert.deepEqual(denies('GET', '/'), {
    says: 'limits nothing, because no rule applies to this request; answers 403 to 192.0.2.0/24, 198.51.100.0/24',
    answers: 'perhaps',
  });
  const both = filterSays(t, { factory: 'rateLimit', options: 'deny = 192.0.2.0/24\nrules = all address 1/s 2' });
  assert.deepEqual(both('GET', '/'), {
    says: 'answers 429 over the limit of "all address 1/s 2"; answers 403 to 192.0.2.0/24',
    answers: 'perhaps',
  });
});

test('OP-6 rate_limit says which networks it does not limit', (t) => {
  const options = 'allow = 10.0.0.0/8\ndeny = 192.0.2.0/24\nrules = all address 1/s 2';
  assert.deepEqual(filterSays(t, { factory: 'rateLimit', options })('GET', '/'), {
    says: 'answers 429 over the limit of "all address 1/s 2", except for 10.0.0.0/8; answers 403 to 192.0.2.0/24',
    answers: 'perhaps',
  });
});

test('OP-6 a token filter that wants a scope says its 403, wherever the option stands', (t) => {
  const jwt = 'issuer = https://id.example\naudience = one\nrequired_scope = servers';
  const says =
    'validates the token with jwt; answers 401 if it is not valid, 403 without the scope servers, 503 if it cannot be validated';
  const own = filterSays(t, { factory: 'jwtAuth', options: jwt });
  const group = filterSays(t, { factory: 'authToken', config: `[auth_token]\nvalidator = jwt\n[jwt]\n${jwt}\n` });
  for (const filter of [own, group]) {
    assert.deepEqual(filter('GET', '/', 'X-Auth-Token: x'), { says, answers: 'perhaps' });
  }
});

test('OP-6 cors says which origins are allowed, in its further sections too, and why a preflight is refused', (t) => {
  const config = '[cors.partner]\nallowed_origin = https://partner.example\nallow_methods = GET\n';
  const of = filterSays(t, { factory: 'cors', options: 'allowed_origin = https://own.example', config });
  const page = (origin: string): string => of('GET', '/', `Origin: ${origin}`).says;
  assert.equal(page('https://partner.example'), 'allows a page of https://partner.example to read the response');
  assert.equal(
    page('https://other.example'),
    'does not allow a page of https://other.example to read the response; allowed origins: https://own.example, https://partner.example',
  );
  const preflight = (origin: string, method: string): string =>
    of('OPTIONS', '/', `Origin: ${origin}`, `Access-Control-Request-Method: ${method}`).says;
  assert.match(preflight('https://own.example', 'POST'), /for POST, allowed$/);
  assert.match(preflight('https://partner.example', 'GET'), /for GET, allowed$/);
  assert.match(
    preflight('https://partner.example', 'POST'),
    /for POST, refused, because the method POST is not allowed$/,
  );
});

test('OP-6 the health check as a filter: 405 to what is no GET or HEAD, 404 to others than its networks and to the forwarded', (t) => {
  const anyone = filterSays(t, { factory: 'healthcheckFilter' });
  assert.deepEqual(anyone('POST', '/healthcheck'), {
    says: 'answers 405, because the health check accepts only GET and HEAD',
    answers: 405,
  });
  assert.deepEqual(anyone('HEAD', '/healthcheck'), {
    says: 'answers the health check: 204, or 503 if a check fails',
    answers: 'always',
  });
  const options = 'allowed_source_ranges = 192.0.2.0/24\nignore_proxied_requests = true';
  const some = filterSays(t, { factory: 'healthcheckFilter', options });
  const others = '; answers 404 to others than 192.0.2.0/24';
  assert.deepEqual(some('GET', '/healthcheck'), {
    says: `answers the health check: 200, or 503 if a check fails${others}`,
    answers: 'always',
  });
  assert.deepEqual(some('POST', '/healthcheck'), {
    says: `answers 405, because the health check accepts only GET and HEAD${others}`,
    answers: 'always',
  });
  assert.deepEqual(some('GET', '/healthcheck', 'X-Forwarded-For: 192.0.2.7'), {
    says: 'answers 404, because the request was forwarded',
    answers: 404,
  });
});

test('OP-6 every filter and app that ships says what it does', () => {
  const factories = Object.entries(middleware).filter(
    ([, made]) => 'group' in Object(made) || made === middleware.requestConfig || made === middleware.passThrough,
  );
  assert.ok(factories.length > 25);
  for (const [name, made] of factories)
    assert.equal(typeof (made as { describe?: unknown }).describe, 'function', name);
});

test('explain shows the guard of a redirect before its answer', (t) => {
  const run = project(t, {
    'portico.ini': '[DEFAULT]\nenabled_apis = moved\n[api:moved]\nport = 8774\n',
    'api-paste.ini': '[app:moved]\npaste.app_factory = ./app.mjs:moved\n',
    'app.mjs': `import { Router } from 'portico/routing';
export const moved = () => new Router({ auth: true }).redirect('/old', '/new').build();
`,
  });
  const lines = linesOf(run('explain', 'GET', '/old'));
  assert.deepEqual(lines.slice(-2), [
    '  filter auth: checks whether the caller is allowed',
    '  response moved: 302 Found: redirects to /new',
  ]);
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

test('explain, routes and routes --match know the routes and the not-found handlers of plugins', (t) => {
  const run = project(t, WITH_PLUGINS);
  assert.deepEqual(linesOf(run('explain', 'GET', '/v1/items/3')).slice(-2), [
    '  route GET /items/:id: is a route of a plugin, because no route of the table matches',
    '  app a plugin: answers  [script name "/v1", path "/items/3"]',
  ]);
  const explained = JSON.parse(run('explain', 'GET', '/v1/items/3', '--json').stdout);
  assert.deepEqual([explained.status, explained.plugin], [null, { route: { methods: ['GET'], url: '/items/:id' } }]);
  assert.match(
    linesOf(run('explain', 'POST', '/v1/items/3')).at(-1)!,
    /^ {2}app the not-found handler of a plugin: answers, because no route matches/,
  );
  assert.match(linesOf(run('explain', 'GET', '/v1/other')).at(-1)!, /response one_app: 404/);
  const match = (request: string): string => linesOf(run('routes', '--match', request)).join('\n');
  assert.match(
    match('GET /v1/items/3'),
    /no route of the table matches GET \/items\/3\n {2}the route GET \/items\/:id of a plugin answers\n {2}tried:/,
  );
  assert.match(match('POST /v1/items/3'), / {2}the not-found handler of a plugin answers/);
  assert.match(match('GET /v1/other'), /no route matches GET \/other/);
  assert.match(linesOf(run('routes')).at(-1)!, /^ {2}GET +\/v1\/items\/:id +a plugin$/);
  const { routers } = JSON.parse(run('routes', '--json').stdout);
  assert.deepEqual(routers[0].pluginRoutes, [{ url: '/v1/items/:id', methods: ['GET'] }]);
});
