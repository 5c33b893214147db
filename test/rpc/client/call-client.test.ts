import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { type ClientOptions, RPCConnection, RPCService } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { DeliveryFailure, DeliveryUnknown, MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import type { RequestEnvelope } from '../../../dist/extras/rpc/message/envelope.js';
import { recordedLog } from '../../tasks/recorded-log.js';
import { bodyOf, requestIn } from '../bodies.js';
import { gate, networkOf } from '../services.js';

class Images {
  readonly target = { version: '1.5' };
  async resize(context: RequestContext, { id, to }: { id: string; to?: number }): Promise<string> {
    return `${context.userId}: ${id} is ${to ?? 'as it was'}`;
  }
  echo(_context: unknown, args: object): object {
    return args;
  }
  nothing(): void {}
}

test('RP-31 a call gives the result; of<T>() is checked by the compiler', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Images());
  const api = client().of<Images>();
  const context = new RequestContext({ userId: 'me' });
  const text: string = await api.resize(context, { id: 'a', to: 7 });
  assert.equal(text, 'me: a is 7');
  // @ts-expect-error There is no such argument.
  await api.resize(context, { name: 'a' });
  assert.equal(await client().call(context, 'nothing'), null);
  const at = new Date(7);
  assert.deepEqual(await client().call(context, 'echo', { at, list: [{ a: at }], not: undefined }), {
    at,
    list: [{ a: at }],
  });
});

test('RP-2 RP-30 a prepared client has separate options, and the client that it comes from stays what it was', async () => {
  const clock = new FakeClock();
  const transport = new MemoryTransport(new MemoryBroker());
  const connection = new RPCConnection({ transport, clock, log: recordedLog().log });
  const sent: unknown[] = [];
  const arrived = gate();
  transport.publish = async (to, { body }, { ttlMs, mandatory } = {}) => {
    const { method, ns, ver, deadline, monitor }: Partial<RequestEnvelope> = requestIn(body);
    // A call that ends early also sends a cancellation.
    if (method === undefined) return;
    // As JSON on the wire: without undefined members.
    sent.push(JSON.parse(JSON.stringify({ to, method, ns, ver, deadline, monitor, ttlMs, mandatory })));
    if (sent.length === 4) arrived.open();
  };
  const options = { topic: 'images', version: '1.5', timeout: 20 };
  const images = connection.client(options);
  Object.assign(options, { topic: 'other', version: '2.0', timeout: 7 });
  const target = { exchange: 'archive', topic: 'pictures', server: 'north', namespace: 'admin', version: '2.1' };
  const pictures = images.prepare({ ...target, timeout: 5, callMonitorTimeout: 3, ttl: 7, mandatory: false });
  assert.equal(transport.state, 'new');
  await pictures.cast({}, 'note');
  await images.prepare({ fanout: true }).cast({}, 'note');
  const calls = [pictures, images].map((client) => assert.rejects(client.call({}, 'resize'), { name: 'RpcTimeout' }));
  await arrived.opened;
  const given = AbortSignal.abort(new Error('not any more'));
  await assert.rejects(images.prepare({ signal: given }).call({}, 'resize'), /^Error: not any more$/);
  await clock.advance(20_000);
  await Promise.all(calls);
  await images.cast({}, 'note');
  const admin = { ns: 'admin', ver: '2.1' };
  const [toPictures, toImages] = [
    { exchange: 'archive', topic: 'pictures', server: 'north' },
    { exchange: 'portico', topic: 'images' },
  ];
  assert.deepEqual(sent, [
    { to: toPictures, method: 'note', ...admin, ttlMs: 7000, mandatory: false },
    { to: { ...toImages, fanout: true }, method: 'note', ver: '1.5', ttlMs: 3_600_000, mandatory: false },
    { to: toPictures, method: 'resize', ...admin, deadline: 5000, monitor: 3000, ttlMs: 5000, mandatory: false },
    { to: toImages, method: 'resize', ver: '1.5', deadline: 20_000, ttlMs: 20_000, mandatory: true },
    { to: toImages, method: 'note', ver: '1.5', ttlMs: 3_600_000, mandatory: false },
  ]);
  await connection.close();
});

