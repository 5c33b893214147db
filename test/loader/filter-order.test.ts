/** Tests the pairs of filters whose wrong order causes a warning: the wrong order fails, and the right one does not. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type App, environ, type FilterFactory } from 'portico/app';
import * as middleware from 'portico/middleware';
import { captureLog, request } from 'portico/testing';
import { PAIRS } from '../../dist/loader/filter-order.js';
import { filesUntilEnd, filterUntilEnd } from '../fixtures/until-end.js';

interface Given {
  readonly factory: FilterFactory;
  readonly local?: Readonly<Record<string, string>>;
  readonly config?: string;
}

const PROXIED = { 'x-forwarded-for': '192.0.2.1' };
const HASH = '$2b$04$abcdefghijklmnopqrstuuEsQ3FMxDq4X6ZQ3pG3Vn0LeQ4q3q4Gy';

async function filters(t: TestContext): Promise<Record<string, Given>> {
  const { publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const files = await filesUntilEnd(t, { 'key.pem': publicKey, htpasswd: `user:${HASH}\n` });
  const account = { username: 'a', password: 'b', project_name: 'c' };
  return {
    cors: { factory: middleware.cors, local: { allowed_origin: 'https://a.example' } },
    auth_token: {
      factory: middleware.authToken,
      local: { auth_url: 'http://127.0.0.1:1', www_authenticate_uri: 'http://127.0.0.1:1', ...account },
    },
    basic_auth: { factory: middleware.basicAuth, local: { user_file: files.path('htpasswd') } },
    jwt: {
      factory: middleware.jwtAuth,
      local: { issuer: 'https://i.example', audience: 'api', public_key_file: files.path('key.pem') },
    },
    noauth: { factory: middleware.noauth, config: '[api]\nauth_strategy = noauth\n' },
    context: { factory: middleware.context },
    proxy_headers: { factory: middleware.proxyHeaders, local: { trusted_proxies: '127.0.0.1/32' } },
    path_prefix: { factory: middleware.pathPrefix, local: { prefix: '/v1' } },
    request_id: { factory: middleware.requestId },
    etag: { factory: middleware.etag },
    sizelimit: { factory: middleware.sizelimit, local: { max_request_body_size: '10' } },
  };
}

async function around(t: TestContext, given: readonly Given[], app: App): Promise<App> {
  let wrapped = app;
  for (const { factory, ...options } of given.toReversed()) {
    const { made } = await filterUntilEnd(t, factory, options);
    wrapped = made(wrapped);
  }
  return wrapped;
}

const ok: App = (_req, res) => void res.end('ok');

/** Reports whether a CORS preflight succeeds. */
async function preflightPasses(app: App): Promise<boolean> {
  const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' };
  const answer = await request(app, 'OPTIONS', '/', { headers });
  return answer.headers['access-control-allow-origin'] === 'https://a.example';
}

/** Reports whether two clients behind one proxy have separate limits. */
async function clientsAreTold(app: App): Promise<boolean> {
  await request(app, 'GET', '/', { headers: PROXIED });
  const second = await request(app, 'GET', '/', { headers: { 'x-forwarded-for': '192.0.2.2' } });
  return second.status === 200;
}

/** The inner filter of a pair, if its options matter, and the check that the right order passes. */
const SHOWN: Readonly<
  Record<string, { readonly inner?: Given; readonly isWell: (app: App) => Promise<boolean> } | undefined>
> = {
  'cors auth_token': { isWell: preflightPasses },
  'cors basic_auth': { isWell: preflightPasses },
  'cors jwt': { isWell: preflightPasses },
  'cors noauth': { isWell: preflightPasses },
  'cors context': { isWell: preflightPasses },
  'proxy_headers rate_limit': {
    inner: { factory: middleware.rateLimit, local: { rules: 'all address 1/m 1' } },
    isWell: clientsAreTold,
  },
  'proxy_headers allowed_hosts': {
    inner: { factory: middleware.allowedHosts, local: { hosts: 'api.example' } },
    isWell: async (app) => {
      const headers = { ...PROXIED, host: 'backend', 'x-forwarded-host': 'api.example' };
      return (await request(app, 'GET', '/', { headers })).status === 200;
    },
  },
  // A proxy in front removes the prefix that rules and exemptions contain.
  'path_prefix rate_limit': {
    inner: { factory: middleware.rateLimit, local: { rules: 'all address 1/m 1 GET /v1/servers' } },
    isWell: async (app) => (await request(app, 'GET', '/servers')).headers['ratelimit-policy'] !== undefined,
  },
  'path_prefix read_only': {
    inner: { factory: middleware.readOnly, local: { enabled: 'true', exempt_paths: '/v1/servers' } },
    isWell: async (app) => (await request(app, 'POST', '/servers')).status === 200,
  },
};

test('MW-9 each pair whose order is warned of behaves so', async (t) => {
  const known = await filters(t);
  const shown: string[] = [];
  for (const [outer, inner] of PAIRS) {
    const pair = `${outer} ${inner}`;
    const { inner: special, isWell } = SHOWN[pair] ?? {};
    // It matters for the access rules of application credentials; their test shows which path they see.
    if (pair === 'path_prefix auth_token') continue;
    assert.ok(isWell !== undefined, `a request that shows what ${pair} is about`);
    const [a, b] = [known[outer]!, special ?? known[inner]!];
    assert.equal(await isWell(await around(t, [a, b], ok)), true, `${outer} outside of ${inner}`);
    assert.equal(await isWell(await around(t, [b, a], ok)), false, `${inner} outside of ${outer}`);
    shown.push(pair);
  }
  assert.deepEqual(shown.sort(), Object.keys(SHOWN).sort());
});

test('MW-9 a limit of bodies holds within etag, and lines of request_log have the id in either order', async (t) => {
  const known = await filters(t);
  for (const order of [
    [known.etag!, known.sizelimit!],
    [known.sizelimit!, known.etag!],
  ]) {
    const app = await around(t, order, async (req, res) => {
      for await (const _ of req);
      res.end('ok');
    });
    assert.equal((await request(app, 'POST', '/', { body: 'x'.repeat(11) })).status, 413);
  }
  const { log, lines } = captureLog();
  const { made } = await filterUntilEnd(t, middleware.requestLog, { log });
  let id: string | undefined;
  const app = made(
    await around(t, [known.request_id!], (req, res) => {
      id = environ(req).requestId;
      res.end('ok');
    }),
  );
  await request(app, 'GET', '/');
  assert.ok(id !== undefined && JSON.stringify(lines).includes(id), JSON.stringify(lines));
});
