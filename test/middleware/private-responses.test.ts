/** Responses to authenticated callers: no shared cache keeps them, unless the application or a filter says otherwise. */
import assert from 'node:assert/strict';
import { chmod } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { type App, compose, environ, Fault, type Filter } from 'portico/app';
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
import { Reply, Router } from 'portico/routing';
import { Server } from 'portico/server';
import { buildFilter } from 'portico/testing';
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

async function ask(app: App, path: string, headers: Record<string, string>): Promise<Response> {
  const server = new Server('private', app, { log: keepingLogger() });
  await server.start();
  try {
    const response = await fetch(`http://127.0.0.1:${portOf(server)}${path}`, { headers });
    await response.arrayBuffer();
    return response;
  } finally {
    await server.stop();
  }
}

async function routes(plugins?: []): Promise<App> {
  const router = new Router({
    log: keepingLogger(),
    ...(plugins && { plugins: [(_fastify, _options, done) => done()] }),
  });
  router.get('/value', () => ({ a: 1 }));
  router.get('/text', () => new Reply('a', { headers: { 'content-type': 'text/plain' } }));
  router.get('/public', () => new Reply('a', { headers: { 'Cache-Control': 'public, max-age=60' } }));
  router.get('/set', ({ res }) => {
    res.setHeader('Cache-Control', 'max-age=5');
    return 'a';
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
