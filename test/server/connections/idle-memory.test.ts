import assert from 'node:assert/strict';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startedServer } from '../started-server.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('a connection without a request keeps nothing of those that are done', async (t) => {
  const seen: WeakRef<IncomingMessage>[] = [];
  const server = await startedServer(t, 'idle', (req, res) => {
    seen.push(new WeakRef(req));
    req.resume().on('end', () => res.end('ok'));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const { port } = server.addresses[0] as { port: number };
  const url = `http://127.0.0.1:${port}/`;
  await new Promise((resolve) => get(url, { agent }, (res) => res.resume().on('end', resolve)));
  await new Promise((resolve) => {
    request(url, { agent, method: 'POST' }, (res) => res.resume().on('end', resolve)).end('a body');
  });
  assert.equal(seen.length, 2);
  for (let turns = 0; turns < 50 && seen.some((req) => req.deref() !== undefined); turns++) {
    await turn();
    collect();
  }
  assert.deepEqual(
    seen.map((req) => req.deref() === undefined),
    [true, true],
  );
});
