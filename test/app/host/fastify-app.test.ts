import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import type {} from '@fastify/middie';
import { type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { type App, compose, environ, Fault, fastifyApp } from 'portico/app';
import { catchErrors, requestId } from 'portico/middleware';
import { Router } from 'portico/routing';
import { Server } from 'portico/server';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { WebSocket, WebSocketServer } from 'ws';
import { asFault, createFastify, listenerOf } from '#internal/app';
import { closedAfter } from '../../fixtures/closed-after.js';
import { composed } from '../../loader/composed.js';
import { type LogLine, memoryLog } from '../../server/memory-log.js';
import { portOf } from '../../server/raw-client.js';

/** Serves one request with the app, and returns its response or its error. */
async function ask(app: App, path: string, init: RequestInit = {}): Promise<{ answer?: Response; failure?: unknown }> {
  let failure: unknown;
  const server = createServer((req, res) => {
    void Promise.resolve(app(req, res)).catch((error: unknown) => {
      failure = error;
      res.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, init).catch(() => undefined);
    return answer === undefined ? { failure } : { answer };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test('MW-2 an error of Fastify before the route is a failure of the App, unless frameworkErrors handles it', async () => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/:name', async () => ({}));
  };
  const app = await fastifyApp(plugin);
  const { failure } = await ask(app, `/${'a'.repeat(200)}`);
  assert.equal((failure as { code: string }).code, 'FST_ERR_MAX_PARAM_LENGTH');
  await app.close();
  const handled = await fastifyApp(plugin, {
    fastify: { frameworkErrors: (_error, _request, reply) => void (reply as FastifyReply).code(404).send('too long') },
  });
  const { answer } = await ask(handled, `/${'a'.repeat(200)}`);
  assert.deepEqual([answer?.status, await answer?.text()], [404, 'too long']);
  await handled.close();
});

test('MW-2 a Fastify plugin is an App, with its routes, schemas and Connect middleware', async () => {
  const app = await fastifyApp(async (fastify) => {
    fastify.use((req, _res, next) => {
      Object.assign(req, { seen: 'by middleware' });
      next();
    });
    fastify.get('/hello/:name', async (request) => ({
      hello: (request.params as { name: string }).name,
      seen: (request.raw as unknown as { seen: string }).seen,
    }));
  });
  const { answer } = await ask(app, '/hello/you');
  assert.deepEqual(await answer?.json(), { hello: 'you', seen: 'by middleware' });
  await app.close();
  await app.close();
});

test('MW-2 setNotFoundHandler of a plugin responds to unknown paths', async () => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.setNotFoundHandler((request, reply) => reply.code(404).send(`no ${request.url}`));
    fastify.get('/called', (_request, reply) => reply.callNotFound());
  };
  const app = await fastifyApp(plugin);
  for (const path of ['/nowhere', '/called']) {
    const { answer } = await ask(app, path);
    assert.deepEqual([answer?.status, await answer?.text()], [404, `no ${path}`]);
  }
  await app.close();
  const prefixed = await fastifyApp(async (fastify) => {
    await fastify.register(plugin, { prefix: '/v1' });
  });
  const { answer } = await ask(prefixed, '/v1/nowhere');
  assert.equal(await answer?.text(), 'no /v1/nowhere');
  const { failure } = await ask(prefixed, '/nowhere');
  assert.ok(failure instanceof Fault && failure.status === 404);
  await prefixed.close();
});

test('RT-177 an error after reply.code has the status of the reply, as in Fastify', async (t) => {
  const shared = Object.assign(new Error('no such book'), { statusCode: 409 });
  const app = await fastifyApp(async (fastify) => {
    fastify.get('/thrown', async (_request, reply) => {
      reply.code(404);
      throw new Error('no such book');
    });
    fastify.get('/sent', (_request, reply) => void reply.code(404).send(shared));
    fastify.get('/created', (_request, reply) => void reply.code(201).send(shared));
    const hidden = Object.assign(new Error('in table books'), { statusCode: 500, expose: false });
    fastify.get('/hidden', (_request, reply) => void reply.code(404).send(hidden));
    fastify.get('/down', (_request, reply) => void reply.code(503).send(new Error('no database')));
    fastify.get('/fault', async (_request, reply) => {
      reply.code(404);
      throw new Fault(403);
    });
  });
  const log = captureLog('error');
  const server = new Server('books', app, { log: log.log });
  await server.start();
  t.after(async () => {
    await server.stop();
    await app.close();
  });
  const get = async (path: string): Promise<[status: number, message: string]> => {
    const answer = await fetch(`http://127.0.0.1:${portOf(server)}${path}`);
    return [answer.status, ((await answer.json()) as { error: { message: string } }).error.message];
  };
  assert.deepEqual(await get('/thrown'), [404, 'no such book']);
  assert.deepEqual(await get('/sent'), [404, 'no such book']);
  assert.deepEqual(await get('/created'), [409, 'no such book']);
  assert.deepEqual(await get('/fault'), [403, 'Forbidden']);
  assert.deepEqual(await get('/hidden'), [404, 'Not Found']);
  assert.equal(log.lines.length, 0);
  assert.deepEqual(await get('/down'), [503, 'Service Unavailable']);
  assert.match(log.text(), /no database/);
});

test('RT-177 a status that was set before the plugin is not that of its error', async (t) => {
  const app = closedAfter(
    t,
    await fastifyApp(async (fastify) => {
      fastify.get('/broken', () => Promise.reject(new Error('in table books')));
      fastify.get('/refused', () => Promise.reject(Object.assign(new Error('no such book'), { statusCode: 409 })));
    }),
  );
  for (const [path, wanted] of [
    ['/broken', 500],
    ['/refused', 409],
  ] as const) {
    const outer: App = (req, res) => {
      res.statusCode = 404;
      return app(req, res);
    };
    const { failure } = await ask(outer, path);
    assert.equal(asFault(failure).status, wanted);
  }
});

test('RT-177 what Fastify refuses makes the App fail with a Fault of that status', async () => {
  const app = await fastifyApp(async (fastify) => {
    const body = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } };
    fastify.post('/things', { schema: { body } }, async () => ({}));
    fastify.get('/fault', async () => {
      throw new Fault(409, { message: 'taken' });
    });
    fastify.get('/bug', async () => {
      throw new TypeError('oops');
    });
  });
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const failures: [path: string, init: RequestInit, status: number | undefined, message: RegExp][] = [
    ['/things', { ...json, body: '{}' }, 400, /required property 'name'/],
    ['/things', { ...json, body: '{' }, 400, /JSON/],
    [
      '/things',
      { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a,b' },
      415,
      /Unsupported Media Type/,
    ],
    ['/nowhere', {}, 404, /Not Found/],
    ['/fault', {}, 409, /taken/],
    ['/bug', {}, undefined, /oops/],
  ];
  for (const [path, init, status, message] of failures) {
    const { failure } = await ask(app, path, init);
    assert.ok(failure instanceof Error, path);
    assert.equal((failure as { statusCode?: number }).statusCode, status, path);
    assert.match(failure.message, message);
  }
  await app.close();
});

