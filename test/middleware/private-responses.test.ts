/** Responses to authenticated callers: no shared cache keeps them, unless the application or a filter says otherwise. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { type App, compose, environ, Fault, type Filter } from 'portico/app';
import { Config } from 'portico/config';
import {
  basicAuth,
  context,
  etag,
  jwtAuth,
  noauth,
  requestId,
  securityHeaders,
  session,
  signToken,
} from 'portico/middleware';
import { Reply, Router, type RouterOptions } from 'portico/routing';
import { Server, type ServerOptions, WSGIService } from 'portico/server';
import { buildFilter, request } from 'portico/testing';
import { filesUntilEnd, filterUntilEnd } from '../fixtures/until-end.js';
import { keepingLogger } from '../routing/served-router.js';
import { portOf } from '../server/raw-client.js';
import { setUp, token } from './fake-identity.js';

interface Known {
  readonly filters: readonly Filter[];
  readonly headers: Record<string, string>;
}

const plain: Filter = (app) => (req, res) => app(req, res);
const ours: Filter = (app) => (req, res) => {
  if (req.headers['x-who'] !== undefined) environ(req).identity = { userId: 'ada' };
  return app(req, res);
};

/** Ways to know a caller. Without the headers, the same filters let a request pass, or refuse it. */
const CALLERS: Readonly<Record<string, (t: TestContext) => Promise<Known>>> = {
  session: async () => {
    const { made } = await buildFilter(session, { local: { secrets: '1'.repeat(32), secure: 'false' } });
    const begin: App = async (req, res) => {
      await environ(req).session!.begin({ userId: 'ada' });
      res.end();
    };
    const [cookie = ''] = (await ask(made(begin), '/', {})).headers.getSetCookie();
    return { filters: [made], headers: { cookie: cookie.split(';', 1)[0]! } };
  },
  basic_auth: async (t) => {
    const files = await filesUntilEnd(t, { users: `ada:${hashSync('pass', 4)}\n` });
    await chmod(files.path('users'), 0o600);
    const { made } = await filterUntilEnd(t, basicAuth, { local: { user_file: files.path('users') } });
    const authorization = `Basic ${Buffer.from('ada:pass').toString('base64')}`;
    return { filters: [made], headers: { authorization } };
  },
  auth_token: async (t) => {
    const { identity, filter } = await setUp(t, { delay_auth_decision: 'true' });
    identity.tokens.set('good', token());
    return { filters: [filter], headers: { 'x-auth-token': 'good' } };
  },
  'jwt and context': async (t) => {
    const files = await filesUntilEnd(t, { secret: 's'.repeat(64) });
    await chmod(files.path('secret'), 0o600);
    const { made } = await filterUntilEnd(t, jwtAuth, { local: { secret_file: files.path('secret') } });
    const inner = await buildFilter(context);
    const authorization = `Bearer ${signToken({ sub: 'ada' }, { secret: 's'.repeat(64), expiresIn: 60 })}`;
    return { filters: [made, inner.made], headers: { authorization } };
  },
  noauth: async () => {
    const { made } = await buildFilter(noauth, { config: '[api]\nauth_strategy = noauth\n' });
    return { filters: [made], headers: { 'x-auth-token': 'ada:p' } };
  },
  'a filter of the application': async () => ({ filters: [ours], headers: { 'x-who': 'ada' } }),
};

async function ask(
  app: App,
  path: string,
  headers: Record<string, string>,
  options: ServerOptions = {},
): Promise<Response> {
  const server = new Server('private', app, { log: keepingLogger(), ...options });
  await server.start();
  try {
    const response = await fetch(`http://127.0.0.1:${portOf(server)}${path}`, { headers });
    await response.arrayBuffer();
    return response;
  } finally {
    await server.stop();
  }
}

async function routes(plugins?: [], options: RouterOptions = {}): Promise<App> {
  const router = new Router({
    log: keepingLogger(),
    ...options,
    ...(plugins && { plugins: [(_fastify, _options, done) => done()] }),
  });
  router.get('/value', () => ({ a: 1 }));
  router.get('/text', () => new Reply('a', { headers: { 'content-type': 'text/plain' } }));
  router.get('/public', () => new Reply('a', { headers: { 'Cache-Control': 'public, max-age=60' } }));
  router.get('/set', ({ res }) => {
    res.setHeader('Cache-Control', 'max-age=5');
    return 'a';
  });
  router.get('/removed', ({ res }) => {
    res.removeHeader('Cache-Control');
    return { a: 1 };
  });
  router.get('/removed/fault', ({ res }) => {
    res.setHeader('cache-control', 'max-age=5');
    throw new Error('x');
  });
  router.get('/fault', () => {
    throw new Fault(409);
  });
  router.get('/error', () => {
    throw new Error('x');
  });
  return router.build();
}

const listener: App = (req, res) => {
  if (req.url === '/list') res.writeHead(200, ['content-type', 'text/plain']).end('a');
  else if (req.url === '/pieces') res.write('a', () => res.end('b'));
  else if (req.url === '/own') res.writeHead(200, { 'CACHE-CONTROL': 'no-cache' }).end();
  else res.end('a');
};

const SAID: Readonly<Record<string, string>> = {
  '/public': 'public, max-age=60',
  '/set': 'max-age=5',
  '/own': 'no-cache',
};

