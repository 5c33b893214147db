import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendWhole } from '#internal/app';
import { portOf } from '../../server/raw-client.js';
import { startedServer } from '../../server/started-server.js';

test('MW-7 a header that Node refuses fails a whole response before its headers', async (t) => {
  const server = await startedServer(t, 'whole', (_req, res) =>
    sendWhole(res, 200, { 'x-bad': 'a\nb', 'content-length': 1 }, 'a'),
  );
  assert.equal((await fetch(`http://127.0.0.1:${portOf(server)}/`)).status, 500);
});
