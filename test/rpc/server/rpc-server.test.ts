import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import { currentContext, RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { type RemoteError, RPCConnection, RPCService, rpc } from 'portico/rpc';
import { Endpoints, MemoryBroker, MemoryTransport, RpcServer, ServerShuttingDown } from '#internal/extras/rpc';
import { TaskTracker } from '#internal/service';
import { recordedLog } from '../../tasks/recorded-log.js';
import { bodyOf, requestIn } from '../bodies.js';
import { gate, networkOf } from '../services.js';
import { OF_IMAGES, requestMessage, route, served, settled } from './served-object.js';

/** Each call waits until `end` is called with its id. */
class Held {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();
  #changed: (() => void)[] = [];
  async work(context: RequestContext, { id }: { id: string }): Promise<string> {
    this.begun.push(id);
    for (const tell of this.#changed.splice(0)) tell();
    await new Promise<void>((resolve, reject) => {
      this.#ends.set(id, resolve);
      context.signal!.addEventListener('abort', () => reject(context.signal!.reason as Error));
    });
    return `${id} done`;
  }
  end(id: string): void {
    this.#ends.get(id)!();
  }
  endAll(): void {
    for (const end of this.#ends.values()) end();
  }
  async hasBegun(count: number): Promise<void> {
    while (this.begun.length < count) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }
}

test('RP-4 RP-14 RP-16 RP-71 RP-85 so many calls run at a time, and no more than the prefetch of each consumer is held', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  const { log } = recordedLog();
  const held = new Held();
  const service = RPCService.create({
    binary: 'portico-images',
    host: 'north',
    registration: null,
    manager: held,
    transport,
    log,
  });
  await service.start({ overridePoolSize: 2 });
  const connection = new RPCConnection({ transport, log });
  const client = connection.client({ topic: 'images' });
  const calls = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => client.call({}, 'work', { id }));
  await held.hasBegun(2);
  await settled();
  assert.deepEqual(held.begun, ['a', 'b']);
  // Two run and are acknowledged, two wait in this process, and two in the broker, where another consumer gets them.
  const left: string[] = [];
  await transport.consume({ exchange: 'portico', topic: 'images' }, { prefetch: 10 }, ({ message: { body } }) => {
    left.push((requestIn(body).args as { id: string }).id);
  });
  await settled();
  assert.deepEqual(left, ['e', 'f']);
  held.end('b');
  await held.hasBegun(3);
  assert.deepEqual(held.begun, ['a', 'b', 'c']);
  assert.equal(await calls[1], 'b done');
  const rest = Promise.allSettled(calls);
  await service.stop();
  await connection.close();
  await rest;
});

test('LC-1344 RP-17 every service has ping and getStatus in the namespace base', async (t) => {
  const { serve, client } = networkOf(t);

  await serve({}, { version: 3 });
  const base = client({ namespace: 'base', version: '1.1' });
  assert.deepEqual(await base.call({}, 'ping', { arg: [1] }), { service: 'images', host: 'north', arg: [1] });
  const status = (await base.call({}, 'getStatus')) as object;
  assert.deepEqual(
    { ...status, uptime: 0 },
    { version: 3, uptime: 0, inFlight: 0, draining: false, configGeneration: 1 },
  );
});

test('RP-20 the context arrives as a RequestContext, also for code without it at hand; what is unknown is kept', async (t) => {
  const { serve, client } = networkOf(t);

  class Asking {
    async who(context: RequestContext): Promise<unknown> {
      await settled();
      const { userId, roles, signal, delivery } = context;
      assert.ok(context instanceof RequestContext && signal instanceof AbortSignal);
      return [
        userId,
        roles,
        currentContext() === context,
        context.toDict().traceparent,
        delivery!.count,
        delivery!.redelivered,
      ];
    }
  }
  await serve(new Asking());
  const context = RequestContext.fromDict({ user_id: 'me', roles: ['member'], traceparent: '00-1' });
  assert.deepEqual(await client().call(context, 'who'), ['me', ['member'], true, '00-1', 1, false]);
});

test('RP-57 RP-58 an expected error is no fault of the server, others are logged with their stack, those of casts too', async (t) => {
  const { serve, client, log } = networkOf(t);

  class NotFound extends Error {}
  class Failing {
    @rpc({ expected: [NotFound] })
    find(): never {
      throw new NotFound('no image a');
    }
    other(): never {
      throw new Error('disk full');
    }
  }
  await serve(new Failing());
  const lines = (): string[] =>
    log.lines.filter(({ msg }) => msg.startsWith('Failing.')).map(({ level, msg }) => `${level} ${msg}`);
  await assert.rejects(client().call({}, 'find'), { type: 'NotFound' });
  await assert.rejects(client().call({}, 'missing'), { code: 'PORTICO_RPC_NO_SUCH_METHOD' });
  assert.deepEqual(lines(), ['debug Failing.find: no image a']);
  await client().prepare({ server: 'north' }).cast({}, 'other');
  while (lines().length < 2) await settled();
  assert.deepEqual(lines()[1], 'error Failing.other failed');
  assert.match(log.lines.find(({ level }) => level === 'error')!.err!.stack, /Failing\.other/);
});

test('RP-35 a server that works on a call gives signs of life; when it falls silent the call ends long before its time', async () => {
  const held = new Held();
  const { clock, transport, client } = await served(held);
  const watched = client.prepare({ timeout: 1000, callMonitorTimeout: 10 });
  const call = watched.call({}, 'work', { id: 'a' });
  await held.hasBegun(1);
  await clock.advance(100_000);
  held.end('a');
  assert.equal(await call, 'a done');
  // The timers that calls share stop when no call needs them.
  await clock.advance(1_000_000);
  assert.equal(clock.pending, 0);
  const silent = watched.call({}, 'work', { id: 'b' });
  const over = assert.rejects(silent, {
    code: 'PORTICO_RPC_TIMEOUT',
    monitor: true,
    message: /no heartbeat from its server for 10 s/,
  });
  await held.hasBegun(2);
  await clock.advance(30_000);
  transport.lose();
  await clock.advance(15_000);
  await over;
});

test('RP-35 calls that wait longer than call_monitor_threshold are watched by themselves', async () => {
  const { clock, client, transport } = await served({});
  await (await transport.consume({ ...route, topic: 'silent' }, { prefetch: 1 }, () => {})).cancel();
  const call = client.prepare({ topic: 'silent', timeout: 600 }).call({}, 'work');
  const over = assert.rejects(call, { monitor: true });
  await clock.advance(61_000);
  await over;
});

test('RP-35 RP-98 an unknown method with a monitor leaves no timer', async () => {
  const { clock, client } = await served({ known() {} });
  await assert.rejects(client.prepare({ timeout: 600, callMonitorTimeout: 10 }).call({}, 'unknown'), {
    code: 'PORTICO_RPC_NO_SUCH_METHOD',
  });
  await settled();
  assert.equal(clock.pending, 0);
});

function serverOver(transport: MemoryTransport, endpoint: object, poolSize = 1): RpcServer {
  const { log } = recordedLog();
  const config = new Config();
  const connection = new RPCConnection({ transport, log, config });
  const tracker = new TaskTracker({ service: 'images', log });
  return new RpcServer({
    ...OF_IMAGES,
    connection,
    transport,
    endpoints: new Endpoints([endpoint]),
    tracker,
    poolSize,
  });
}

test('RP-47 RP-52 RP-55 RP-59 whatever is thrown is sent to its caller, also what cannot be read', async () => {
  class Locked extends Error {
    get code(): string {
      throw new Error('no code');
    }
  }
  const fails = (message: string) => () => {
    throw new Error(message);
  };
  // More than the 16 MiB of a message.
  const long = 'x'.repeat(17_000_000);
  const rows: readonly [thrown: unknown, type: string, message: string, data?: object][] = [
    [
      Object.defineProperty(new Error('with a getter'), 'disk', { enumerable: true, get: fails('no disk') }),
      'Error',
      'with a getter',
    ],
    [
      Object.assign(new Error('without a class'), { constructor: undefined, disk: 'sda' }),
      'Error',
      'without a class',
      { disk: 'sda' },
    ],
    [new Locked('locked'), 'Locked', 'locked'],
    // The error that was thrown while the server inspected the proxy.
    [
      new Proxy(new Error('behind a proxy'), { get: fails('no member'), getPrototypeOf: fails('no class') }),
      'Error',
      'no class',
    ],
    [
      Object.defineProperty(new Error(), 'message', { get: fails('no message') }),
      'Error',
      'an error whose message cannot be read',
    ],
    [Object.create(null), 'Error', 'an object that is not an error'],
    [undefined, 'Error', 'undefined'],
    ['disk full', 'Error', 'disk full'],
    [Object.assign(new Error('disk full'), { message: 7 }), 'Error', '7'],
    [Object.assign(new Error('disk full'), { all: long }), 'Error', 'disk full'],
    [new Error(long), 'Error', `${'x'.repeat(1000)}…`],
  ];
  const { client } = await served({
    fail: (_context: unknown, { at }: { at: number }) => {
      throw rows[at]![0];
    },
  });
  for (const [at, [, ...told]] of rows.entries()) {
    const error = (await client.call({}, 'fail', { at }).catch((each: unknown) => each)) as RemoteError;
    assert.deepEqual([error.type, error.message, { ...error.data }], [told[0], told[1], told[2] ?? {}]);
    assert.equal(error.code, 'PORTICO_RPC_REMOTE_ERROR');
  }
});

test('RP-25 what is nested too deeply is refused where it is sent, and its caller gets the error where it is a result', async () => {
  const deep = (): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < 100_000; level++) value = [value];
    return value;
  };
  const { client } = await served({ deep });
  const refused = { code: 'PORTICO_NOT_PLAIN', message: /nested too deeply/ };
  await assert.rejects(client.call({}, 'deep', { value: deep() }), refused);
  await assert.rejects(client.call({}, 'deep'), refused);
});

