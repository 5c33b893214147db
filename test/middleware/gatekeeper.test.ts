import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { gatekeeper } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

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