test('an error handler of the plugin is kept', async () => {
  const app = await fastifyApp(async (fastify) => {
    fastify.setErrorHandler((_error, _request, reply) => reply.code(418).send('mine'));
    fastify.get('/', async () => {
      throw new Error('oops');
    });
  });
  const { answer } = await ask(app, '/');
  assert.equal(answer?.status, 418);
  await app.close();
});

test('a plugin that fails to load is the error of the factory', async () => {
  await assert.rejects(
    fastifyApp(async () => {
      throw new Error('no database');
    }),
    /no database/,
  );
});

test("the instance's first onRequest hook runs before middleware, and requests have the environ's id", async () => {
  const order: string[] = [];
  const instance = createFastify({
    onRequest: (_request, _reply, done) => {
      order.push('first');
      done();
    },
  });
  void instance.register(async (fastify) => {
    fastify.use((_req, _res, next) => {
      order.push('middleware');
      next();
    });
    fastify.get('/', async (request) => request.id);
  });
  const listener = await listenerOf(instance);
  const app = Object.assign((req: Parameters<App>[0], res: Parameters<App>[1]) => {
    environ(req).requestId = 'req-7';
    return listener(req, res);
  }, listener);
  const { answer } = await ask(app, '/', { headers: { 'request-id': 'theirs' } });
  assert.equal(await answer?.text(), 'req-7');
  assert.deepEqual(order, ['first', 'middleware']);
  await app.close();
});

test('a Fastify instance is an App as it comes from npm', async () => {
  const instance = fastify();
  instance.get('/hello', async () => ({ hello: 'you' }));
  await instance.ready();
  const app = lint((req, res) => instance.routing(req, res));
  assert.deepEqual((await request(app, 'GET', '/hello')).json(), { hello: 'you' });
  assert.equal((await request(app, 'GET', '/nowhere')).status, 404);
  await instance.close();
});

test('headers of the reply survive a failure', async () => {
  const app = await fastifyApp(async (fastify) => {
    fastify.addHook('onRequest', async (_request, reply) => {
      void reply.header('WWW-Authenticate', 'Basic').header('retry-after', '7').header('content-encoding', 'gzip');
    });
    fastify.get('/hidden', async () => {
      throw Object.assign(new Error('who are you?'), { statusCode: 401 });
    });
  });
  const rendered = (await buildFilter(catchErrors)).made(app);
  const { status, headers } = await request(rendered, 'GET', '/hidden');
  assert.deepEqual(
    [status, headers['www-authenticate'], headers['retry-after'], headers['content-encoding']],
    [401, 'Basic', '7', undefined],
  );
  await app.close();
});

