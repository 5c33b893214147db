/** Tests every spelling of a path with all filters that decide by the path, in front of apps that match it. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import {
  type App,
  compose,
  environ,
  type Filter,
  type FilterFactory,
  fastifyApp,
  fromConnect,
  fromFetch,
  requestPath,
} from 'portico/app';
import {
  deadline,
  healthcheckFilter,
  pathPrefix,
  rateLimit,
  readOnly,
  requestLog,
  sizelimit,
  staticFiles,
} from 'portico/middleware';
import { Router } from 'portico/routing';
import type { Server } from 'portico/server';
import { buildApp, buildFilter, captureLog } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { filterUntilEnd } from '../fixtures/until-end.js';
import { composed } from '../loader/composed.js';
import { Client, portOf, type RawResponse } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';
import { setUp, token } from './fake-identity.js';
import { OTHER, SAME } from './spellings.js';

const ALL = [...SAME, ...OTHER];

async function answer(server: Server, method: string, target: string, headers: string[] = []): Promise<RawResponse> {
  const client = new Client(portOf(server));
  const body = method === 'POST' ? ['content-length: 2', '', '{}'] : ['', ''];
  client.write([`${method} ${target} HTTP/1.1`, 'host: x', 'connection: close', ...headers, ...body].join('\r\n'));
  const response = await client.response();
  client.close();
  return response;
}

/** Apps that serve only `/secure/admin`, each with a different way of matching. */
const LEAVES: Readonly<Record<string, (t: TestContext) => Promise<App>>> = {
  'a Router': async () => {
    const router = new Router({ controllers: { admin: { show: () => 'guarded' } } });
    router.connect('admin', '/secure/admin', { controller: 'admin', action: 'show' });
    return await router.build();
  },
  'a Router below a URL map': async (t) => {
    const router = new Router({ controllers: { admin: { show: () => 'guarded' } } });
    router.connect('admin', '/admin', { controller: 'admin', action: 'show' });
    const app = await router.build();
    const ini = '[composite:main]\nuse = call:urlmap\n/secure = api\n[app:api]\nuse = call:api\n';
    return await composed(t, ini, { api: () => app });
  },
  'a Router mounted in a Router': async () => {
    const inner = new Router({ controllers: { admin: { show: () => 'guarded' } } });
    inner.connect('admin', '/admin', { controller: 'admin', action: 'show' });
    const router = new Router();
    router.mount('/secure', await inner.build());
    return await router.build();
  },
  Fastify: async (t) => {
    const app = closedAfter(
      t,
      await fastifyApp((fastify, _options, done) => {
        fastify.route({ method: ['GET', 'POST', 'DELETE'], url: '/secure/admin', handler: () => '"guarded"' });
        done();
      }),
    );
    return app;
  },
  'a Fetch handler': async () =>
    fromFetch((request) => {
      const found = decodeURIComponent(new URL(request.url).pathname) === '/secure/admin';
      return new Response(found ? '"guarded"' : 'no', { status: found ? 200 : 404 });
    }),
  files: async (t) => {
    const folder = temporaryFolder('portico-');
    mkdirSync(join(folder, 'secure'));
    writeFileSync(join(folder, 'secure', 'admin'), '"guarded"');
    const { made, close } = await buildApp(staticFiles, { local: { document_root: folder } });
    t.after(close);
    return made;
  },
};

const isGuarded = ({ status, body }: RawResponse): boolean => status === 200 && body.includes('guarded');

for (const [name, leafOf] of Object.entries(LEAVES)) {
  test(`${name}: all spellings of a path are one path, and nothing else is`, async (t) => {
    const server = await startedServer(t, 'spellings', await leafOf(t));
    for (const target of SAME) assert.ok(isGuarded(await answer(server, 'GET', target)), target);
    for (const target of OTHER) assert.ok(!isGuarded(await answer(server, 'GET', target)), target);
  });

  for (const [validate, filterOf] of Object.entries(validates())) {
    test(`${validate} in front of ${name} knows what it guards in every spelling`, async (t) => {
      const { filter, method = 'GET', headers = [], hasDecided } = await filterOf(t);
      const server = await startedServer(t, 'spellings', filter(watched(await leafOf(t))));
      for (const target of ALL) {
        if (name === 'files' && method !== 'GET') continue;
        reached = undefined;
        const response = await answer(server, method, target, headers);
        const served = isGuarded(response) || reached === '/secure/admin';
        if (served) assert.ok(hasDecided(response), `${target} was served undecided`);
        if (SAME.includes(target)) assert.ok(hasDecided(response), `${target} was not decided`);
      }
    });
  }
}

