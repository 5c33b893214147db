/** Tests `auth` of routers, resources, routes and actions, and faults for an application's errors. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type App, environ, Fault, type Filter, RequestContext } from 'portico/app';
import { type ActionRequest, action, type Guard, Router } from 'portico/routing';
import { request } from 'portico/testing';
import { openApiDocument } from '#internal/routing';
import { keepingLogger, serveRouter, testBoth } from './served-router.js';

const secret: Guard = Object.assign(
  async ({ headers }: { readonly headers: NodeJS.Dict<string | string[]> }) => {
    await Promise.resolve();
    if (headers['x-key'] !== 'open') throw new Fault(401, { message: 'no key' });
  },
  { security: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } } },
);

const body = { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } } as const;

testBoth('a guard is asked before the body is checked, and before it has come', async (t, Router) => {
  const router = new Router({ log: keepingLogger(), auth: secret });
  const create = action({ body }, () => 'made');
  router.connect('/x', { controller: { create }, action: 'create', conditions: { method: ['POST'] } });
  const send = await serveRouter(t, router);
  assert.equal((await send('POST', '/x', { body: '{' })).status, 401);
  assert.equal((await send('POST', '/x', { body: '{}' })).status, 401);
  assert.equal((await send('POST', '/x', { body: '{}', headers: { 'x-key': 'open' } })).status, 400);
  assert.equal((await send('POST', '/x', { body: '{"a":1}', headers: { 'x-key': 'open' } })).status, 200);
  const socket = connect(send.port, '127.0.0.1');
  t.after(() => socket.destroy());
  // The body is never sent.
  socket.write('POST /x HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 401 /);
});

testBoth('a guard that returns undefined accepts the request: it refuses only by throwing', async (t, Router) => {
  const router = new Router({ log: keepingLogger() });
  const caller = ({ context }: ActionRequest) => {
    if (context === undefined) throw new Fault(401);
    return context;
  };
  router.get('/anyone', { auth: ({ context }: ActionRequest) => context }, () => 'in');
  router.get('/callers', { auth: caller }, () => 'in');
  const send = await serveRouter(t, router);
  assert.deepEqual([(await send('GET', '/anyone')).status, (await send('GET', '/callers')).status], [200, 401]);
});

testBoth(
  'the action says it before its route, that before the router; a resource says it for all its actions',
  async (t, Router) => {
    const router = new Router({ log: keepingLogger(), auth: secret });
    const show = (): string => 'shown';
    router.connect('/router', { handler: show });
    router.connect('/route', { handler: show, auth: false });
    router.connect('/action', { controller: { show: action({ auth: false }, show) }, action: 'show', auth: secret });
    const things = { index: show, show: action({ auth: secret }, show) };
    router.resource('thing', 'things', { controller: things, only: ['index', 'show'], auth: false });
    const send = await serveRouter(t, router);
    const statuses: Record<string, number> = {};
    for (const path of ['/router', '/route', '/action', '/things', '/things/1', '/nowhere']) {
      statuses[path] = (await send('GET', path)).status;
    }
    assert.deepEqual(statuses, {
      '/router': 401,
      '/route': 200,
      '/action': 200,
      '/things': 200,
      '/things/1': 401,
      '/nowhere': 404,
    });
  },
);

testBoth(
  'auth: true wants a caller whom a filter has found out, and tells a bad token from none',
  async (t, Router) => {
    const found: Filter = (app) => (req, res) => {
      const name = req.headers['x-name'];
      const env = environ(req) as { identity?: object; authError?: string };
      if (name === 'bad') env.authError = 'invalid';
      else if (name === 'late') env.authError = 'unavailable';
      // As a look-up in JavaScript may return.
      else if (name === 'nobody') env.identity = null as unknown as object;
      else if (name === 'robot') env.identity = { roles: ['reader'] };
      else if (name !== undefined) env.identity = { userId: name };
      return app(req, res);
    };
    const router = new Router({ log: keepingLogger(), auth: true }).use(found).connect('/x', { handler: () => 'ok' });
    const send = await serveRouter(t, router);
    const said = async (name?: string): Promise<unknown> => {
      const { status, json } = await send('GET', '/x', name === undefined ? {} : { headers: { 'x-name': name } });
      return status === 200 ? status : [status, (json as { error: { message: string } }).error.message];
    };
    assert.equal(await said('ann'), 200);
    assert.deepEqual(await said(), [401, 'The request is not authenticated.']);
    assert.deepEqual(await said('nobody'), [401, 'The request is not authenticated.']);
    assert.deepEqual(await said('robot'), [401, 'The request is not authenticated.']);
    assert.deepEqual(await said('bad'), [401, 'The token is not valid.']);
    assert.deepEqual(await said('late'), [503, 'The token cannot be validated at the moment.']);
  },
);

testBoth(
  'MW-12 a caller has a context, also behind a pipeline without the filter context; nobody has none',
  async (t, Router) => {
    const given = new RequestContext({ userId: 'of the filter', isAdmin: true });
    const found: Filter = (app) => (req, res) => {
      const name = req.headers['x-name'];
      const env = environ(req) as { identity?: object; authError?: string; context?: RequestContext };
      // A whole record of a user, which may have more than an identity.
      if (name !== undefined) env.identity = { userId: name, projectId: 'p', roles: ['admin'], isAdmin: true };
      if (name === 'nobody') env.identity = null as unknown as object;
      if (name === 'filtered') env.context = given;
      if (name === 'bad') env.authError = 'invalid';
      return app(req, res);
    };
    const router = new Router({ log: keepingLogger() }).use(found);
    const read = (request: ActionRequest): unknown => {
      const { context } = request;
      return { same: context === request.context, dict: context?.toDict() ?? null };
    };
    router.get('/known', { auth: true }, read);
    router.get('/any', read);
    const send = await serveRouter(t, router);
    const asked = async (path: string, name?: string): Promise<Record<string, unknown> | null> => {
      const { json } = await send('GET', path, name === undefined ? {} : { headers: { 'x-name': name } });
      const { same, dict } = json as { same: boolean; dict: Record<string, unknown> | null };
      assert.equal(same, true);
      return dict;
    };
    for (const path of ['/known', '/any']) {
      const { user_id, project_id, roles, is_admin } = (await asked(path, 'ann'))!;
      assert.deepEqual(
        { user_id, project_id, roles, is_admin },
        { user_id: 'ann', project_id: 'p', roles: ['admin'], is_admin: false },
      );
      assert.equal((await asked(path, 'filtered'))!.user_id, 'of the filter');
    }
    assert.equal(await asked('/any'), null);
    assert.equal(await asked('/any', 'bad'), null);
    assert.equal(await asked('/any', 'nobody'), null);
  },
);

test('a document has the scheme of a guard, and that an optional one may be left out', () => {
  const optional: Guard = Object.assign(() => undefined, { security: secret.security, optional: true });
  const router = new Router({ log: keepingLogger() });
  router.connect('/needs', { handler: () => 1, auth: secret });
  router.connect('/may', { handler: () => 1, auth: optional });
  router.connect('/open', { handler: () => 1, auth: false });
  // biome-ignore lint/suspicious/noExplicitAny: a document
  const { paths, components } = openApiDocument(router, { title: 't' }) as any;
  assert.deepEqual(paths['/needs'].get.security, [{ key: [] }]);
  assert.ok(paths['/needs'].get.responses[401]);
  assert.deepEqual(paths['/may'].get.security, [{}, { key: [] }]);
  assert.equal(paths['/open'].get.security, undefined);
  assert.deepEqual(components.securitySchemes, secret.security);
});

test('auth: true in a document makes the schemes that filters leave open necessary', () => {
  const openapi = { security: [{}, { bearer: [] }], securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } };
  const filter = Object.assign(((app) => app) as Filter, { openapi });
  const router = new Router({ log: keepingLogger() }).use(filter);
  router.connect('/a', { handler: () => 1, auth: true });
  router.connect('/b', { handler: () => 1 });
  router.connect('/c', { handler: () => 1, auth: false });
  // biome-ignore lint/suspicious/noExplicitAny: a document
  const { paths } = openApiDocument(router, { title: 't' }) as any;
  assert.deepEqual(paths['/a'].get.security, [{ bearer: [] }]);
  assert.deepEqual(paths['/b'].get.security, [{}, { bearer: [] }]);
  assert.equal(paths['/c'].get.security, undefined);
});

testBoth('auth that is neither true, false nor a function is refused when the router is built', async (_t, Router) => {
  const router = new Router({ log: keepingLogger() }).connect('/x', {
    handler: () => 1,
    auth: 'yes' as unknown as true,
  });
  await assert.rejects(router.build(), /auth is the text "yes"/);
});

test('TE-1 an error of the client of another service keeps headers of its failure only', async (t) => {
  const headers = {
    'retry-after': '5',
    'www-authenticate': 'Bearer',
    'x-ratelimit-reset': '9',
    'set-cookie': 'session=other',
    authorization: 'Bearer secret',
    'x-internal': 'db01',
    'content-type': 'text/html',
  };
  const thrown = Object.assign(new Error('upstream'), { statusCode: 429, headers });
  const router = new Router({ log: keepingLogger() })
    .get('/action', () => {
      throw thrown;
    })
    .get('/guard', { auth: () => Promise.reject(thrown) }, () => 'never');
  const send = await serveRouter(t, router);
  for (const path of ['/action', '/guard']) {
    const { status, headers: told } = await send('GET', path);
    assert.equal(status, 429);
    const { date: _, connection: _c, 'keep-alive': _k, 'content-length': _l, ...rest } = told;
    assert.deepEqual(rest, {
      'retry-after': '5',
      'www-authenticate': 'Bearer',
      'x-ratelimit-reset': '9',
      vary: 'Accept',
      'content-type': 'application/json',
    });
  }
});

class NotFoundError extends Error {}
class GoneError extends NotFoundError {}
class BrokenError extends Error {}

testBoth('faults maps errors of an application by class, of which the first that fits counts', async (t, Router) => {
  const log = keepingLogger();
  const faults = [
    [GoneError, 410],
    [NotFoundError, 404],
    [BrokenError, 503],
  ] as const;
  const thrown: Record<string, Error> = {
    gone: new GoneError('was sold'),
    missing: new NotFoundError('no such book'),
    broken: new BrokenError('db01 is down'),
    fault: new Fault(409, { message: 'taken' }),
    other: new Error('inner'),
  };
  const router = new Router({ log, faults }).connect('/{which}', {
    handler: async ({ params }) => {
      throw thrown[params.which];
    },
  });
  const send = await serveRouter(t, router);
  const said = async (which: string): Promise<unknown> => {
    const { status, json } = await send('GET', `/${which}`);
    return [status, (json as { error: { message: string } }).error.message];
  };
  assert.deepEqual(await said('gone'), [410, 'was sold']);
  assert.deepEqual(await said('missing'), [404, 'no such book']);
  assert.deepEqual(await said('fault'), [409, 'taken']);
  const errors = log.lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
  assert.deepEqual(await said('broken'), [503, 'Service Unavailable']);
  assert.deepEqual(await said('other'), [500, 'Internal Server Error']);
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'error').map(({ fields }) => (fields.err as Error).message),
    ['db01 is down', 'inner'],
  );
});

testBoth('faults as a function sees error and request; undefined leaves the error as it is', async (t, Router) => {
  const router = new Router({
    log: keepingLogger(),
    faults: (error, { url }) =>
      (error as Error).message === 'mine' ? new Fault(418, { message: `at ${url}` }) : undefined,
  });
  router.connect('/{which}', {
    handler: ({ params }) => {
      throw new Error(params.which);
    },
  });
  const send = await serveRouter(t, router);
  const mine = await send('GET', '/mine');
  assert.deepEqual([mine.status, (mine.json as { error: { message: string } }).error.message], [418, 'at /mine']);
  assert.equal((await send('GET', '/other')).status, 500);
});

testBoth('a mapping that is none is refused', async (_t, Router) => {
  for (const faults of ['x', [NotFoundError], [[404, NotFoundError]], [[NotFoundError, 200]]]) {
    await assert.rejects(async () => new Router({ log: keepingLogger(), faults: faults as never }).build(), {
      code: 'PORTICO_ROUTER_OPTION',
    });
  }
});

testBoth(
  'a guard that gives a thenable is waited for, and one that returns a value lets nothing through',
  async (t, Router) => {
    const router = new Router({ log: keepingLogger() });
    const refusal = new Fault(403, { message: 'not you' });
    // Query builders have `then` without being promises.
    // oxlint-disable-next-line unicorn/no-thenable
    const settle = 'then';
    const thenable = { [settle]: (_done: unknown, failed: (error: unknown) => void) => failed(refusal) };
    const handler = (): string => 'data';
    router.connect('/thenable', { handler, auth: (() => thenable) as unknown as Guard });
    router.connect('/false', { handler, auth: (() => false) as unknown as Guard });
    router.connect('/later', { handler, auth: (() => Promise.resolve(false)) as unknown as Guard });
    const send = await serveRouter(t, router);
    assert.equal((await send('GET', '/thenable')).status, 403);
    assert.equal((await send('GET', '/false')).status, 500);
    assert.equal((await send('GET', '/later')).status, 500);
  },
);

testBoth(
  'a mapping of faults that throws gives a bare 500, and no header of another service passes',
  async (t, Router) => {
    const router = new Router({
      log: keepingLogger(),
      faults: (error) => ((error as { meta: { code: string } }).meta.code === 'P2025' ? new Fault(404) : undefined),
    });
    router.connect('/', {
      handler: () => {
        throw new Error('no meta');
      },
    });
    const plain = new Router({ log: keepingLogger() });
    plain.connect('/', {
      handler: () => {
        throw Object.assign(new Error('upstream: key sk-1 is wrong'), {
          status: 401,
          headers: {
            'transfer-encoding': 'chunked',
            'content-encoding': 'gzip',
            'set-cookie': 'a=b',
            'retry-after': '3',
          },
        });
      },
    });
    const failing = await (await serveRouter(t, router))('GET', '/');
    assert.equal(failing.status, 500);
    const answer = await (await serveRouter(t, plain))('GET', '/');
    assert.equal(answer.status, 401);
    assert.doesNotMatch(answer.text, /sk-1/);
  },
);

testBoth('auth of a router guards the apps that it mounts; auth of a mount wins', async (_t, Router) => {
  const inner = await new Router({ log: keepingLogger() }).get('/hello', () => 'hello').build();
  const raw: App = (_req, res) => void res.end('raw');
  const router = new Router({ log: keepingLogger(), auth: true });
  router.mount('/in', inner).mount('/raw', raw).mount('/open', raw, { auth: false });
  router.mount('/own', raw, {
    auth: () => {
      throw new Fault(403);
    },
  });
  const app = await router.build();
  const statuses = await Promise.all(
    ['/in/hello', '/raw', '/raw/x', '/open/x', '/own/x'].map(async (path) => (await request(app, 'GET', path)).status),
  );
  assert.deepEqual(statuses, [401, 401, 401, 200, 403]);
  const known: App = (req, res) => {
    environ(req).identity = { userId: 'ada' };
    return app(req, res);
  };
  assert.equal((await request(known, 'GET', '/in/hello')).status, 200);
});

testBoth(
  'behind auth: true, an app that is mounted has the caller in its environ, as an action has',
  async (_t, Router) => {
    const who: App = (req, res) => void res.end(environ(req).context?.userId);
    const router = new Router({ log: keepingLogger(), auth: true }).mount('/who', who);
    const app = await router.build();
    const known: App = (req, res) => {
      environ(req).identity = { userId: 'ada' };
      return app(req, res);
    };
    assert.equal((await request(known, 'GET', '/who')).text(), 'ada');
  },
);

testBoth('auth of a router guards its redirects; auth of a redirect wins', async (_t, Router) => {
  const router = new Router({ log: keepingLogger(), auth: true });
  router.redirect('/old', '/new').redirect('/moved', '/new', { auth: false });
  const app = await router.build();
  const old = await request(app, 'GET', '/old');
  assert.deepEqual([old.status, old.headers.location], [401, undefined]);
  assert.equal((await request(app, 'GET', '/moved')).status, 302);
  const known: App = (req, res) => {
    environ(req).identity = { userId: 'ada' };
    return app(req, res);
  };
  assert.equal((await request(known, 'GET', '/old')).headers.location, '/new');
});

testBoth('auth of a router guards its document; auth of the document wins', async (_t, Router) => {
  const documents = { path: '/openapi.json', title: 'Pets' };
  const statusWith = async (openapi: typeof documents & { readonly auth?: boolean }): Promise<number> => {
    const app = await new Router({ log: keepingLogger(), auth: true, openapi }).build();
    return (await request(app, 'GET', '/openapi.json')).status;
  };
  assert.equal(await statusWith(documents), 401);
  assert.equal(await statusWith({ ...documents, auth: false }), 200);
});

testBoth('extend copies the guard of a route', async (_t, Router) => {
  const guarded = new Router({ log: keepingLogger() }).get('/one', { auth: true }, () => 'one');
  const copied = new Router({ log: keepingLogger() });
  copied.extend(guarded.routes, '/copy');
  const app = await copied.build();
  assert.equal((await request(app, 'GET', '/copy/one')).status, 401);
});

testBoth('a misspelt auth of a route or a redirect fails the build', async (_t, Router) => {
  const router = new Router({ log: keepingLogger() });
  router
    .redirect('/old', '/one', { auht: true } as object)
    .connect('/one', { handler: () => 'one', auht: true } as object);
  await assert.rejects(router.build(), (error: Error) => {
    assert.equal(error.message.match(/no option "auht"/g)?.length, 2);
    return true;
  });
});

test('a misspelt auth of the OpenAPI document is refused', () => {
  const openapi = { path: '/openapi.json', title: 'things', auht: false };
  assert.throws(() => new Router({ openapi } as object), {
    code: 'PORTICO_ROUTER_OPTION',
    message: /a Router's openapi has no option "auht"/,
  });
});

testBoth('an option of a mount that does not exist fails the build, whatever its value', async (_t, Router) => {
  const router = new Router({ log: keepingLogger() });
  router.mount('/files', (_req, res) => void res.end(), { auht: false } as object);
  await assert.rejects(router.build(), (error: Error) => {
    assert.match(error.message, /a mount has no option "auht"/);
    assert.match(String((error as { hint?: string }).hint ?? error.message), /auth/);
    return true;
  });
});

testBoth('AU-5 a guard gets what an action gets: typed params, headers, context, log, url', async (t, Router) => {
  const seen: unknown[] = [];
  const router = new Router({ log: keepingLogger() });
  const guard = async ({ params, method, route, url, log, context, queryValue }: ActionRequest<{ id: number }>) => {
    await Promise.resolve();
    seen.push(params.id, method, route.template, typeof url, typeof log.info, context, typeof queryValue);
    if (params.id === 3) throw new Fault(403, { message: 'not three' });
  };
  router.get('/things/{id:int}', { auth: guard }, ({ params }) => params.id);
  const send = await serveRouter(t, router);
  assert.equal((await send('GET', '/things/2')).json, 2);
  assert.equal((await send('GET', '/things/3')).status, 403);
  assert.deepEqual(seen.slice(0, 7), [2, 'GET', '/things/{id:int}', 'function', 'function', undefined, 'function']);
});

testBoth(
  'AU-5 the caller that a guard returns is the context of the action, which then is not undefined',
  async (t, Router) => {
    const session = async ({ headers }: ActionRequest) => {
      await Promise.resolve();
      if (headers['x-name'] === undefined) throw new Fault(401);
      return { userId: String(headers['x-name']), roles: ['reader'] };
    };
    const admin = () => new RequestContext({ userId: 'root', isAdmin: true });
    const router = new Router({ log: keepingLogger(), auth: session });
    router.get('/me', ({ context }) => [context.userId, context.roles, context.isAdmin]);
    router.get('/admin', { auth: admin }, ({ context }) => [context.userId, context.isAdmin]);
    const wrong = () => false as never;
    router.get('/wrong', { auth: wrong }, () => 'never');
    const send = await serveRouter(t, router);
    assert.equal((await send('GET', '/me')).status, 401);
    assert.deepEqual((await send('GET', '/me', { headers: { 'x-name': 'ann' } })).json, ['ann', ['reader'], false]);
    assert.deepEqual((await send('GET', '/admin')).json, ['root', true]);
    assert.equal((await send('GET', '/wrong')).status, 500);
  },
);

test('AU-5 in a Router with plugins a guard sees what they add, and may set a cookie; it is asked before the body is read', async (t) => {
  const { default: cookie } = await import('@fastify/cookie');
  const router = new Router({ log: keepingLogger(), plugins: [cookie] });
  const guard = async ({ fastify, reply }: ActionRequest) => {
    const { sid } = fastify.cookies;
    await Promise.resolve();
    if (sid === undefined) throw new Fault(401, { message: 'no session' });
    void reply.setCookie('seen', 'yes');
    return { userId: sid };
  };
  router.post('/me', { auth: guard }, ({ context, body }) => ({ user: context.userId, body }));
  const send = await serveRouter(t, router);
  const headers = { cookie: 'sid=ann', 'content-type': 'application/json' };
  const { status, json, headers: answered } = await send('POST', '/me', { headers, body: '{"a":1}' });
  assert.deepEqual([status, json], [200, { user: 'ann', body: { a: 1 } }]);
  assert.match(String(answered['set-cookie']), /seen=yes/);
  assert.equal((await send('POST', '/me', { body: '{' })).status, 401);
});

test('AU-5 the type of a Router that says nothing of its guard says nothing of the context', async () => {
  const router: Router = new Router({ auth: () => ({ userId: 'ann' }), log: keepingLogger() });
  // @ts-expect-error it may be undefined
  router.get('/', ({ context }) => context.userId);
  const app = await router.build();
  assert.equal((await request(app, 'GET', '/')).json(), 'ann');
  await app.close();
});
