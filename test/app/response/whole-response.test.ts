import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from 'portico/server';
import { sendWhole } from '#internal/app';
import { portOf } from '../../server/raw-client.js';

test('MW-7 a header that Node refuses fails a whole response before its headers', async (t) => {
  const server = new Server('whole', (_req, res) => sendWhole(res, 200, { 'x-bad': 'a\nb', 'content-length': 1 }, 'a'));
  await server.start();
  t.after(() => server.stop());
  assert.equal((await fetch(`http://127.0.0.1:${portOf(server)}/`)).status, 500);
});