for (const [name, knownBy] of Object.entries(CALLERS)) {
  test(`AU-4 a response to a caller known by ${name} is private, unless something else is said`, async (t) => {
    const { filters, headers } = await knownBy(t);
    const [id, tags] = [await buildFilter(requestId), await buildFilter(etag)];
    const secured = await buildFilter(securityHeaders);
    for (const outer of [[], [id.made], [id.made, tags.made], [plain]]) {
      const app = compose([...outer, ...filters], await routes());
      for (const path of ['/value', '/text', '/public', '/set', '/fault', '/error', '/missing']) {
        const { headers: sent } = await ask(app, path, headers);
        assert.equal(sent.get('cache-control'), SAID[path] ?? 'private', `${path} ${outer.length}`);
      }
      const inner = compose([...outer, ...filters], listener);
      for (const path of ['/', '/list', '/pieces', '/own']) {
        assert.equal((await ask(inner, path, headers)).headers.get('cache-control'), SAID[path] ?? 'private', path);
      }
      const anonymous = await ask(app, '/value', {});
      if (anonymous.status < 500) assert.equal(anonymous.headers.get('cache-control'), null);
    }
    const plugins = compose(filters, await routes([]));
    assert.equal((await ask(plugins, '/value', headers)).headers.get('cache-control'), 'private');
    assert.equal((await ask(plugins, '/public', headers)).headers.get('cache-control'), 'public, max-age=60');
    for (const all of [
      [secured.made, ...filters],
      [...filters, secured.made],
    ]) {
      const app = compose(all, await routes());
      assert.equal((await ask(app, '/value', headers)).headers.get('cache-control'), 'no-store');
    }
  });
}

/** Returns `Cache-Control` of responses to a known caller, by path. */
async function sent(app: App, paths: readonly string[], options?: ServerOptions): Promise<(string | null)[]> {
  const answers = paths.map((path) => ask(ours(app), path, { 'x-who': 'ada' }, options));
  return (await Promise.all(answers)).map(({ headers }) => headers.get('cache-control'));
}

const DECIDED = ['/public', '/set'];
const UNDECIDED = ['/value', '/text', '/fault', '/error', '/missing'];

test('an API or a Router whose responses have no Cache-Control says so; what an action says stays, and a Router decides before its API', async (t) => {
  const none = UNDECIDED.map(() => null);
  const both = [...UNDECIDED, ...DECIDED];
  const said = ['public, max-age=60', 'max-age=5'];
  for (const plugins of [undefined, [] as []]) {
    const asApi = await routes(plugins);
    assert.deepEqual(await sent(asApi, both, { cacheControl: 'none' }), [...none, ...said]);
    const own = await routes(plugins, { cacheControl: 'none' });
    assert.deepEqual(await sent(own, both), [...none, ...said]);
    const against = await routes(plugins, { cacheControl: 'private' });
    assert.deepEqual(await sent(against, ['/value', '/fault'], { cacheControl: 'none' }), ['private', 'private']);
    const outer = new Router({ log: keepingLogger() }).get('/value', () => 1).mount('/none', own);
    assert.deepEqual(await sent(await outer.build(), ['/value', '/none/value']), ['private', null]);
  }
  const { made } = await buildFilter(securityHeaders);
  assert.deepEqual(await sent(made(await routes()), ['/value'], { cacheControl: 'none' }), ['no-store']);
  assert.throws(() => new Router({ cacheControl: 'public' as 'none' }), /cacheControl of a Router .* "public"/);
  assert.throws(() => new Server('x', listener, { cacheControl: 'no' as 'none' }), /cacheControl of a Server/);

  const files = await filesUntilEnd(t, {
    'app.mjs': 'export const app = () => (req, res) => res.end();\nexport const known = () => (app) => app;\n',
    'api-paste.ini': `[pipeline:main]
pipeline = noauth app
[filter:noauth]
paste.filter_factory = portico/middleware:noauth
[app:app]
paste.app_factory = ./app.mjs:app
`,
    'portico.ini': '[api]\nauth_strategy = noauth\n[api:main]\nport = 0\ncache_control = none\n',
  });
  const config = await Config.load({ files: [files.path('portico.ini')] });
  for (const [cacheControl, wanted] of [
    [undefined, null],
    ['private', 'private'],
  ] as const) {
    const service = new WSGIService('main', config, { log: keepingLogger(), ...(cacheControl && { cacheControl }) });
    await service.start();
    const { headers } = await fetch(`http://127.0.0.1:${service.port}/`, { headers: { 'x-auth-token': 'ada:p' } });
    await service.stop();
    assert.equal(headers.get('cache-control'), wanted);
  }
});

test('an action that removes Cache-Control has a response without it, whatever is around it; a failure in its place is private', async () => {
  const [id, tags] = [await buildFilter(requestId), await buildFilter(etag)];
  for (const plugins of [undefined, [] as []]) {
    const app = await routes(plugins);
    for (const filters of [[], [id.made], [id.made, tags.made]]) {
      const wrapped = compose(filters, app);
      assert.deepEqual(await sent(wrapped, ['/removed', '/removed/fault']), [null, 'private'], `${filters.length}`);
    }
    const elsewhere = await request(ours(app), 'GET', '/removed', { headers: { 'x-who': 'ada' } });
    assert.equal(elsewhere.headers['cache-control'], undefined, 'on the response of another server');
  }
  const removing: App = (_req, res) => {
    res.setHeader('cache-control', 'max-age=5');
    res.removeHeader('CACHE-CONTROL');
    res.end('a');
  };
  assert.deepEqual(await sent(removing, ['/']), [null]);
});
