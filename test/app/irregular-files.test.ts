/** Only regular files are opened: a fifo would block a thread of libuv until something writes to it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { staticFiles } from 'portico/middleware';
import { Reply, Router } from 'portico/routing';
import { buildApp, request } from 'portico/testing';
import { ignoreErrors } from '../../dist/errors/index.js';
import { closedAfter } from '../fixtures/closed-after.js';
import { temporaryFolder } from '../fixtures/keeper.js';

/** Returns a folder with a fifo, a socket and a link to a device, each also as an index. */
async function folderOf(t: TestContext): Promise<string> {
  const root = temporaryFolder('portico-irregular-');
  mkdirSync(join(root, 'sub'));
  const fifo = join(root, 'fifo');
  for (const file of [fifo, join(root, 'sub', 'index.html')]) execFileSync('mkfifo', [file]);
  const socket = createServer().listen(join(root, 'socket'));
  await once(socket, 'listening');
  symlinkSync('/dev/zero', join(root, 'device'));
  t.after(() => {
    // Wakes a thread that waits in vain.
    for (const file of [fifo, join(root, 'sub', 'index.html')])
      ignoreErrors(() => closeSync(openSync(file, constants.O_WRONLY | constants.O_NONBLOCK)));
    socket.close();
  });
  return root;
}

test('AT-4 a fifo, a socket and a device get 404, also as an index', async (t) => {
  const root = await folderOf(t);
  const { made: app } = await buildApp(staticFiles, { local: { document_root: root } });
  for (const path of ['/fifo', '/socket', '/device']) assert.equal((await request(app, 'GET', path)).status, 404, path);
  assert.equal((await request(app, 'GET', '/sub/')).status, 404);
  const fallback = buildApp(staticFiles, { local: { document_root: root, fallback: 'fifo' } });
  await assert.rejects(fallback, { code: 'PORTICO_DOCUMENT_ROOT' });
  const router = closedAfter(
    t,
    await new Router()
      .get('/in/{name}', ({ params }) => Reply.file(params.name, { root }))
      .get('/any/{name}', ({ params }) => Reply.file(join(root, params.name)))
      .build(),
  );
  for (const path of ['fifo', 'socket', 'device', 'sub']) {
    for (const kind of ['in', 'any'])
      assert.equal((await request(router, 'GET', `/${kind}/${path}`)).status, 404, path);
  }
});
