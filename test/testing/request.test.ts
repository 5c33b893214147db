import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, Fault, readBody } from 'portico/app';
import { catchErrors, faultWrapper, requestId } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildFilter, request } from 'portico/testing';
import { recordedLog } from '../tasks/recorded-log.js';

test('a request shows what its app failed with', async () => {
  const failure = new TypeError('of the app');
  const failed = await request(() => Promise.reject(failure), 'GET', '/');
  assert.equal(failed.status, 500);
  assert.equal(failed.error, failure);
  assert.equal((await request((_req, res) => void res.end('fine'), 'GET', '/')).error, undefined);
  const refusal = Object.assign(new Error('None.'), { statusCode: 404 });
  const refusing: App = () => Promise.reject(refusal);
  const refused = await request(refusing, 'GET', '/');
  assert.deepEqual([refused.status, 'error' in refused], [404, false]);
  const late: App = async (_req, res) => {
    res.writeHead(200, { 'content-length': 5 });
    res.write('a');
    throw failure;
  };
  await assert.rejects(request(late, 'GET', '/'), ({ cause }: Error) => cause === failure);
  const after: App = async (_req, res) => {
    res.end('fine');
    throw refusal;
  };
  assert.equal((await request(after, 'GET', '/')).error, refusal);
  const cut = Object.assign(new Error('Cut.'), { statusCode: 413 });
  const lateRefusal: App = async (_req, res) => {
    res.writeHead(200, { 'content-length': 5 });
    res.write('a');
    throw cut;
  };
  await assert.rejects(request(lateRefusal, 'GET', '/'), ({ cause }: Error) => cause === cut);
});

test('a request shows the exception behind a 500 of a Router and of filters, and none for a fault', async () => {
  const { log } = recordedLog();
  const failure = new TypeError('of the action');
  const failing = (error: unknown) => (): never => {
    throw error;
  };
  const router = new Router({ log });
  router.get('/boom', failing(failure));
  router.get('/away', failing(new Fault(503, { message: 'No database.', cause: failure })));
  router.get('/conflict', failing(new Fault(409)));
  router.get('/missing', failing(Object.assign(new Error('None.'), { statusCode: 404 })));
  router.get('/late', async function* () {
    yield 'a';
    throw failure;
  });
  const app = await router.build();
  for (const path of ['/boom', '/away']) assert.equal((await request(app, 'GET', path)).error, failure, path);
  for (const path of ['/conflict', '/missing']) assert.equal((await request(app, 'GET', path)).error, undefined, path);
  await assert.rejects(request(app, 'GET', '/late'), ({ cause }: Error) => cause === failure);
  await app.close();
  for (const factory of [catchErrors, faultWrapper]) {
    const { made, close } = await buildFilter(factory, { log });
    assert.equal((await request(made(failing(failure)), 'GET', '/')).error, failure);
    assert.equal((await request(made(failing(new Fault(409))), 'GET', '/')).error, undefined);
    await close();
  }
});

test('a 500 is found in the log by its id, without a context too', async () => {
  const { log, lines } = recordedLog();
  const router = new Router({ log });
  router.connect('/boom', {
    handler: () => {
      throw new Error('of the action');
    },
  });
  const app = await router.build();
  const { made, close } = await buildFilter(requestId);
  const { status, headers } = await request(made(app), 'GET', '/boom');
  assert.equal(status, 500);
  const line = lines.find(({ msg }) => msg === 'an action failed') as { readonly request_id?: string } | undefined;
  assert.match(line?.request_id ?? '', /^req-/);
  assert.equal(line?.request_id, headers['x-request-id']);
  await close();
  await app.close();
});

test('json sends anything as JSON, and .json() reads the reply', async () => {
  const echo: App = async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    res.end(JSON.stringify({ type: req.headers['content-type'], body: Buffer.concat(chunks).toString() }));
  };
  for (const json of [{ title: 'Kim' }, [1], 'a text', null]) {
    const reply = await request(echo, 'POST', '/', { json });
    assert.deepEqual(reply.json(), { type: 'application/json', body: JSON.stringify(json) });
  }
});

test('a form, a Blob and search parameters are sent as fetch sends them', async () => {
  const echo: App = async (req, res) => {
    const { 'content-type': type = '' } = req.headers;
    res.end(`${type} ${String(await readBody(req, { limit: 1000 }))}`);
  };
  const form = new FormData();
  form.set('file', new Blob(['0123']), 'digits.txt');
  const sent = (await request(echo, 'PUT', '/', { body: form })).text();
  assert.match(sent, /^multipart\/form-data; boundary=.*name="file"; filename="digits.txt".*\r\n\r\n0123\r\n/s);
  const search = await request(echo, 'POST', '/', { body: new URLSearchParams({ a: '1' }) });
  assert.equal(search.text(), 'application/x-www-form-urlencoded;charset=UTF-8 a=1');
  const blob = await request(echo, 'POST', '/', { body: new Blob(['x'], { type: 'text/csv' }) });
  assert.equal(blob.text(), 'text/csv x');
});