/** The path of the last request behind the filter. */
let reached: string | undefined;
before(() => assert.ok(ALL.length > 40));

function watched(app: App): App {
  return (req, res) => {
    reached = decodeURIComponent(`${environ(req).scriptName}${req.url}`.split('?', 1)[0]!);
    return app(req, res);
  };
}

interface Deciding {
  readonly filter: Filter;
  readonly method?: string;
  readonly headers?: string[];
  /** Reports whether the rule for `/secure/admin` was applied. */
  readonly hasDecided: (response: RawResponse) => boolean;
}

function validates(): Readonly<Record<string, (t: TestContext) => Promise<Deciding>>> {
  const built = async (t: TestContext, factory: FilterFactory, local: Record<string, string>): Promise<Filter> => {
    const { made } = await filterUntilEnd(t, factory, { local });
    return made;
  };
  return {
    'a rate limit': async (t) => ({
      filter: await built(t, rateLimit, { rules: 'guard address 100/s 100 GET /secure/admin' }),
      hasDecided: ({ headers }) => headers.has('ratelimit'),
    }),
    'a size limit': async (t) => ({
      filter: await built(t, sizelimit, { overrides: '/secure/admin:1' }),
      method: 'POST',
      headers: ['content-type: application/json'],
      hasDecided: ({ status }) => status === 413,
    }),
    'a deadline': async (t) => {
      const filter = await built(t, deadline, { default_s: '500', overrides: '/secure/admin:5' });
      let due = 0;
      const seen: Filter = (app) => (req, res) => {
        due = environ(req).deadline! - performance.now();
        return app(req, res);
      };
      return { filter: (app) => filter(seen(app)), hasDecided: () => due < 100_000 };
    },
    'the log': async (t) => {
      const { log, lines } = captureLog();
      const { made } = await filterUntilEnd(t, requestLog, { local: { skip_paths: '/secure/admin' }, log });
      let before = 0;
      const hasDecided = (): boolean => {
        const silent = lines.length === before;
        before = lines.length;
        return silent;
      };
      return { filter: made, hasDecided };
    },
    'a health check': async (t) => ({
      filter: await built(t, healthcheckFilter, { path: '/secure/admin' }),
      hasDecided: ({ status, body }) => status === 200 && !body.includes('guarded'),
    }),
    'Connect middleware by originalUrl': async () => ({
      filter: connectGuard(({ originalUrl }) => originalUrl),
      hasDecided: ({ status }) => status === 403,
    }),
    'Connect middleware by url': async () => ({
      filter: connectGuard(({ url }) => url!),
      hasDecided: ({ status }) => status === 403,
    }),
    'a filter by requestPath': async () => ({
      filter: (app) => (req, res) => {
        if (requestPath(req) !== '/secure/admin') return app(req, res);
        res.statusCode = 403;
        res.end();
      },
      hasDecided: ({ status }) => status === 403,
    }),
  };
}

function connectGuard(pathOf: (req: IncomingMessage & { originalUrl: string }) => string): Filter {
  return fromConnect(
    (req: IncomingMessage & { originalUrl: string }, res: import('node:http').ServerResponse, next) => {
      if (pathOf(req).split('?', 1)[0] !== '/secure/admin') return next();
      res.statusCode = 403;
      res.end();
    },
  );
}

// Filters that accept listed paths: an accepted path is the listed one.

const deepLeaf = async (): Promise<App> => {
  const show = (): string => 'shallow';
  const remove = (): string => 'deep';
  const router = new Router({ controllers: { it: { show, remove } } });
  router.connect('show', '/open/{id}', { controller: 'it', action: 'show' });
  router.connect('remove', '/open/{id}/action', { controller: 'it', action: 'remove' });
  return await router.build();
};

test('MW-37 access rules hold for the path the application gets', async (t) => {
  const { identity, filter } = await setUp(t, { service_type: 'compute' });
  const rule = { id: '1', service: 'compute', method: 'POST', path: '/open/*' };
  identity.tokens.set('ruled', token({ application_credential: { id: 'ac', access_rules: [rule] } }));
  const server = await startedServer(t, 'spellings', compose([filter], await deepLeaf()));
  const send = (target: string): Promise<RawResponse> => answer(server, 'POST', target, ['x-auth-token: ruled']);
  for (const target of ['/open/1', '/open/%31', '/open%2F1', '//open//1', '/%6fpen/1', '/open/a%20b', '/open/1;x']) {
    assert.match((await send(target)).body, /shallow/, target);
  }
  for (const target of [
    '/open/1%2Faction',
    '/open/1/%61ction',
    '/open/1%2faction?x',
    '/open//1//action',
    'http://x/open/1%2Faction',
  ]) {
    assert.equal((await send(target)).status, 401, target);
  }
});

