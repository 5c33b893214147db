import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type App, compose, environ, type Filter, RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { Loader } from 'portico/loader';
import { catchErrors, rateLimit } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { filesUntilEnd } from '../fixtures/until-end.js';

const app: App = (_req, res) => {
  res.end();
};

const from =
  (address: string, inner: App): App =>
  (req, res) => {
    environ(req).remote = { address, port: undefined, scheme: 'http', host: undefined };
    return inner(req, res);
  };

test('MW-20 over the limit: 429, Retry-After, and the limit on every response', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'all address 1/m 2' } });
  const linted = lint(made(app));
  const first = await request(linted, 'GET', '/');
  assert.equal(first.headers['ratelimit-policy'], '"all";q=2;w=120');
  assert.match(String(first.headers.ratelimit), /^"all";r=1;t=\d+$/);
  assert.equal((await request(linted, 'GET', '/')).status, 200);
  const refused = await request(linted, 'GET', '/');
  assert.equal(refused.status, 429);
  assert.ok(Number(refused.headers['retry-after']) > 50);
  assert.match(String(refused.headers.ratelimit), /r=0/);
});

test('a section has one limit in all pipelines of its API and in each build of them; another API and another configuration have theirs', async (t) => {
  const files = await filesUntilEnd(t, {
    'app.mjs': 'export const app = () => (req, res) => res.end();\n',
    'api-paste.ini': `[composite:main]
use = egg:Paste#urlmap
/one = one
/two = two
[pipeline:one]
pipeline = rate app
[pipeline:two]
pipeline = rate app
[filter:rate]
paste.filter_factory = portico/middleware:rateLimit
rules = all address 1/h 3
[app:app]
paste.app_factory = ./app.mjs:app
`,
  });
  const config = new Config();
  const build = async (service: string, from = config): Promise<App> =>
    closedAfter(t, await new Loader(files.path('api-paste.ini'), { config: from, service }).loadApp('main'));
  const status = async (app: App, path: string): Promise<number> =>
    (await request(compose([catching.made], app), 'GET', path)).status;
  const catching = await buildFilter(catchErrors);
  const [before, after] = [await build('shop'), await build('shop')];
  assert.deepEqual([await status(before, '/one'), await status(before, '/two'), await status(after, '/one')], PASSED);
  assert.deepEqual([await status(after, '/two'), await status(before, '/one')], [429, 429]);
  assert.equal(await status(await build('stock'), '/one'), 200);
  assert.equal(await status(await build('shop', new Config()), '/one'), 200);
});

const PASSED = [200, 200, 200];

test('MW-20 allowed networks are not limited, denied ones get 403', async () => {
  const local = { rules: 'all address 1/h 1', allow: '10.0.0.0/8', deny: '192.0.2.0/24' };
  const { made } = await buildFilter(rateLimit, { local });
  const limited = made(app);
  for (let sent = 0; sent < 3; sent++) {
    assert.equal((await request(lint(from('10.1.1.1', limited)), 'GET', '/')).status, 200);
  }
  assert.equal((await request(lint(from('192.0.2.9', limited)), 'GET', '/')).status, 403);
});

test('MW-20 a small excess may be delayed instead of refused', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'all address 100/s 1', sleep_ms: '1000' } });
  const linted = lint(made(app));
  for (let sent = 0; sent < 3; sent++) assert.equal((await request(linted, 'GET', '/')).status, 200);
});

test('MW-20 a rule by route counts after routing: one bucket for all paths of a route, none for what a client makes up', async (t) => {
  const router = new Router({ controllers: { servers: { show: () => 'one', list: () => 'all', boot: () => 'new' } } });
  router.connect('servers', '/servers', { controller: 'servers', action: 'list', conditions: { method: ['GET'] } });
  router.connect('boot', '/servers', { controller: 'servers', action: 'boot', conditions: { method: ['POST'] } });
  router.connect('server', '/servers/{id}', { controller: 'servers', action: 'show' });
  const outer = new Router();
  outer.mount('/v2', await router.build());
  const app = closedAfter(t, await outer.build());
  const { made } = await buildFilter(rateLimit, { local: { rules: 'each route 1/h 2' } });
  const limited = lint(made(app));
  const status = async (method: string, path: string): Promise<number> => (await request(limited, method, path)).status;
  assert.deepEqual([await status('GET', '/v2/servers/1'), await status('HEAD', '/v2/servers/2')], [200, 200]);
  const refused = await request(limited, 'GET', '/v2/servers/3');
  assert.equal(refused.status, 429);
  assert.match(String(refused.headers.ratelimit), /"each";r=0/);
  assert.equal(await status('DELETE', '/v2/servers/4'), 429);
  assert.equal(await status('GET', '/v2/servers'), 200);
  assert.equal(await status('POST', '/v2/servers'), 200);
  for (const path of ['/x', '/v2/x', '/v2/x', '/v2/y']) assert.equal(await status('GET', path), 404);
});

test('MW-20 a rule by route may delay, and works as a filter of the Router itself', async (t) => {
  const local = { rules: 'each route 100/s 1', sleep_ms: '1000' };
  const { made } = await buildFilter(rateLimit, { local });
  const inside = await buildFilter(rateLimit, { local: { rules: 'each route 1/h 2' } });
  const router = new Router({ controllers: { it: { show: () => 'it' } } });
  router.connect('it', '/{id}', { controller: 'it', action: 'show', filters: [inside.made] });
  const app = closedAfter(t, await router.build());
  const limited = lint(made(app));
  assert.equal((await request(limited, 'GET', '/1')).status, 200);
  assert.equal((await request(limited, 'GET', '/2')).text(), '"it"');
  assert.equal((await request(limited, 'GET', '/3')).status, 429);
});