test('a method that acknowledges late is refused without quorum queues', async () => {
  const of = { binary: 'portico-images', host: 'north', registration: null, log: recordedLog().log };
  const config = Config.fromText('[rpc]\nqueue_type = classic\n');
  const late = RPCService.create({
    ...of,
    manager: new Late(),
    transport: new MemoryTransport(new MemoryBroker()),
    config,
  });
  await assert.rejects(late.start(), { code: 'PORTICO_RPC_METHOD', message: /\[rpc\] queue_type is classic/ });
  const classic = RPCService.create({ ...of, manager: new Late(), transport: 'oslo+rabbit://127.0.0.1:1/' });
  await assert.rejects(classic.start(), { code: 'PORTICO_RPC_METHOD', message: /rabbit_quorum_queue is not set/ });
});

test('RP-86 a broker that confirms no reply does not hold up a stop for longer than a moment', async () => {
  const { clock, client, transport, server } = await served({ work: () => 'done' });
  const published = gate();
  const publish = transport.publish.bind(transport);
  transport.publish = (to, message, options) => {
    if (typeof to !== 'string') return publish(to, message, options);
    published.open();
    return new Promise(() => {});
  };
  const call = client.prepare({ timeout: 600 }).call({}, 'work');
  const lost = assert.rejects(call, { code: 'PORTICO_RPC_TIMEOUT' });
  await published.opened;
  await server.stopAccepting();
  let isOver = false;
  const finished = server.finish(300_000).then(() => {
    isOver = true;
  });
  await clock.advance(1000);
  assert.equal(isOver, false);
  await clock.advance(3000);
  await finished;
  await clock.advance(600_000);
  await lost;
});