test('MW-24 what is exempt from read_only is what the application gets', async (t) => {
  const { made } = await buildFilter(readOnly, { local: { enabled: 'true', exempt_paths: '/jobs, /caf%c3%a9, /a b' } });
  const server = await startedServer(
    t,
    'spellings',
    made((req, res) => void res.end(requestPath(req))),
  );
  for (const target of ['/jobs/1', '/%6aobs', '/jobs%2F1', '//jobs', '/caf%C3%A9', '/caf%c3%a9/x', '/a%20b']) {
    assert.equal((await answer(server, 'POST', target)).status, 200, target);
  }
  for (const target of ['/jobs%25', '/jobs%252F1', '/Jobs/1', '/jobsx', '/jobs;x', '/jobs%3F', '/cafe']) {
    assert.equal((await answer(server, 'POST', target)).status, 405, target);
  }
});

test('MW-22 the longest override counts by the path it means, however it is written', async (t) => {
  const local = { max_request_body_size: '9', overrides: '/caf%C3%A9:1, /café/x:5' };
  const { made } = await buildFilter(sizelimit, { local });
  const server = await startedServer(
    t,
    'spellings',
    made((_req, res) => void res.end('in')),
  );
  assert.equal((await answer(server, 'POST', '/caf%C3%A9/x')).status, 200);
  assert.equal((await answer(server, 'POST', '/caf%C3%A9/y')).status, 413);
});

test('MW-18 a prefix that a proxy tells takes no path out of a rule, and into none', async (t) => {
  const { proxyHeaders } = await import('portico/middleware');
  const proxied = await buildFilter(proxyHeaders, { local: { trusted_proxies: 'loopback', trust_prefix: 'true' } });
  const readonly = await buildFilter(readOnly, { local: { enabled: 'true', exempt_paths: '/jobs' } });
  const server = await startedServer(
    t,
    'spellings',
    compose([proxied.made, readonly.made], (_req, res) => void res.end('in')),
  );
  const headers = ['x-forwarded-prefix: /jobs', 'x-forwarded-for: 192.0.2.1'];
  assert.equal((await answer(server, 'POST', '/servers', headers)).status, 405);
  assert.equal((await answer(server, 'POST', '/jobs', headers)).status, 200);
  assert.equal((await answer(server, 'POST', '/jobs', ['x-forwarded-prefix: /x'])).status, 200);
});

test('MW-14 path_prefix takes off its prefix in every spelling', async (t) => {
  const { made } = await buildFilter(pathPrefix, { local: { prefix: '/café/v1' } });
  const seen: App = (req, res) =>
    void res.end(JSON.stringify([environ(req).scriptName, req.url, encodeURI(requestPath(req))]));
  const server = await startedServer(t, 'spellings', made(seen));
  for (const target of ['/caf%C3%A9/v1/x', '/caf%c3%a9%2Fv1/%78', '//caf%C3%A9//v1//x', '/x']) {
    const { body } = await answer(server, 'GET', target);
    assert.deepEqual(JSON.parse(body), ['/caf%C3%A9/v1', '/x', '/caf%C3%A9/v1/x'], target);
  }
});

test('PD-60 a mount takes its path in every spelling', async (t) => {
  const ini =
    '[composite:main]\nuse = call:urlmap\n/secure/caf%c3%a9 = api\n/a|b = api\n/ = root\n[app:api]\nuse = call:echo\nname = api\n[app:root]\nuse = call:echo\nname = root\n';
  const server = await startedServer(t, 'spellings', await composed(t, ini));
  const name = async (target: string): Promise<string> =>
    (JSON.parse((await answer(server, 'GET', target)).body) as { name: string }).name;
  for (const target of ['/secure/caf%C3%A9', '/%73ecure//caf%c3%a9/x', '/secure%2Fcaf%C3%A9', '/a%7Cb', '/a|b/c']) {
    assert.equal(await name(target), 'api', target);
  }
  for (const target of ['/secure/cafe', '/secure/caf%25c3%25a9', '/a%257Cb', '/Secure/caf%C3%A9']) {
    assert.equal(await name(target), 'root', target);
  }
});
