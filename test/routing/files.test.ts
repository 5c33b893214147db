/** Files: sent with ranges and conditions, and received as they come, with limits. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { readBody } from 'portico/app';
import { Reply, type Router, type UploadRefused } from 'portico/routing';
import { temporaryFolder } from '../fixtures/keeper.js';
import { keepingLogger, serveRouter, testBoth } from './served-router.js';

testBoth('AU-11 Reply.file sends a file with its type, ETag, ranges and conditions', async (t, RouterOf) => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'a.txt'), 'abcdef');
  const router = new RouterOf({ log: keepingLogger() });
  router.get('/files/{name}', ({ params }) => Reply.file(params.name, { root, maxAge: 60, headers: { 'x-a': '1' } }));
  router.get('/save', async () => Reply.file(join(root, 'a.txt'), { download: 'Größe.txt', type: 'text/csv' }));
  const send = await serveRouter(t, router);
  const whole = await send('GET', '/files/a.txt');
  assert.deepEqual([whole.status, whole.text], [200, 'abcdef']);
  assert.match(String(whole.headers['content-type']), /^text\/plain/);
  assert.equal(whole.headers['cache-control'], 'max-age=60');
  assert.equal(whole.headers['x-a'], '1');
  const { etag } = whole.headers;
  assert.equal((await send('GET', '/files/a.txt', { headers: { 'if-none-match': String(etag) } })).status, 304);
  const part = await send('GET', '/files/a.txt', { headers: { range: 'bytes=2-3' } });
  assert.deepEqual([part.status, part.text, part.headers['content-range']], [206, 'cd', 'bytes 2-3/6']);
  const beyond = await send('GET', '/files/a.txt', { headers: { range: 'bytes=9-' } });
  assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, 'bytes */6']);
  const head = await send('HEAD', '/files/a.txt');
  assert.deepEqual([head.status, head.text, head.headers['content-length']], [200, '', '6']);
  const saved = await send('GET', '/save');
  assert.equal(saved.headers['content-type'], 'text/csv');
  assert.equal(
    saved.headers['content-disposition'],
    `attachment; filename="Gr__e.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.txt`,
  );
});

test('AU-11 Reply.file keeps the headers that plugins and the action have set on the reply', async (t) => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'a.txt'), 'abcdef');
  const { Router: Made } = await import('portico/routing');
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addHook('onRequest', async (_request, reply) => void reply.header('x-plugin', '1').header('x-a', 'plugin'));
  };
  const router: Router = new Made({ log: keepingLogger(), plugins: [plugin] });
  router.get('/file', ({ reply }) => {
    void reply.header('x-action', '2').type('text/csv');
    return Reply.file('a.txt', { root, headers: { 'x-a': 'file' } });
  });
  const send = await serveRouter(t, router);
  const { status, text, headers } = await send('GET', '/file');
  assert.deepEqual(
    [status, text, headers['x-plugin'], headers['x-action'], headers['x-a'], headers['content-type']],
    [200, 'abcdef', '1', '2', 'file', 'text/csv'],
  );
});

testBoth('AU-11 a file with a header that cannot be sent gets 500 without the others', async (t, RouterOf) => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'a.txt'), 'abcdef');
  const router = new RouterOf({ log: keepingLogger() });
  router.get('/bad', () => Reply.file('a.txt', { root, headers: { 'x-a': '1', 'x-none': undefined }, type: 'a\nb' }));
  const send = await serveRouter(t, router);
  const { status, headers } = await send('GET', '/bad');
  assert.deepEqual([status, headers['x-a']], [500, undefined]);
});

testBoth('AU-11 Reply.file has the status of the action, and sends parts for 200 only', async (t, RouterOf) => {
  const root = temporaryFolder();
  writeFileSync(join(root, 'a.txt'), 'abcdef');
  const router = new RouterOf({ log: keepingLogger() });
  router.get('/declared', { status: 203 }, () => Reply.file('a.txt', { root }));
  router.get('/set', ({ res }) => {
    res.statusCode = 404;
    return Reply.file('a.txt', { root });
  });
  router.get('/absent', { status: 203 }, () => Reply.file('b.txt', { root }));
  const send = await serveRouter(t, router);
  for (const [path, status] of [
    ['/declared', 203],
    ['/set', 404],
  ] as const) {
    const answer = await send('GET', path, { headers: { range: 'bytes=0-1' } });
    assert.deepEqual([answer.status, answer.text], [status, 'abcdef']);
  }
  assert.equal((await send('GET', '/absent')).status, 404);
});

