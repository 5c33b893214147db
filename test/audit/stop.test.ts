/** Tests that a stop and a reload of one process send the events that were made, with the broker. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { Config } from 'portico/config';
import { NotificationService } from 'portico/rpc';
import { WSGIService } from 'portico/server';
import { emptyProject } from '../fixtures/project.js';
import { inbox } from '../rpc/notifications/inbox.js';
import { brokerTest, brokerUrl, withBroker } from '../rpc/transport/amqp/broker.js';
import { memoryLog } from '../server/memory-log.js';

/** An API behind audit, whose events go to the broker, and what returns the action of each event. */
async function audited(t: TestContext) {
  const [exchange, log] = [`audit-${randomUUID().slice(0, 8)}`, memoryLog()];
  const url = `${brokerUrl}?exchange=${exchange}`;
  const { folder } = emptyProject({
    'app.js': 'export const app = () => (req, res) => void res.end();\n',
    'api-paste.ini':
      '[pipeline:books]\npipeline = audit app\n[filter:audit]\npaste.filter_factory = portico/audit:audit\n[app:app]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[api:books]\nlisten = 127.0.0.1:0\n[rpc]\ntransport_url = ${url}\n`,
  });
  const config = await Config.load({ argv: [], files: [`${folder}/portico.ini`] });
  const service = new WSGIService('books', config, { log });
  const { take, next } = inbox();
  const listener = NotificationService.create({ handlers: { info: take }, transport: url, log });
  t.after(async () => {
    await service.stop();
    await listener.stop();
    await withBroker(async (connection) => {
      for (const queue of [`${exchange}.notifications.info`, `${exchange}.dead`])
        await connection.queueDelete({ queue });
    });
  });
  await service.start();
  return {
    service,
    log,
    get: async () => (await fetch(`http://127.0.0.1:${service.port}/`)).status,
    events: async (count: number) => {
      await listener.start();
      const types: string[] = [];
      while (types.length < count) types.push((await next()).eventType);
      return types;
    },
  };
}

const BOTH = ['audit.http.request', 'audit.http.response'];

brokerTest('a stop sends the events of the requests that it has waited for', async (t) => {
  const { service, get, events, log } = await audited(t);
  assert.equal(await get(), 200);
  await service.stop({ graceful: true, deadlineMs: 30_000 });
  assert.deepEqual((await events(2)).toSorted(), BOTH);
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'error'),
    [],
  );
});

brokerTest('a reload of one process sends them, and no request waits for it', async (t) => {
  const { service, get, events, log } = await audited(t);
  assert.equal(await get(), 200);
  await service.stop({ graceful: true, reason: 'reload', pauseMs: 5000 });
  await service.start();
  assert.equal(await get(), 200);
  await service.stop({ graceful: true });
  assert.deepEqual((await events(4)).toSorted(), [...BOTH, ...BOTH].toSorted());
  assert.deepEqual(
    log.lines.filter(({ level }) => level === 'error'),
    [],
  );
});