test('RP-3 RP-31 RP-35 what cannot be called is refused before anything is sent', async (t) => {
  const { client } = networkOf(t);

  for (const [options, code] of [
    [{ topic: 'a.b' }, 'PORTICO_RPC_INVALID_TARGET'],
    [{ server: '' }, 'PORTICO_RPC_INVALID_TARGET'],
    [{ server: 'north', fanout: true }, 'PORTICO_RPC_INVALID_TARGET'],
    [{ version: '1' }, 'PORTICO_RPC_INVALID_TARGET'],
    [{ callMonitorTimeout: 1.9 }, 'PORTICO_RPC_OPTION'],
    [{ timeout: -1 }, 'PORTICO_RPC_OPTION'],
    [{ timeout: Infinity }, 'PORTICO_RPC_OPTION'],
    [{ ttl: NaN }, 'PORTICO_RPC_OPTION'],
    // For such a TTL RabbitMQ closes the channel that all publishers share.
    [{ ttl: 1e10 }, 'PORTICO_RPC_OPTION'],
    [{ timeout: 4_294_968 }, 'PORTICO_RPC_OPTION'],
    [{ namespace: 'n'.repeat(256) }, 'PORTICO_RPC_INVALID_TARGET'],
  ] as [Partial<ClientOptions>, string][]) {
    assert.throws(() => client(options), { code }, JSON.stringify(options));
    assert.throws(() => client().prepare(options), { code }, JSON.stringify(options));
  }
  await assert.rejects(client({ fanout: true }).call({}, 'echo'), { code: 'PORTICO_RPC_INVALID_TARGET' });
  // The name is longer than servers accept.
  await assert.rejects(client().call({}, 'm'.repeat(256)), {
    code: 'PORTICO_RPC_INVALID_TARGET',
    message: /^the method m{40}… has 256 characters: 255 are allowed/,
  });
});

test('RP-37 RP-48 a target without a queue is refused at once, a cast to no host in particular is not', async (t) => {
  const { client } = networkOf(t);

  const refused = { code: 'PORTICO_RPC_NO_SERVERS', message: 'there is no queue for images (exchange portico)' };
  await assert.rejects(client().call({}, 'echo'), refused);
  await assert.rejects(client({ server: 'east' }).cast({}, 'note'), { code: 'PORTICO_RPC_NO_SERVERS' });
  await client().cast({}, 'note');
  await assert.rejects(client().prepare({ mandatory: true }).cast({}, 'note'), refused);
});

test('RP-40 RP-46 a version that the service has not is refused by it; RP-42 a cap refuses locally', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Images());
  const api = client({ version: '1.5' });
  assert.deepEqual(await api.call({}, 'echo'), {});
  await assert.rejects(api.prepare({ version: '1.6' }).call({}, 'echo'), {
    code: 'PORTICO_RPC_UNSUPPORTED_VERSION',
    message: '"echo" was requested in version 1.6: there is 1.5',
    remote: true,
  });
  const capped = api.prepare({ versionCap: '1.4' });
  assert.deepEqual(await Promise.all([capped.canSend('1.4'), capped.canSend('1.5'), api.canSend('9.9')]), [
    true,
    false,
    true,
  ]);
  await assert.rejects(capped.call({}, 'echo'), { code: 'PORTICO_RPC_VERSION_CAP' });
  await assert.rejects(capped.cast({}, 'echo'), { code: 'PORTICO_RPC_VERSION_CAP' });
  assert.deepEqual(await capped.prepare({ version: '1.4' }).call({}, 'echo'), {});
});

test('RP-33 a handler passes what is left of its time to the calls it makes', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  const { log } = recordedLog();
  const connection = new RPCConnection({ transport, log });
  class Middle {
    async ask(): Promise<unknown> {
      return connection.client({ topic: 'inner' }).call({}, 'work');
    }
  }
  const service = RPCService.create({
    binary: 'portico-images',
    registration: null,
    manager: new Middle(),
    transport,
    log,
  });
  await service.start();
  const read: RequestEnvelope[] = [];
  await transport.consume({ exchange: 'portico', topic: 'inner' }, { prefetch: 1 }, ({ message: { body }, ack }) => {
    const request = requestIn(body);
    read.push(request);
    void ack();
    const { to, id } = request.reply!;
    void transport.publish(to, { id: 'id-1', body: bodyOf({ id, result: 'done' }) });
  });
  assert.equal(await connection.client({ topic: 'images', timeout: 50 }).call({}, 'ask'), 'done');
  assert.ok(read[0]!.deadline! <= 50_000, `${read[0]!.deadline}: 60 s were usual`);
  await service.stop();
  await connection.close();
});

