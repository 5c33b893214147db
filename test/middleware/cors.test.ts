import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, Fault, type Filter } from 'portico/app';
import { catchErrors, cors } from 'portico/middleware';
import { buildFilter, captureLog, lint, request, type TestResponse } from 'portico/testing';
import { corsFilter } from '#internal/middleware';

const PAGE = 'https://page.example';
const denied: App = (_req, res) => {
  res.writeHead(401, { vary: 'Accept' }).end('no');
};

const send = async (
  filter: Filter,
  method: string,
  headers: Record<string, string>,
  app: App = denied,
): Promise<TestResponse> => request(lint(filter(app)), method, '/', { headers });

const preflight = (filter: Filter, headers: Record<string, string> = {}): Promise<TestResponse> =>
  send(filter, 'OPTIONS', { origin: PAGE, 'access-control-request-method': 'PUT', ...headers });

const corsHeaders = ({ headers }: TestResponse): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

const VARY = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';

test('MW-63.2 OPTIONS without Origin to an app that responds with 401 stays 401', async () => {
  const { made } = await buildFilter(cors, { local: { allowed_origin: PAGE } });
  assert.equal((await send(made, 'OPTIONS', {})).status, 401);
  assert.equal((await send(made, 'OPTIONS', { origin: PAGE })).status, 401);
  assert.equal((await send(made, 'OPTIONS', { 'access-control-request-method': 'PUT' })).status, 401);
});

test('MW-63.2 MW-19 a preflight gets 204 without a call to the app', async () => {
  const local = { allowed_origin: PAGE, allow_headers: 'X-Auth-Token', max_age: '0', allow_credentials: 'true' };
  const { made } = await buildFilter(cors, { local });
  const response = await preflight(made, { 'access-control-request-headers': 'x-auth-token, content-type' });
  assert.equal(response.status, 204);
  assert.equal(response.headers['access-control-allow-origin'], PAGE);
  assert.equal(response.headers['access-control-allow-methods'], 'GET,HEAD,POST,PUT,PATCH,DELETE');
  assert.equal(response.headers['access-control-allow-headers'], 'x-auth-token,content-type');
  assert.equal(response.headers['access-control-max-age'], '0');
  assert.equal(response.headers['access-control-allow-credentials'], 'true');
  assert.equal(response.headers.vary, VARY);
});

for (const [what, headers] of [
  ['origin', { origin: 'https://other.example' }],
  ['origin with another port', { origin: `${PAGE}:8443` }],
  ['method', { 'access-control-request-method': 'TRACE' }],
  ['header', { 'access-control-request-headers': 'x-auth-token, x-other' }],
] as const) {
  test(`MW-19 a preflight with another ${what} gets 204 without any permission, its reason at debug`, async () => {
    const { log, lines } = captureLog();
    const { made } = await buildFilter(cors, { log, local: { allowed_origin: PAGE, allow_headers: 'X-Auth-Token' } });
    const response = await preflight(made, headers);
    assert.equal(response.status, 204);
    assert.deepEqual(corsHeaders(response), []);
    assert.equal(response.headers.vary, VARY);
    assert.equal(lines.at(-1)?.level, 'debug');
    assert.match(String(lines.at(-1)?.reason), new RegExp(what.split(' ')[0]!));
  });
}

test('MW-19 actual requests: permission for allowed origins, also on errors, Vary for all', async () => {
  const local = { allowed_origin: PAGE, expose_headers: 'X-A,X-B', allow_credentials: 'true' };
  const { made } = await buildFilter(cors, { local });
  const outer = await buildFilter(catchErrors);
  const failing: App = () => {
    throw new Fault(500);
  };
  const allowed = await send((app) => compose([outer.made, made], app), 'GET', { origin: PAGE }, failing);
  assert.equal(allowed.status, 500);
  assert.equal(allowed.headers['access-control-allow-origin'], PAGE);
  assert.equal(allowed.headers['access-control-allow-credentials'], 'true');
  assert.equal(allowed.headers['access-control-expose-headers'], 'X-A,X-B');
});

