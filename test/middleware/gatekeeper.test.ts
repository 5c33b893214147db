import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { gatekeeper } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';
import { memoryLog } from '../server/memory-log.js';
import { exchange, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

test('MW-22 listed and internal headers stop here in both directions, spelled in any way', async () => {
  const local = {
    strip_request: 'X-Backend-*, X-Secret',
    strip_response: 'x-node',
    move_request: 'X-Timestamp:X-Backend-Timestamp',
  };
  const { made } = await buildFilter(gatekeeper, { local });
  const app: App = (req, res) => {
    res.writeHead(200, { 'X-Node': 'n1', 'X-Portico-Internal-Route': 'r', 'x-kept': 'yes' });
    res.end(JSON.stringify({ headers: req.headers, raw: req.rawHeaders }));
  };
  const response = await request(lint(made(app)), 'GET', '/', {
    headers: {
      'X-Backend-Timestamp': 'forged',
      x_backend_other: 'forged',
      'X-Secret': 'forged',
      'x-portico-internal-user': 'forged',
      'X-Timestamp': '42',
      'x-plain': 'yes',
    },
  });
  const { headers, raw } = response.json();
  assert.ok(!JSON.stringify([headers, raw]).includes('forged'));
  assert.equal(headers['x-backend-timestamp'], '42');
  assert.equal(headers['x-timestamp'], undefined);
  assert.equal(headers['x-plain'], 'yes');
  assert.equal(response.headers['x-node'], undefined);
  assert.equal(response.headers['x-portico-internal-route'], undefined);
  assert.equal(response.headers['x-kept'], 'yes');
});

test('AU-6 trailers of the same names stop here too, in both directions', async (t) => {
  const local = {
    strip_request: 'X-Secret',
    strip_response: 'x-node',
    move_request: 'X-Timestamp:X-Backend-Timestamp',
  };
  const { made } = await buildFilter(gatekeeper, { local });
  const app: App = async (req, res) => {
    for await (const _ of req);
    const seen = [Object.keys(req.trailers), Object.keys(req.trailersDistinct), req.rawTrailers];
    res.writeHead(200, { trailer: 'x-node, x-kept' });
    res.write(JSON.stringify(seen));
    res.addTrailers({ 'X-Node': 'n1', 'x-portico-internal-route': 'r', 'x-kept': 'yes' });
    res.end();
  };
  const server = await startedServer(t, 'trailers', made(app), { log: memoryLog() });
  const names = ['X-Secret', 'x_secret', 'X-Portico-Internal-User', 'X-Timestamp', 'X-Backend-Timestamp', 'X-Plain'];
  const trailers = names.map((name) => `${name}: 1\r\n`).join('');
  const head = 'POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n';
  const text = await exchange(portOf(server), `${head}2\r\nab\r\n0\r\n${trailers}\r\n`);
  assert.match(text, /\[\["x-plain"\],\["x-plain"\],\["X-Plain","1"\]\]/);
  assert.match(text, /x-kept: yes/);
  assert.doesNotMatch(text, /n1|internal/);
});