test('MW-20 a rule by route behind which there is no Router is reported, once', async () => {
  const { log, lines } = captureLog();
  const { made } = await buildFilter(rateLimit, { local: { rules: 'each route 1/h 1' }, log });
  const limited = lint(made(app));
  for (let sent = 0; sent < 3; sent++) assert.equal((await request(limited, 'GET', '/')).status, 200);
  assert.equal(
    lines.filter(({ level, msg }) => level === 'warn' && /no Router handled the request/.test(String(msg))).length,
    1,
  );
});

test('MW-20 a rule by user whose caller is found out further in is reported, once', async () => {
  const { log, lines } = captureLog();
  const local = { rules: 'mine user 1/h 1' };
  const { made } = await buildFilter(rateLimit, { local, log });
  const own =
    (userId: string | undefined): Filter =>
    (inner) =>
    (req, res) => {
      if (userId !== undefined) environ(req).context = new RequestContext({ userId });
      return inner(req, res);
    };
  const warnings = () => lines.filter(({ level }) => level === 'warn');
  assert.equal((await request(lint(made(own(undefined)(app))), 'GET', '/')).status, 200);
  assert.equal(warnings().length, 0, 'an anonymous caller has no name anywhere');
  for (let sent = 0; sent < 3; sent++) assert.equal((await request(lint(made(own('u')(app))), 'GET', '/')).status, 200);
  assert.equal(warnings().length, 1);
  assert.match(String(warnings()[0]?.msg), /"mine".*Put a rate_limit/);
  const inside = await buildFilter(rateLimit, { local, log });
  const right = own('u')(inside.made(app));
  assert.equal((await request(lint(right), 'GET', '/')).status, 200);
  assert.equal((await request(lint(right), 'GET', '/')).status, 429);
  assert.equal(warnings().length, 1);
});

test('MW-20 GET includes HEAD, and an overriding method counts', async () => {
  for (const [method, path] of [
    ['HEAD', '/a'],
    ['POST', '/a?_method=GET'],
  ] as const) {
    const reads = await buildFilter(rateLimit, { local: { rules: 'reads address 1/h 1 GET /a' } });
    assert.equal(
      (await request(lint(reads.made(app)), method, path)).headers['ratelimit-policy'],
      '"reads";q=1;w=3600',
    );
  }
});

/** Makes this process one of four workers. `take` asks its parent for tokens. */
function asWorker(
  t: TestContext,
  take: (rule: { id: string }, key: string) => Promise<unknown> | undefined,
  isSilent = (): boolean => false,
): void {
  const link = Symbol.for('portico.worker');
  const owner = process as unknown as Record<symbol, unknown>;
  const buckets = {
    take,
    get isSilent() {
      return isSilent();
    },
  };
  owner[link] = { assignment: { service: 'a', index: 0, workers: 4, generation: 1 }, buckets };
  t.after(() => delete owner[link]);
}

test('AU-5 DR-12 a worker whose parent is silent grants nothing by itself; the log says when that begins and ends', async (t) => {
  let silent = false;
  asWorker(
    t,
    () => Promise.resolve({ granted: !silent, waitMs: silent ? 1000 : 0, left: silent ? 0 : 7, resetMs: 1000 }),
    () => silent,
  );
  const { log, lines } = captureLog();
  const { made } = await buildFilter(rateLimit, { local: { rules: 'all address 8/h 8' }, log });
  const limited = lint(made(app));
  const statuses: number[] = [];
  for (let sent = 0; sent < 4; sent++) {
    silent = sent > 0;
    const { status, headers } = await request(limited, 'GET', '/');
    statuses.push(status);
    assert.equal(headers['ratelimit-policy'], '"all";q=8;w=3600');
    assert.equal(headers['retry-after'], silent ? '1' : undefined);
  }
  assert.deepEqual(statuses, [200, 429, 429, 429]);
  assert.equal(lines.length, 1);
  assert.match(String(lines[0]?.msg), /has not responded for a second: until it does, requests with a limit get 429/);
  silent = false;
  for (let sent = 0; sent < 2; sent++) assert.equal((await request(limited, 'GET', '/')).status, 200);
  assert.deepEqual(
    lines.slice(1).map(({ level, msg }) => [level, msg]),
    [['notice', 'the parent of this worker responds again: the rate limits refuse only what exceeds them']],
  );
});

test('MW-20 a worker asks its parent, rule by rule, and responds with the limit of the API', async (t) => {
  const asked: string[] = [];
  asWorker(t, async ({ id }, key) => {
    asked.push(`${id} for ${key}`);
    return { granted: !id.includes('some'), waitMs: 2500, left: 3, resetMs: 9000 };
  });
  const rules = ['all address 8/h 8', 'some address 2/s 4 GET /some', 'last address 1/s 1'];
  const { made } = await buildFilter(rateLimit, {
    config: `[rate_limit]\n${rules.map((r) => `rules = ${r}\n`).join('')}`,
  });
  const limited = lint(from('192.0.2.1', made(app)));
  const refused = await request(limited, 'GET', '/some');
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '3');
  assert.equal(refused.headers['ratelimit-policy'], '"some";q=4;w=2, "all";q=8;w=3600');
  assert.equal(refused.headers.ratelimit, '"some";r=3;t=9, "all";r=3;t=9');
  assert.deepEqual(asked, ['test all address 8/h 8 for 192.0.2.1', 'test some address 2/s 4 GET /some for 192.0.2.1']);
});
