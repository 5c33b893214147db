import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type App, environ } from 'portico/app';
import { Config } from 'portico/config';
import { stats } from 'portico/middleware';
import { buildFilter, captureLog, lint, request } from 'portico/testing';
import { nodeServer } from '../fixtures/node-server.js';
import { filterUntilEnd } from '../fixtures/until-end.js';

const app: App = (req, res) => {
  environ(req).route = { name: null, template: '/servers/{id}', controller: 'servers', action: 'show' };
  res.statusCode = 404;
  res.end();
};

for (const [format, metric, tags] of [
  ['none', 'api.GET.servers_id.4xx', ''],
  ['datadog', 'api', '|#method:GET,route:servers_id,status:4xx'],
  ['influx', 'api,method=GET,route=servers_id,status=4xx', ''],
] as const) {
  test(`MW-46 a count and a time are sent by the route's template, tags ${format}`, async (t) => {
    const statsd = createSocket('udp4');
    await new Promise<void>((resolve) => statsd.bind(0, '127.0.0.1', resolve));
    t.after(() => void statsd.close());
    const local = { name: 'api', port: String(statsd.address().port), tags_format: format };
    const { made } = await filterUntilEnd(t, stats, { local });
    const message = once(statsd, 'message');
    await request(lint(made(app)), 'GET', '/servers/8d2c3f1e-0000-4000-8000-123456789abc');
    const [count, time] = String((await message)[0]).split('\n');
    assert.equal(count, `${metric}:1|c${tags}`);
    assert.ok(time!.startsWith(`${metric}:`) && time!.endsWith(`|ms${tags}`));
  });
}

test('MW-46 a name is required', async () => {
  await assert.rejects(async () => buildFilter(stats));
});

test('options of oslo.middleware that remove ids from names have no effect, and do not refuse the section', async (t) => {
  const { log, lines } = captureLog();
  const config = new Config();
  config.useLogger(log);
  const local = { name: 'api', stats_host: '127.0.0.1', remove_uuid: 'True', remove_short_uuid: 'True' };
  const { close } = await buildFilter(stats, { config, local });
  t.after(close);
  assert.deepEqual(
    lines
      .filter(({ level }) => level === 'warn')
      .map(({ msg }) => /\] (\w+): has no effect here/.exec(String(msg))?.[1]),
    ['remove_uuid', 'remove_short_uuid'],
  );
});

test('MW-46 a response that ends after the filter was closed is not sent, and harms nobody', async (t) => {
  const { made, close } = await buildFilter(stats, { local: { name: 'api' } });
  let res: ServerResponse | undefined;
  const app = made((_req, response) => {
    res = response;
  });
  const { server, url } = await nodeServer(t, app);
  const answer = fetch(url);
  await once(server, 'request');
  await close();
  const finished = once(res!, 'finish');
  res!.end('late');
  await finished;
  assert.equal(await (await answer).text(), 'late');
});
