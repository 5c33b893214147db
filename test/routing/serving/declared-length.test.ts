/** The length that an action declares, and statuses without content. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { type ActionRequest, Reply } from 'portico/routing';
import { keepingLogger, serveRouter, testBoth as test } from '../served-router.js';

const plain = { 'content-type': 'text/plain' };

test('RV-12 a wrong length of a whole body is a logged 500, for HEAD as for GET', async (t, Router) => {
  const log = keepingLogger();
  const router = new Router({ log });
  const wrong: Record<string, (request: ActionRequest) => unknown> = {
    '/json': () => new Reply({ a: 1 }, { headers: { 'content-length': 3 } }),
    '/text': () => new Reply('hello', { headers: { ...plain, 'Content-Length': '3' } }),
    '/bytes': () => new Reply(Buffer.from('hello'), { headers: { 'content-length': 30 } }),
    '/set': ({ res }) => {
      res.setHeader('content-length', 3);
      return { a: 1 };
    },
  };
  for (const [path, handler] of Object.entries(wrong)) router.get(path, handler);
  router.get('/right', () => new Reply('grün', { headers: { ...plain, 'content-length': '5' } }));
  router.get('/known', () => new Reply(null, { status: 200, headers: { 'content-length': 5 } }));
  const send = await serveRouter(t, router);
  for (const path of Object.keys(wrong)) {
    for (const method of ['GET', 'HEAD']) {
      log.lines.length = 0;
      const { status } = await send(method, path);
      const codes = log.lines.map(({ fields }) => (fields.err as { code?: string } | undefined)?.code);
      assert.deepEqual([status, codes], [500, ['PORTICO_ANSWER_LENGTH']], `${method} ${path}`);
    }
  }
  for (const method of ['GET', 'HEAD']) {
    const { status, headers } = await send(method, '/right');
    assert.deepEqual([status, headers['content-length']], [200, '5']);
  }
  // The length that its GET would have, set by an action that has not made the body.
  assert.equal((await send('HEAD', '/known')).headers['content-length'], '5');
});

test('RV-12 a 205 has no content', async (t, Router) => {
  const router = new Router({ log: keepingLogger() });
  const streams = [Readable.from(['a']), Readable.from(['b'])];
  router.get('/value', () => new Reply({ a: 1 }, { status: 205 }));
  router.get('/text', { status: 205 }, () => new Reply('hello', { headers: plain }));
  router.get('/stream', () => new Reply(streams.shift(), { status: 205 }));
  const [first] = streams;
  const send = await serveRouter(t, router);
  for (const path of ['/value', '/text', '/stream']) {
    for (const method of ['GET', 'HEAD']) {
      const { status, text, headers } = await send(method, path);
      assert.deepEqual([status, text, headers['content-type']], [205, '', undefined], `${method} ${path}`);
      if (method === 'GET') assert.equal(headers['content-length'], '0', path);
    }
  }
  assert.equal(first!.destroyed, true);
});
