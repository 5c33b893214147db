/** Uploads whose request ends before its body has come. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readBody } from 'portico/app';
import type { Router, UploadRefused } from 'portico/routing';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { Client, portOf } from '../../server/raw-client.js';
import { startedServer } from '../../server/started-server.js';
import { keepingLogger, serveRouter, testBoth as test } from '../served-router.js';

for (const [what, length] of [
  ['a long rest is due', 5_000_000],
  ['a short rest is due', 60_000],
] as const) {
  test(`WD-1 an upload fails and leaves nothing behind when its deadline has passed: ${what}`, async (t, RouterOf) => {
    const folder = temporaryFolder('portico-uploads-');
    const failures: unknown[] = [];
    const router: Router = new RouterOf({ log: keepingLogger() });
    router.post('/files', { deadline: 20, body: { 'multipart/form-data': 'stream' } }, async (request) => {
      try {
        for await (const each of request.files()) await each.saveTo(join(folder, 'a'));
      } catch (error) {
        failures.push(error);
      }
    });
    const server = await startedServer(t, 'uploads', await router.build());
    const client = new Client(portOf(server));
    const head = `POST /files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: ${length}\r\n\r\n`;
    client.write(
      `${head}--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${'x'.repeat(50_000)}`,
    );
    assert.equal((await client.response()).status, 503);
    while (failures.length === 0) await new Promise(setImmediate);
    assert.equal((failures[0] as UploadRefused).problem, 'incomplete');
    assert.deepEqual(readdirSync(folder), []);
    const open = readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
    const left = open.filter((path) => path.startsWith(folder));
    assert.deepEqual(left, []);
    client.close();
  });
}

test('WD-1 a body that is read after its action has returned fails when its client leaves', async (t, RouterOf) => {
  const router: Router = new RouterOf({ log: keepingLogger() });
  let failed: Promise<unknown> | undefined;
  router.post('/', { body: { 'application/x-own': 'stream' } }, ({ req }) => {
    failed = readBody(req).catch((error: unknown) => error);
    return 'taken';
  });
  const server = await startedServer(t, 'uploads', await router.build());
  const client = new Client(portOf(server));
  client.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-own\r\nContent-Length: 100\r\n\r\nsome');
  assert.equal((await client.response()).status, 200);
  client.close();
  assert.equal(((await failed) as { code: string }).code, 'PORTICO_REQUEST_ABORTED');
});

test('S3-2 S3-9 a form with a Content-Encoding gets 415; fields before a file are known with it, all of them after it', async (t, RouterOf) => {
  const router: Router = new RouterOf();
  router.post('/files', { body: { 'multipart/form-data': 'stream' } }, async (request) => {
    const upload = request.files();
    const seen: unknown[] = [];
    for await (const file of upload) seen.push(file.field, upload.fields.a, file.stream.resume() && null);
    return [...seen, upload.fields];
  });
  const send = await serveRouter(t, router);
  const part = (name: string, value: string, file = ''): string =>
    `--x\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  const body = `${part('a', '1')}${part('cover', 'png', '; filename="c.png"')}${part('b', '2')}--x--\r\n`;
  const type = { 'content-type': 'multipart/form-data; boundary=x' };
  const read = await send('POST', '/files', { headers: type, body });
  assert.deepEqual(read.json, ['cover', '1', null, { a: '1', b: '2' }]);
  const encoded = await send('POST', '/files', { headers: { ...type, 'content-encoding': 'gzip' }, body });
  assert.equal(encoded.status, 415);
});
