import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { currentContext, RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { type Message, type Notification, NotificationService, RPCConnection } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { DeliveryUnknown, MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { settled } from '../server/served-object.js';
import { gate } from '../services.js';
import { inbox } from './inbox.js';

const context = new RequestContext({
  requestId: 'req-1',
  userId: 'me',
  roles: ['reader'],
  token: 't',
  carryToken: true,
});

test('notifications wait in the queue of their priority, and reach a listener with their context, without its token', async () => {
  const transport = `memory://${randomUUID()}`;
  const { log, lines } = recordedLog();
  const rpc = new RPCConnection({ transport, log });
  const notifier = rpc.notifier({ publisherId: 'images.north' });
  await notifier.info(context, 'images.resize.end', { id: 'a', size: 7 });
  await notifier.error(context, 'images.resize.error', { id: 'b' });
  const { take, next } = inbox();
  const seen: unknown[] = [];
  const handler = (each: Notification): void => {
    seen.push(currentContext()?.requestId);
    take(each);
  };
  const service = NotificationService.create({ handlers: { info: handler, error: handler }, transport, log });
  await service.start();
  try {
    const got = [await next(), await next()].toSorted((a, b) => a.priority.localeCompare(b.priority));
    const [failed, ended] = got.map(({ messageId, timestamp, context: who, ...rest }) => {
      assert.match(messageId, /^[\da-f-]{36}$/);
      assert.match(timestamp, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);
      const { userId, token } = who as RequestContext;
      return { ...rest, userId, token };
    });
    const common = { publisherId: 'images.north', userId: 'me', token: undefined, count: 1 };
    assert.deepEqual(ended, {
      ...common,
      eventType: 'images.resize.end',
      priority: 'info',
      payload: { id: 'a', size: 7 },
    });
    assert.deepEqual(failed, { ...common, eventType: 'images.resize.error', priority: 'error', payload: { id: 'b' } });
    assert.deepEqual(seen, ['req-1', 'req-1']);
    await assert.rejects(notifier.info(context, 'images.none', { save: () => {} }), { code: 'PORTICO_NOT_PLAIN' });
  } finally {
    await service.stop({ graceful: true });
    await rpc.close();
  }
  const errors = lines.filter(({ level }) => level === 'error');
  assert.deepEqual(errors, []);
});

test('a notification whose handler fails comes again, and is given up after [rpc] delivery_limit, said in the log', async () => {
  const { log, lines } = recordedLog();
  const transport = `memory://${randomUUID()}`;
  const rpc = new RPCConnection({ transport, log });
  await rpc.notifier({ publisherId: 'p' }).info({}, 'odd', {});
  const tries: number[] = [];
  let done = (): void => {};
  const given = new Promise<void>((resolve) => {
    done = resolve;
  });
  const service = NotificationService.create({
    handlers: {
      info: ({ count }) => {
        tries.push(count);
        if (count === 2) setImmediate(done);
        throw new Error('oh');
      },
    },
    transport,
    log,
    config: Config.fromText('[rpc]\ndelivery_limit = 1\n'),
  });
  await service.start();
  // The redelivery delay in memory does not keep the process alive.
  const kept = setInterval(() => {}, 60_000);
  await given;
  clearInterval(kept);
  await service.stop({ graceful: true });
  await rpc.close();
  assert.deepEqual(tries, [1, 2]);
  assert.ok(lines.some(({ level, msg }) => level === 'error' && /odd of p failed 2 times/.test(msg)));
});

test('PY-4 a second copy of a notification is dropped once its handler has ended, and handled in place of one that failed', async () => {
  const { log } = recordedLog();
  const transport = new MemoryTransport(new MemoryBroker(), 'memory://twice');
  await transport.connect();
  const rpc = new RPCConnection({ transport, log });
  const notifier = rpc.notifier({ publisherId: 'p', topics: ['notifications', 'bills'] });
  await notifier.info({}, 'resized', {});
  const waiting: Message[] = [];
  const route = { exchange: 'portico', topic: 'notifications', server: 'info' };
  const reader = await transport.consume(route, { prefetch: 9 }, ({ message, ack }) => {
    waiting.push(message);
    void ack();
  });
  await settled();
  await reader.cancel();
  for (let time = 0; time < 3; time++) await transport.publish(route, waiting[0]!);
  const fails = gate();
  const tries: string[] = [];
  const service = NotificationService.create({
    handlers: {
      info: async ({ payload }) => {
        tries.push(JSON.stringify(payload));
        if (tries.length > 1) return;
        await fails.opened;
        throw new Error('oh');
      },
    },
    topics: ['notifications'],
    transport,
    log,
  });
  await service.start();
  await settled();
  assert.equal(tries.length, 1);
  fails.open();
  await settled();
  assert.equal(tries.length, 2);
  await service.stop();
  // Another topic has a separate copy.
  const both = NotificationService.create({
    handlers: { info: ({ payload }) => void tries.push(JSON.stringify(payload)) },
    topics: ['notifications', 'bills'],
    transport,
    log,
  });
  for (let time = 0; time < 2; time++) await transport.publish(route, waiting[0]!);
  await both.start();
  await settled();
  assert.equal(tries.length, 4);
  await both.stop();
  await rpc.close();
});

test('a notification that the broker does not take is a line of the log; driver = noop sends none', async () => {
  const { log, lines } = recordedLog();
  const config = Config.fromText('[oslo_messaging_notifications]\ndriver = noop\n');
  const none = new RPCConnection({ transport: 'amqp://127.0.0.1:9/', config, log });
  await none.notifier({ publisherId: 'p' }).info({}, 'never', {});
  const transport = new MemoryTransport(new MemoryBroker(), 'memory://lost');
  await transport.connect();
  const lost = new RPCConnection({ transport, log });
  const notifier = lost.notifier({ publisherId: 'p' });
  transport.failNext(new DeliveryUnknown({ message: 'lost' }));
  await notifier.warn({}, 'lost', {});
  const messages = lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);
  assert.deepEqual(messages, ['the notification lost was not sent to notifications.warn']);
  const strict = lost.notifier({ publisherId: 'p', topics: ['notifications', 'bills'], onFailure: 'reject' });
  transport.failNext(new DeliveryUnknown({ message: 'gone' }));
  await assert.rejects(strict.warn({}, 'gone', {}), /gone/);
  await strict.warn({}, 'taken', {});
  assert.equal(lines.filter(({ level }) => level === 'error').length, 1);
  await none.close();
  await lost.close();
});

test('handlers are for priorities that there are', () => {
  const handlers = { inof: () => {} } as object;
  assert.throws(() => NotificationService.create({ handlers }), { code: 'PORTICO_RPC_OPTION', hint: /info/ });
  assert.throws(() => NotificationService.create({ handlers: {} }), { code: 'PORTICO_RPC_OPTION' });
});

test('notifications wait for a listener that was stopped for longer than host_queue_ttl', async () => {
  const { log } = recordedLog();
  const clock = new FakeClock();
  const transport = new MemoryTransport(new MemoryBroker({ clock, hostQueueTtlMs: 1000 }), 'memory://stopped');
  const rpc = new RPCConnection({ transport, log });
  const { take, next } = inbox();
  const start = async (): Promise<NotificationService> => {
    const service = NotificationService.create({ handlers: { info: take }, transport, log });
    await service.start();
    return service;
  };
  await (await start()).stop();
  await rpc.notifier({ publisherId: 'images.north' }).info(context, 'images.resize.end', { id: 'a' });
  await clock.advance(2000);
  const service = await start();
  assert.deepEqual((await next()).payload, { id: 'a' });
  await service.stop();
  await rpc.close();
});