test('MW-63.3 Vary: Origin is appended on a disallowed origin, and an existing value is kept', async () => {
  const { made } = await buildFilter(cors, { local: { allowed_origin: PAGE } });
  const response = await send(made, 'GET', { origin: 'https://other.example' });
  assert.equal(response.headers.vary, 'Accept, Origin');
  assert.deepEqual(corsHeaders(response), []);
  const star: App = (_req, res) => {
    res.writeHead(200, { vary: '*' }).end();
  };
  assert.equal((await send(made, 'GET', {}, star)).headers.vary, '*');
});

test('MW-19 an app that allows an origin itself is left alone', async () => {
  const { made } = await buildFilter(cors, { local: { allowed_origin: PAGE } });
  const own: App = (_req, res) => {
    res.writeHead(200, { 'access-control-allow-origin': '*' }).end();
  };
  const response = await send(made, 'GET', { origin: PAGE }, own);
  assert.deepEqual(corsHeaders(response), ['access-control-allow-origin']);
  assert.equal(response.headers['access-control-allow-origin'], '*');
  assert.equal(response.headers.vary, undefined);
});

test('MW-19 patterns match whole origins, * matches all, further sections have separate sets', async () => {
  const config = `[cors]
allowed_origin = regex:https://[a-z]+\\.example
[cors.admin]
allowed_origin = https://admin.other:8443
allow_methods = GET
`;
  const { made } = await buildFilter(cors, { config });
  const origins: [string, boolean][] = [
    ['https://a.example', true],
    ['https://a.example.evil', false],
    ['xhttps://a.example', false],
    ['https://admin.other:8443', true],
  ];
  for (const [origin, allowed] of origins) {
    const response = await send(made, 'GET', { origin });
    assert.equal(response.headers['access-control-allow-origin'], allowed ? origin : undefined, origin);
  }
  const refused = await preflight(made, { origin: 'https://admin.other:8443' });
  assert.deepEqual(corsHeaders(refused), []);
  const all = await buildFilter(cors, { local: { allowed_origin: '*' } });
  assert.equal((await send(all.made, 'GET', { origin: 'null' })).headers['access-control-allow-origin'], 'null');
});

test('MW-19 a further section has the permissions of the filter that it does not set itself', async () => {
  const config = `[cors]
allowed_origin = ${PAGE}
allow_headers = X-Auth-Token
expose_headers = X-Total
max_age = 5
[cors.other]
allowed_origin = https://other.example
max_age = 7
`;
  const { made } = await buildFilter(cors, { config, local: { allow_credentials: 'true' } });
  const asked = { 'access-control-request-headers': 'X-Auth-Token' };
  for (const [origin, maxAge] of [
    [PAGE, '5'],
    ['https://other.example', '7'],
  ] as const) {
    const { headers } = await preflight(made, { ...asked, origin });
    assert.equal(headers['access-control-max-age'], maxAge);
    assert.equal(headers['access-control-allow-headers'], 'X-Auth-Token');
    assert.equal(headers['access-control-allow-credentials'], 'true');
    assert.equal((await send(made, 'GET', { origin })).headers['access-control-expose-headers'], 'X-Total');
  }
});

test('MW-19 a set that names an origin applies before one with *, wherever it is', async () => {
  const config = `[cors]
allowed_origin = *
allow_methods = GET
[cors.page]
allowed_origin = ${PAGE}
allow_methods = PUT
allow_credentials = true
`;
  const { made } = await buildFilter(cors, { config });
  assert.equal((await preflight(made)).headers['access-control-allow-methods'], 'PUT');
  assert.equal((await send(made, 'GET', { origin: PAGE })).headers['access-control-allow-credentials'], 'true');
  const other = await send(made, 'GET', { origin: 'https://other.example' });
  assert.deepEqual(corsHeaders(other), ['access-control-allow-origin']);
});

test('MW-19 pages may send the headers of caches without an option, as with oslo.middleware', async () => {
  const { made } = await buildFilter(cors, { local: { allowed_origin: PAGE } });
  const headers = 'Cache-Control, Pragma, Expires, Last-Modified';
  const response = await preflight(made, { 'access-control-request-headers': headers });
  assert.equal(response.headers['access-control-allow-origin'], PAGE);
});

