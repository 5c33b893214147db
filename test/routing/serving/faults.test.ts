import assert from 'node:assert/strict';
import { beforeHead, type ClosableApp, Fault } from 'portico/app';
import { keepingLogger, serveApp, serveRouter, testBoth as test } from '../served-router.js';

function failing(status: number, headers: Record<string, string> = {}): () => never {
  return () => {
    throw new Fault(status, { message: `what ${status} means`, headers });
  };
}

test('RT-175 faults in OpenStack’s style have the names clients know', async (t, Router) => {
  const names: Record<number, string> = {
    400: 'badRequest',
    401: 'unauthorized',
    403: 'forbidden',
    404: 'itemNotFound',
    405: 'badMethod',
    409: 'conflictingRequest',
    413: 'overLimit',
    415: 'badMediaType',
    418: 'computeFault',
    429: 'overLimit',
    500: 'computeFault',
    501: 'notImplemented',
    503: 'serviceUnavailable',
  };
  const router = new Router({ faultStyle: 'openstack' });
  for (const status of Object.keys(names)) router.connect(`/${status}`, { handler: failing(Number(status)) });
  router.connect('/limited', { handler: failing(429, { 'Retry-After': '7' }) });
  const send = await serveRouter(t, router);
  for (const [status, name] of Object.entries(names)) {
    const answer = await send('GET', `/${status}`);
    assert.equal(answer.status, Number(status));
    assert.deepEqual(answer.json, { [name]: { code: Number(status), message: `what ${status} means` } });
  }
  const limited = await send('GET', '/limited');
  assert.deepEqual(limited.json, { overLimit: { code: 429, message: 'what 429 means', retryAfter: '7' } });
});

test('RT-175 RT-178 faults in Portico’s style, with their headers', async (t, Router) => {
  const headers = { 'Retry-After': '3', 'WWW-Authenticate': 'Basic' };
  const router = new Router().connect('/x', { handler: failing(503, headers) });
  const answer = await (await serveRouter(t, router))('GET', '/x');
  assert.deepEqual(answer.json, { error: { code: 503, title: 'Service Unavailable', message: 'what 503 means' } });
  assert.deepEqual([answer.headers['retry-after'], answer.headers['www-authenticate']], ['3', 'Basic']);
});

test('RT-177 no response in a library’s own format leaves', async (t, Router) => {
  const router = new Router({
    bodyLimit: 8,
    log: keepingLogger(),
    plugins: [
      async (fastify) => {
        fastify.addHook('preHandler', async (request) => {
          if (request.headers['x-refuse']) throw Object.assign(new Error('not you'), { statusCode: 403 });
          if (request.headers['x-break']) throw new Error('broken');
        });
      },
    ],
  });
  router.connect('/x', { handler: () => 1, conditions: { method: ['POST'] } });
  const send = await serveRouter(t, router);
  const json = { 'content-type': 'application/json' };
  const cases: [path: string, headers: Record<string, string>, body: string, status: number][] = [
    ['/x', json, '123456789', 413],
    ['/x', json, '{', 400],
    ['/x', { 'content-type': 'image/png' }, '1', 415],
    ['/x', { 'content-type': ';;' }, '1', 415],
    ['/y', {}, '1', 404],
    ['/x', { 'x-refuse': '1' }, '1', 403],
    ['/x', { 'x-break': '1' }, '1', 500],
  ];
  for (const [path, headers, body, status] of cases) {
    const answer = await send('POST', path, { headers, body });
    assert.equal(answer.status, status);
    const { error } = answer.json as { error: { code: number; title: string } };
    assert.deepEqual([Object.keys(answer.json as object), error.code], [['error'], status]);
  }
});

test('RT-177 a filter’s fault is rendered by the router', async (t, Router) => {
  const router = new Router({ faultStyle: 'openstack' }).use(() => failing(401)).connect('/x', { handler: () => 1 });
  const asynchronous = new Router({ faultStyle: 'openstack' })
    .use(() => async () => failing(401)())
    .connect('/x', { handler: () => 1 });
  for (const one of [router, asynchronous]) {
    const answer = await (await serveRouter(t, one))('GET', '/x');
    assert.deepEqual(answer.json, { unauthorized: { code: 401, message: 'what 401 means' } });
  }
});

test('RT-179 messages quote at most 200 characters of a client, control characters escaped', async (t, Router) => {
  const { quoteClient } = await import('../../../dist/app/faults/client-text.js');
  assert.equal(quoteClient('x'.repeat(500)).length, 200);
  assert.equal(quoteClient('a\nb\u0000\u2028\u007f'), 'a\\u000ab\\u0000\\u2028\\u007f');
  const router = new Router({ versions: { serviceType: 'c', min: '1.0', max: '1.0' } }).connect('/x', {
    handler: () => 1,
  });
  const answer = await (await serveRouter(t, router))('GET', '/x', {
    headers: { 'openstack-api-version': `c ${'9'.repeat(900)}` },
  });
  assert.equal(answer.status, 400);
  assert.ok(answer.text.length < 420, answer.text);
});

test('RT-158 HEAD gets the headers of a fault only', async (t, Router) => {
  const router = new Router().connect('/x', { handler: failing(404) });
  const answer = await (await serveRouter(t, router))('HEAD', '/x');
  assert.deepEqual([answer.status, answer.text], [404, '']);
});

test('a listener of beforeHead that throws is logged as itself, not as a value that cannot be sent', async (t, Router) => {
  const log = keepingLogger();
  const router = new Router({ log });
  router.get('/', () => ({ id: 1 }));
  const routed: ClosableApp = await router.build();
  t.after(() => routed.close());
  const send = await serveApp(t, (req, res) => {
    beforeHead(res, () => {
      throw new Error('listener');
    });
    return routed(req, res);
  });
  assert.equal((await send('GET', '/')).status, 500);
  assert.deepEqual(
    log.lines.map(({ fields }) => (fields.err as Error).message),
    ['listener'],
  );
});