test('RP-21 RP-75 a message that cannot be read is a dead letter, and its content is not logged', async () => {
  const { transport, deadLetters, lines } = await served({});
  const wrong = ['{"secret', '[]', '{"_portico":{"v":2},"secret":1}', '{"method":7}', '{"secret":1}'];
  for (const [at, text] of wrong.entries()) await transport.publish(route, { id: `id-${at}`, body: Buffer.from(text) });
  await settled();
  assert.deepEqual(await deadLetters(), [
    'unreadable: not JSON',
    'unreadable: it is not an object',
    'unreadable: its extras are not of version 1',
    'unreadable: it is not a request',
    'unreadable: it is not a request',
  ]);
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 5);
  assert.ok(!JSON.stringify(lines).includes('secret'));
});

class Late {
  readonly runs: [number, boolean][] = [];
  fails: Error | undefined;
  @rpc({ ack: 'late', idempotent: true, retryDelay: 7 })
  work({ delivery }: RequestContext): string {
    this.runs.push([delivery!.count, delivery!.redelivered]);
    if (this.fails !== undefined) throw this.fails;
    return 'done';
  }
}

test('RP-72 RP-76 RP-77 a late method that fails in a way that may pass runs again after a while, and not for ever', async () => {
  const late = new Late();
  const { clock, client, deadLetters } = await served(late, { deliveryLimit: 2 });
  late.fails = Object.assign(new Error('busy'), { retryable: true });
  const call = client.prepare({ timeout: 600, callMonitorTimeout: 600 }).call({}, 'work');
  await settled();
  assert.equal(late.runs.length, 1);
  await clock.advance(7000);
  late.fails = undefined;
  await clock.advance(7000);
  assert.equal(await call, 'done');
  assert.deepEqual(late.runs, [
    [1, false],
    [2, true],
    [3, true],
  ]);
  late.fails = Object.assign(new Error('busy'), { retryable: true });
  await client.cast({}, 'work');
  await clock.advance(60_000);
  await settled();
  assert.deepEqual([late.runs.length, await deadLetters()], [6, ['delivery_limit']]);
});