testBoth('AU-11 a path of a client stays in the root: no links out of it, no dots, no folders', async (t, RouterOf) => {
  const folder = temporaryFolder();
  const root = join(folder, 'root');
  mkdirSync(join(root, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(root, '.env'), 'secret');
  symlinkSync('../secret.txt', join(root, 'link.txt'));
  const router = new RouterOf({ log: keepingLogger() });
  router.get('/files/{name:path}', ({ params }) => Reply.file(String(params.name), { root }));
  const send = await serveRouter(t, router);
  for (const path of [
    '../secret.txt',
    '%2e%2e/secret.txt',
    'link.txt',
    '.env',
    'sub',
    'none',
    'a%00b',
    '%2fetc%2fpasswd',
  ]) {
    const { status, text } = await send('GET', `/files/${path}`);
    assert.equal(status, 404, path);
    assert.doesNotMatch(text, /secret"|root:/);
  }
});

const form = (parts: readonly string[]): { readonly headers: Record<string, string>; readonly body: string } => ({
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
  body: `${parts.map((part) => `--x\r\n${part}\r\n`).join('')}--x--\r\n`,
});
const file = (name: string, text: string): string =>
  `Content-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/plain\r\n\r\n${text}`;
const field = (name: string, text: string): string => `Content-Disposition: form-data; name="${name}"\r\n\r\n${text}`;

/** A router that saves the files of forms in a folder. */
async function saving(t: TestContext, folder: string, RouterOf: typeof Router) {
  const failures: unknown[] = [];
  const router = new RouterOf({ log: keepingLogger() });
  router.post('/files', { status: 201, body: { 'multipart/form-data': 'stream' } }, async (request) => {
    const upload = request.files({ files: 2, fileBytes: 100_000, fields: 2, fieldBytes: 10 });
    const names: string[] = [];
    try {
      for await (const each of upload) {
        names.push(`${each.name}:${await each.saveTo(join(folder, `${names.length}`))}`);
      }
    } catch (error) {
      failures.push(error);
      throw error;
    }
    return { names, fields: upload.fields };
  });
  router.post('/first', { body: { 'multipart/form-data': 'stream' } }, async (request) => {
    for await (const each of request.files()) return each.name;
    return 'none';
  });
  return { send: await serveRouter(t, router), failures };
}

testBoth('AU-11 an upload is saved as it comes, with its fields; one file may be enough', async (t, RouterOf) => {
  const folder = temporaryFolder();
  const { send } = await saving(t, folder, RouterOf);
  const { status, json } = await send(
    'POST',
    '/files',
    form([field('title', 'Emma'), file('../a.txt', 'abc'), file('b.txt', '')]),
  );
  assert.deepEqual([status, json], [201, { names: ['a.txt:3', 'b.txt:0'], fields: { title: 'Emma' } }]);
  assert.equal(readFileSync(join(folder, '0'), 'utf8'), 'abc');
  assert.equal((await send('POST', '/first', form([file('a', 'x'.repeat(200_000)), file('b', 'y')]))).json, 'a');
  assert.equal((await send('POST', '/first', form([]))).json, 'none');
});

testBoth('AU-11 each limit has its fault and its name, and what was begun is removed', async (t, RouterOf) => {
  const folder = temporaryFolder();
  const { send, failures } = await saving(t, folder, RouterOf);
  const asked = async (parts: readonly string[]): Promise<unknown[]> => {
    const { status } = await send('POST', '/files', form(parts));
    const error = failures.pop();
    return [status, (error as UploadRefused).problem];
  };
  assert.deepEqual(await asked([file('a', 'x'.repeat(100_001))]), [413, 'file-size']);
  assert.deepEqual(await asked([field('a', 'x'.repeat(11)), file('a', '1')]), [413, 'field-size']);
  assert.deepEqual(await asked([field('a', '1'), field('b', '1'), field('c', '1')]), [413, 'fields']);
  assert.deepEqual(await asked([file('a', '1'), file('b', '1'), file('c', '1')]), [413, 'files']);
  const plain = await send('POST', '/files', { headers: { 'content-type': 'application/json' }, body: '1' });
  assert.deepEqual([plain.status, plain.headers.accept, failures.length], [415, 'multipart/form-data', 0]);
  const cut = { ...form([]), body: '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc' };
  assert.equal((await send('POST', '/files', cut)).status, 400);
  const wrong = readdirSync(folder).filter((name) => name.endsWith('.part'));
  assert.deepEqual(wrong, []);
});

test('AU-11 a route with streams reads them without the limit of a body, also of a type that a plugin parses', async (t) => {
  const { Router: Made } = await import('portico/routing');
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    fastify.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
  };
  const router: Router = new Made({ log: keepingLogger(), bodyLimit: 4, plugins: [plugin] });
  router.post(
    '/raw',
    { body: { 'multipart/form-data': 'stream', 'application/octet-stream': 'stream' } },
    async ({ req }) => {
      return { size: (await readBody(req)).length };
    },
  );
  const send = await serveRouter(t, router);
  const raw = { headers: { 'content-type': 'application/octet-stream' }, body: 'abcdef' };
  assert.deepEqual((await send('POST', '/raw', raw)).json, { size: 6 });
  const form = { headers: { 'content-type': 'multipart/form-data; boundary=a' }, body: 'abcdef' };
  assert.deepEqual((await send('POST', '/raw', form)).json, { size: 6 });
});

testBoth('AU-11 a form without a boundary, or with one that is too long, is malformed', async (t, RouterOf) => {
  const { send, failures } = await saving(t, temporaryFolder(), RouterOf);
  for (const type of ['multipart/form-data;', `multipart/form-data; boundary=${'x'.repeat(300)}`]) {
    const { status } = await send('POST', '/files', { headers: { 'content-type': type }, body: '--x--\r\n' });
    assert.deepEqual([status, (failures.pop() as UploadRefused | undefined)?.problem], [400, 'malformed']);
  }
});

testBoth('AU-11 a file that is read in part, left, or not saved does not end the form', async (t, RouterOf) => {
  const folder = temporaryFolder();
  const router: Router = new RouterOf({ log: keepingLogger() });
  router.post('/files/{way}', { body: { 'multipart/form-data': 'stream' } }, async (request) => {
    const upload = request.files();
    const names: string[] = [];
    for await (const each of upload) {
      names.push(each.name);
      if (request.params.way === 'save') await each.saveTo(join(folder, 'none', 'a')).catch(() => undefined);
      if (request.params.way === 'leave') each.stream.destroy();
      // The first bytes tell the kind of a file.
      if (request.params.way === 'read') for await (const _bytes of each.stream) break;
    }
    return { names, fields: upload.fields };
  });
  const send = await serveRouter(t, router);
  const body = form([file('a', 'x'.repeat(300_000)), file('b', 'y'), file('c', ''), field('title', 'Emma')]);
  for (const way of ['save', 'leave', 'read']) {
    const { status, json } = await send('POST', `/files/${way}`, body);
    assert.deepEqual([status, json], [200, { names: ['a', 'b', 'c'], fields: { title: 'Emma' } }], way);
  }
});

testBoth('AU-11 a client that leaves leaves nothing behind', async (t, RouterOf) => {
  const folder = temporaryFolder();
  const { send, failures } = await saving(t, folder, RouterOf);
  const socket = connect(send.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const head =
    'POST /files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 90000\r\n\r\n';
  socket.write(`${head}--x\r\n${file('a', 'x'.repeat(50_000))}`);
  while (!readdirSync(folder).some((name) => name.endsWith('.part'))) await new Promise(setImmediate);
  socket.destroy();
  await once(socket, 'close');
  while (failures.length === 0) await new Promise(setImmediate);
  assert.equal((failures[0] as UploadRefused).problem, 'incomplete');
  assert.deepEqual(readdirSync(folder), []);
});
