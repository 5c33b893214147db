/** Counts of the requests of an API. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from '../../../dist/app/index.js';
import { Config } from '../../../dist/config/index.js';
import { silentLogger } from '../../../dist/log/internal.js';
import { ApiMeter } from '../../../dist/server/api/api-meter.js';
import { Server } from '../../../dist/server/index.js';
import { exchange, portOf } from '../raw-client.js';

test('a response that streams counts with the time until it begins, so that streams alone are not slow', async (t) => {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const app: App = async (_req, res) => {
    now += 250;
    res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    await new Promise(setImmediate);
    now += 60_000;
    res.end('data: last\n\n');
  };
  const server = new Server('meter', app);
  const config = Config.fromText('[metrics]\nenabled = true\n');
  const meter = new ApiMeter(() => config, server, { binary: 'b', project: undefined, log: silentLogger() });
  void server.replaceApp(meter.around(app));
  await server.start();
  t.after(() => server.stop());
  await exchange(portOf(server), 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  await server.stop();
  const requests = meter.take().series.filter(({ metric, counts }) => metric === 'durations' && counts.some(Boolean));
  assert.deepEqual(
    requests.map(({ labels, sum }) => [labels, sum]),
    [[['GET', '-'], 0.25]],
  );
});