test('RP-36 what does not reach the broker is sent again, what may have reached it is not', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  const { log } = recordedLog();
  const ini = '[rpc]\nretry_interval = 0.001\n';
  const connection = new RPCConnection({ transport, log, config: Config.fromText(ini) });
  await transport.connect();
  let got = 0;
  const enough = gate();
  await transport.consume({ exchange: 'portico', topic: 'images' }, { prefetch: 10 }, ({ ack }) => {
    got++;
    void ack().then(() => got === 2 && enough.open());
  });
  const failure = new DeliveryFailure({ message: 'away' });
  const client = connection.client({ topic: 'images' });
  transport.failNext(failure, failure);
  await client.cast({}, 'note');
  transport.failNext(failure, failure);
  await assert.rejects(client.prepare({ retry: 1 }).cast({}, 'note'), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  transport.failNext(new DeliveryUnknown({ message: 'lost' }));
  await assert.rejects(client.cast({}, 'note'), { code: 'PORTICO_RPC_DELIVERY_UNKNOWN' });
  await enough.opened;
  await connection.close();
  assert.equal(transport.state, 'connected');
});

class Failing {
  result(): unknown {
    return { file: Symbol('x') };
  }
}

test('RP-59 a result that cannot travel is the caller’s SerializationError, and no timeout', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Failing());
  await assert.rejects(client().call({}, 'result'), {
    code: 'PORTICO_NOT_PLAIN',
    message: 'the result of Failing.result: it contains other than plain data: result.file: a symbol',
  });
});

test('an option that a client does not have is refused, with the nearest name', async (t) => {
  const { client } = networkOf(t);

  const wrong = { timeuot: 5 } as ClientOptions & { timeuot: number };
  const refused = {
    code: 'PORTICO_RPC_OPTION',
    message: 'a client has no option "timeuot"',
    hint: 'Did you mean "timeout"?',
  };
  assert.throws(() => client(wrong), refused);
  assert.throws(() => client().prepare(wrong), refused);
});

test('RP-38 an abort reaches a method, and after it nothing is sent', async (t) => {
  const { serve, client } = networkOf(t);

  const ended = gate();
  const began = gate();
  let runs = 0;
  class Continuing {
    async wait({ signal }: RequestContext): Promise<void> {
      runs++;
      signal!.addEventListener('abort', ended.open);
      began.open();
      await ended.opened;
    }
  }
  await serve(new Continuing());
  const abort = new AbortController();
  const stoppable = client({ signal: abort.signal });
  const call = stoppable.call({}, 'wait');
  await began.opened;
  abort.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
  await ended.opened;
  await assert.rejects(stoppable.call({}, 'wait'), /^Error: enough$/);
  assert.equal(runs, 1);
});

test('RP-23 a message is known to the broker by the id that its receiver sees', async () => {
  const broker = new MemoryBroker({ manual: true });
  const connection = new RPCConnection({ transport: new MemoryTransport(broker) });
  await connection.client({ topic: 'images' }).cast({}, 'note');
  const { message } = broker.published[0]!;
  assert.equal(requestIn(message.body).id, message.id);
  await connection.close();
});

test('RP-12 what is no context, no method or no arguments by name is refused where it is sent', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Images());
  for (const [context, method, args, name] of [
    [{}, 'echo', ['a', 7], 'args'],
    [{}, 'echo', 'a', 'args'],
    [{}, 'echo', null, 'args'],
    ['me', 'echo', {}, 'context'],
    [{}, undefined, {}, 'method'],
  ] as [object, string, object, string][]) {
    const refused = { code: 'PORTICO_NOT_PLAIN', message: new RegExp(`: its ${name} cannot be sent$`) };
    await assert.rejects(client().call(context, method, args), refused);
    await assert.rejects(client().cast(context, method, args), refused);
  }
});