for (const origin of [`${PAGE}/`, `${PAGE}/path`, 'https://user@page.example', 'page.example', 'regex:(']) {
  test(`MW-5 the origin ${origin} refuses to load`, async () => {
    await assert.rejects(async () => buildFilter(cors, { local: { allowed_origin: origin } }), {
      code: 'PORTICO_CORS_ORIGIN',
    });
  });
}

test('MW-19 * together with credentials refuses to load', async () => {
  const local = { allowed_origin: '*', allow_credentials: 'true' };
  await assert.rejects(async () => buildFilter(cors, { local }), { code: 'PORTICO_CORS_ORIGIN' });
});

test('MW-19 a further section with * that has the credentials of [cors] is refused with a hint that says so', async () => {
  const config = `[cors]\nallowed_origin = ${PAGE}\nallow_credentials = true\n[cors.public]\nallowed_origin = *\n`;
  await assert.rejects(async () => buildFilter(cors, { config }), {
    code: 'PORTICO_CORS_ORIGIN',
    hint: /set allow_credentials = false: \[cors\.<name>\] has the value of \[cors\]/,
  });
  const { made } = await buildFilter(cors, { config: `${config}allow_credentials = false\n` });
  assert.deepEqual(corsHeaders(await send(made, 'GET', { origin: 'https://x.example' })), [
    'access-control-allow-origin',
  ]);
});

test('MW-19 a filter made in code takes further sets at run time', async () => {
  const filter = corsFilter();
  assert.deepEqual(corsHeaders(await send(filter, 'GET', { origin: PAGE })), []);
  filter.add({
    allowedOrigin: [PAGE],
    allowCredentials: false,
    exposeHeaders: [],
    maxAge: 60,
    allowMethods: ['GET'],
    allowHeaders: ['*'],
  });
  assert.deepEqual(corsHeaders(await send(filter, 'GET', { origin: PAGE })), ['access-control-allow-origin']);
});

test('a pattern of origins admits what was written, from a paste file and from the service configuration, and nothing else', async () => {
  const pattern = String.raw`regex:https://[a-z]+\.apps\.example(:\d+)?`;
  const ways = [
    { local: { allowed_origin: pattern, allow_credentials: 'true' } },
    { local: {}, config: `[cors]\nallowed_origin = ${pattern}\nallow_credentials = true\n` },
    {
      local: {},
      config: `[cors.more]\nallowed_origin = https://other.example, ${pattern}\nallow_credentials = true\n`,
    },
  ];
  const admitted = ['https://a.apps.example', 'https://abc.apps.example:8443'];
  const refused =
    'https://a-apps.example https://axapps.example https://a.appsxexample https://a.apps-example https://a.apps.example.evil ' +
    'https://evil.a.apps.example http://a.apps.example https://a.apps.example:d https://a.apps.example: https://.apps.example ' +
    'xhttps://a.apps.example https://a.apps.example/ null';
  for (const way of ways) {
    const { made } = await buildFilter(cors, way);
    const allowOrigin = async (origin: string): Promise<unknown> =>
      (await send(made, 'GET', { origin })).headers['access-control-allow-origin'];
    for (const origin of admitted) assert.equal(await allowOrigin(origin), origin);
    for (const origin of refused.split(' ')) assert.equal(await allowOrigin(origin), undefined, origin);
  }
});

test('a [cors.<name>] that repeats an origin is reported to have no effect for it', async () => {
  const { log, lines } = captureLog();
  const config = '[cors.two]\nallowed_origin = https://new.example, https://PAGE.example\nmax_age = 5\n';
  await buildFilter(cors, { log, local: { allowed_origin: PAGE }, config });
  const warned = lines.filter(({ level }) => level === 'warn').map(({ msg, message }) => String(msg ?? message));
  assert.equal(warned.length, 1);
  assert.match(warned[0]!, /^\[cors\.two\] has no effect for https:\/\/PAGE\.example/i);
});