test('upgrades reach plugins that listen to those of the server; a refusal is a response', async (t) => {
  const seen: string[] = [];
  const app = closedAfter(
    t,
    await fastifyApp(async (fastify) => {
      const sessions = new WebSocketServer({ noServer: true });
      fastify.addHook('onRequest', async ({ headers }) => {
        if (headers.authorization === undefined) throw Object.assign(new Error('who are you?'), { statusCode: 401 });
      });
      fastify.get('/echo', (request, reply) => {
        void reply.hijack();
        sessions.handleUpgrade(request.raw, request.raw.socket, Buffer.alloc(0), (session) => {
          session.on('message', (text: Buffer) => session.send(`${request.url} ${text.toString()}`));
        });
      });
      fastify.server.on('upgrade', (req, socket) => {
        seen.push(req.url ?? '');
        const res = new ServerResponse(req);
        res.assignSocket(socket as Socket);
        fastify.routing(req, res);
      });
    }),
  );
  const server = new Server('sessions', await new Router().mount('/mnt', app).build());
  await server.start();
  t.after(() => server.stop({ deadlineMs: 0 }));
  const url = `ws://127.0.0.1:${portOf(server)}/mnt`;
  const open = new WebSocket(`${url}/echo`, { headers: { authorization: 'me' } });
  await once(open, 'open');
  open.send('hello');
  const [text] = (await once(open, 'message')) as [Buffer];
  assert.equal(String(text), '/echo hello');
  for (const [path, headers, status] of [
    ['/echo', {}, 401],
    ['/else', { authorization: 'me' }, 404],
  ] as const) {
    const refused = new WebSocket(`${url}${path}`, { headers });
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, IncomingMessage];
    assert.equal(answer.statusCode, status);
    assert.deepEqual(Object.keys(JSON.parse(await textOf(answer))), ['error']);
  }
  assert.deepEqual(seen, ['/echo', '/echo', '/else']);
  const closed = once(open, 'close');
  await server.stop();
  assert.deepEqual((await closed)[0], 1001);
});

test('a plugin that says otherwise of headersSent, as @fastify/express does, is served behind filters', async () => {
  const app = await fastifyApp(async (fastify) => {
    fastify.addHook('onRequest', async (_request, { raw }) => {
      Object.defineProperty(raw, 'headersSent', { get: () => false, configurable: true });
    });
    fastify.get('/', async () => ({ a: 1 }));
  });
  const filtered = compose([(await buildFilter(catchErrors)).made, (await buildFilter(requestId)).made], app);
  const answer = await request(filtered, 'GET', '/');
  assert.deepEqual([answer.status, answer.json()], [200, { a: 1 }]);
  assert.match(String(answer.headers['x-openstack-request-id'] ?? answer.headers['x-request-id']), /^req-/);
  await app.close();
});

test('what a factory makes writes to the log of the factory; fastify.log and request.log too', async (t) => {
  const lines: LogLine[] = [];
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onListen', async () => fastify.log.info('listens'));
    fastify.get('/', async (request) => request.log.warn('in a handler'));
  };
  const factory = async () => {
    const app = await fastifyApp(plugin);
    const router = new Router();
    router.connect('/action', { handler: (request) => request.log.info('in an action') });
    return router.mount('/', app).build();
  };
  const ini = '[app:main]\npaste.app_factory = factory\n';
  const app = await composed(t, ini, { factory }, { log: memoryLog(lines) });
  for (const path of ['/', '/action']) await request(app, 'GET', path);
  const messages = lines.map(({ message }) => message);
  assert.deepEqual(messages, ['listens', 'in a handler', 'in an action']);
});

test('a Fastify plugin at a mount responds to the path of the mount as its root', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/', async (request) => ({ root: request.query }));
    fastify.get('/:id', async ({ params }) => params);
  };
  const ini =
    '[composite:main]\npaste.composite_factory = urlmap\n/two = two\n[app:two]\npaste.app_factory = factory\n';
  const app = await composed(t, ini, { factory: () => fastifyApp(plugin) });
  const bodies = await Promise.all(
    ['/two', '/two/', '/two?x=1', '/two/?x=1', '/two/7?x=1'].map(async (path) =>
      (await request(app, 'GET', path)).json(),
    ),
  );
  const [root, asked] = [{ root: {} }, { root: { x: '1' } }];
  assert.deepEqual(bodies, [root, root, asked, asked, { id: '7' }]);
});

test('a logger that is given to Fastify is its own', async () => {
  const written: string[] = [];
  const stream = { write: (line: string) => void written.push(line) };
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.get('/', async (request) => request.log.warn('in a handler'));
  };
  const app = await fastifyApp(plugin, { fastify: { logger: { stream, level: 'warn' } } });
  await ask(app, '/');
  assert.equal((JSON.parse(written[0]!) as { msg: string }).msg, 'in a handler');
  await app.close();
});