test('RP-77 a late method that fails otherwise makes a dead letter of the message, and its caller learns of it', async () => {
  const late = new Late();
  late.fails = new Error('no such disk');
  const { client, deadLetters } = await served(late);
  await assert.rejects(client.call({}, 'work'), { message: 'no such disk' });
  await settled();
  assert.deepEqual([late.runs.length, await deadLetters()], [1, ['failed: Error: no such disk']]);
});

test('RP-35 a call that was given up for want of a sign of life is not begun', async () => {
  const held = new Held();
  const { clock, transport, client } = await served(held);
  for (const id of ['a', 'b', 'c', 'd']) await transport.publish(route, requestMessage(id, 'work', { args: { id } }));
  await held.hasBegun(4);
  const watched = client.prepare({ timeout: 600, callMonitorTimeout: 10 });
  const call = assert.rejects(watched.call({}, 'work', { id: 'e' }), { monitor: true });
  await settled();
  await clock.advance(10_001);
  await call;
  await settled();
  held.endAll();
  await settled();
  assert.deepEqual(held.begun, ['a', 'b', 'c', 'd']);
});

test('RP-77 a late method is not run again because a service that it called ended', async () => {
  const late = new Late();
  late.fails = Object.assign(new ServerShuttingDown({ message: 'volumes on south ended' }), { remote: true });
  const { client, deadLetters } = await served(late);
  await assert.rejects(client.call({}, 'work'), { code: 'PORTICO_RPC_SHUTTING_DOWN' });
  await settled();
  assert.deepEqual(
    [late.runs.length, await deadLetters()],
    [1, ['failed: ServerShuttingDown: volumes on south ended']],
  );
});

test('RP-38 RP-86 what its caller took back before it began does not go back to the queue', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  await transport.connect();
  const server = serverOver(transport, { work: () => new Promise(() => {}) });
  await server.start();
  for (const id of ['id-1', 'id-2', 'id-3']) await transport.publish(route, requestMessage(id, 'work'));
  await settled();
  await transport.publish({ ...route, fanout: true }, { id: 'id-4', body: bodyOf({ cancel: 'id-2' }) });
  await settled();
  await server.stopAccepting();
  const left: string[] = [];
  await transport.consume(route, { prefetch: 10 }, ({ message }) => left.push(message.id));
  await settled();
  assert.deepEqual(left, ['id-3']);
});

test('RP-38 RP-74 a message that comes again while it runs does not replace it: a cancellation reaches what runs', async () => {
  const aborted = gate();
  let runs = 0;
  const { transport } = await served({
    work({ signal }: RequestContext) {
      runs += 1;
      signal!.addEventListener('abort', aborted.open);
      return aborted.opened;
    },
  });
  for (let time = 0; time < 2; time++) await transport.publish(route, requestMessage('id-1', 'work'));
  await settled();
  await transport.publish(route, { id: 'id-2', body: bodyOf({ cancel: 'id-1' }) });
  await aborted.opened;
  assert.equal(runs, 1);
});

test('RP-86 a broker that is silent when the last consumer is to end holds up a stop for two seconds, and no longer', async () => {
  const cancelled = gate();
  const change = (transport: MemoryTransport): void => {
    const consume = transport.consume.bind(transport);
    transport.consume = async (to, options, onDelivery) => {
      const consumer = await consume(to, options, onDelivery);
      if (to.fanout !== true) return consumer;
      const cancel = (): Promise<void> => {
        cancelled.open();
        return new Promise(() => {});
      };
      return { cancel };
    };
  };
  const { clock, server } = await served({}, { change });
  await server.stopAccepting();
  const over = server.finish(10_000);
  await cancelled.opened;
  for (let second = 0; second < 5; second++) {
    await settled();
    await clock.advance(1000);
  }
  await over;
});

test('RP-62 a method does not run in the asynchronous context of its caller, as it would not in another process', async () => {
  const storage = new AsyncLocalStorage<string>();
  const { client } = await served({ work: () => storage.getStore() ?? 'none' });
  assert.equal(await storage.run('the caller’s', () => client.call({}, 'work')), 'none');
});
