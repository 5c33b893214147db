/** Tests the content types that a router reads, and the refusals of others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ActionRequest, Router, type RouterOptions } from 'portico/routing';
import { silentLogger } from '#internal/log';
import { serveRouter } from '../served-router.js';

function echoing(options: RouterOptions = {}): Router {
  const router = new Router({ log: silentLogger(), ...options });
  const handler = ({ body, req }: ActionRequest): unknown => ({
    body: body ?? null,
    type: req.headers['content-type'],
  });
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET']) {
    router.connect('/', { handler, conditions: { method: [method] } });
  }
  return router;
}

const TYPES = ['text/html', 'application/x-www-form-urlencoded', 'application/xml; charset=utf-8', 'application/json'];

test('a request without a body is not refused for the type or the encoding that it names', async (t) => {
  const send = await serveRouter(t, echoing());
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'GET']) {
    for (const type of TYPES) {
      const headers = { 'content-type': type, 'content-encoding': 'gzip' };
      for (const length of [{}, { 'content-length': '0' }]) {
        const { status, json } = await send(method, '/', { headers: { ...headers, ...length } });
        assert.deepEqual([status, json], [200, { body: null, type }], `${method} ${type}`);
      }
    }
  }
});

test('a body of another type is refused, by its name and those that are read', async (t) => {
  const send = await serveRouter(t, echoing());
  for (const [type, said] of [
    ['text/html; charset=utf-8', 'text/html; charset=utf-8'],
    ['html', 'html'],
    ['', 'of no type'],
  ] as const) {
    const answer = await send('POST', '/', { headers: { 'content-type': type }, body: '{}' });
    assert.equal(answer.status, 415);
    assert.equal(answer.headers.accept, 'application/json');
    const { message } = (answer.json as { error: { message: string } }).error;
    assert.equal(message, `The body must be application/json, not ${said}.`);
  }
});

test('a refusal names the types that plugins read as well', async (t) => {
  const router = echoing({
    plugins: [
      (fastify, _options, done) => {
        fastify.addContentTypeParser(['text/csv', 'text/tsv'], { parseAs: 'string' }, (_request, text, parsed) => {
          parsed(null, String(text).split(','));
        });
        fastify.addContentTypeParser(/^image\//, (_request, _payload, parsed) => parsed(null, 'image'));
        done();
      },
    ],
  });
  const send = await serveRouter(t, router);
  const post = (type: string): ReturnType<typeof send> =>
    send('POST', '/', { headers: { 'content-type': type }, body: 'a,b' });
  assert.deepEqual((await post('text/csv')).json, { body: ['a', 'b'], type: 'text/csv' });
  const answer = await post('text/html');
  assert.equal(answer.headers.accept, 'application/json, text/csv, text/tsv');
  assert.match(answer.text, /"The body must be application\/json or text\/csv or text\/tsv, not text\/html\."/);
});
