import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { takeUpgrade } from 'portico/app';
import { isDraining, isRecordLost, isUpgraded, offerUpgrade, shareState } from '#internal/app';

test('an app finds what the owner of its server has set, and nothing of a server without an owner', async (t) => {
  const server = createServer((req, res) => {
    res.end(JSON.stringify([isDraining(req), isRecordLost(req), takeUpgrade(req) ?? null]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const ask = async (): Promise<unknown> =>
    (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).json();
  assert.deepEqual(await ask(), [false, false, null]);
  let isLost = true;
  shareState(server, { draining: true, isRecordLost: () => isLost });
  assert.deepEqual(await ask(), [true, true, null]);
  isLost = false;
  assert.deepEqual(await ask(), [true, false, null]);
});

test('PH-9 a connection is taken once, and one that can be taken no more is asked for once', async (t) => {
  const told: unknown[] = [];
  const server = createServer((req, res) => {
    let asked = 0;
    const closing = new AbortController().signal;
    offerUpgrade(req, () => {
      asked++;
      return req.url === '/gone' ? undefined : { socket: req.socket, head: Buffer.from('early'), closing };
    });
    const first = takeUpgrade(req);
    told.push([first?.head.toString(), takeUpgrade(req), isUpgraded(req), asked]);
    res.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  for (const path of ['/', '/gone']) await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
  assert.deepEqual(told, [
    ['early', undefined, true, 1],
    [undefined, undefined, false, 1],
  ]);
});
