import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeUpgrade } from 'portico/app';
import { isDraining, isRecordLost, isUpgraded, offerUpgrade, shareState } from '#internal/app';
import { nodeServer } from '../fixtures/node-server.js';

test('an app finds what the owner of its server has set, and nothing of a server without an owner', async (t) => {
  const { server, url } = await nodeServer(t, (req, res) => {
    res.end(JSON.stringify([isDraining(req), isRecordLost(req), takeUpgrade(req) ?? null]));
  });
  const ask = async (): Promise<unknown> => (await fetch(url)).json();
  assert.deepEqual(await ask(), [false, false, null]);
  let isLost = true;
  shareState(server, { draining: true, isRecordLost: () => isLost });
  assert.deepEqual(await ask(), [true, true, null]);
  isLost = false;
  assert.deepEqual(await ask(), [true, false, null]);
});

test('PH-9 a connection is taken once, and one that can be taken no more is asked for once', async (t) => {
  const told: unknown[] = [];
  const { url } = await nodeServer(t, (req, res) => {
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
  for (const path of ['/', '/gone']) await fetch(url + path);
  assert.deepEqual(told, [
    ['early', undefined, true, 1],
    [undefined, undefined, false, 1],
  ]);
});
