import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { RPCService, type RPCServiceOptions, rpc, untracked } from 'portico/rpc';
import { MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { recordedLog } from '../tasks/recorded-log.js';

class Images {
  async resize(context: unknown, { id, to }: { id: string; to: number }): Promise<string> {
    return `${String((context as { user: string }).user)} ${id} ${to}`;
  }
  size(): number {
    return 7;
  }
  fails(): never {
    throw new Error('no such image');
  }
  initHost(): void {}
}

/** Returns a transport and its broker, which records messages and delivers only on request. */
function manual(): { broker: MemoryBroker; transport: MemoryTransport } {
  const broker = new MemoryBroker({ manual: true });
  return { broker, transport: new MemoryTransport(broker) };
}

function service(manager: object = new Images(), options: RPCServiceOptions = {}): RPCService {
  const { log } = recordedLog();
  return RPCService.create({ binary: 'portico-images', host: 'north', registration: null, manager, log, ...options });
}

test('MG-3 LC-1348 work for this host is a call of the manager, and nothing is sent', async () => {
  const { broker, transport } = manual();
  const images = service(new Images(), { transport });
  await images.start();
  const api = images.api<Images>();
  assert.equal(await api.resize({ user: 'me' }, { id: 'a', to: 3 }), 'me a 3');
  assert.equal(await api.on('north').size(), 7);
  await assert.rejects(api.fails(), /no such image/);
  assert.deepEqual(broker.published, []);
  await images.stop();
});

test('MG-3 LC-1348 work for another host is a remote call there, by the same names', async () => {
  const transport = 'memory://manager-api';
  const north = service(new Images(), { transport });
  const south = service(new Images(), { transport, host: 'south' });
  await Promise.all([north.start(), south.start()]);
  const there = north.api<Images>().on('south');
  assert.equal(await there.size(), 7);
  await assert.rejects(there.fails(), {
    code: 'PORTICO_RPC_REMOTE_ERROR',
    message: 'no such image',
    remoteHost: 'south',
  });
  await assert.rejects(north.api<Images>().on('east').size(), { code: 'PORTICO_RPC_NO_SERVERS' });
  await Promise.all([north.stop(), south.stop()]);
});

test('MG-3 an error that a method declares as expected comes back from another host as what it is', async () => {
  class NotFound extends Error {}
  class Named {
    readonly target = { namespace: 'images', version: '2.3' };
    @rpc({ expected: [NotFound] })
    find(): never {
      throw new NotFound('no such image');
    }
  }
  const transport = 'memory://expected-errors';
  const north = service(new Named(), { transport });
  const south = service(new Named(), { transport, host: 'south' });
  await Promise.all([north.start(), south.start()]);
  const api = north.api<Named>();
  await assert.rejects(api.find(), NotFound);
  await assert.rejects(api.on('south').find(), NotFound);
  await Promise.all([north.stop(), south.stop()]);
});

test('MG-3 RP-58 errors of a method that ends in _ignore_errors are logged, and its caller gets null, here as well as there', async () => {
  class NotFound extends Error {}
  class Cache {
    async drop_ignore_errors(_context: unknown): Promise<void> {
      throw new Error('no cache');
    }
    @rpc({ expected: [NotFound], args: { properties: {} } })
    find_ignore_errors(_context: unknown, _args?: { id?: number }): void {
      throw new NotFound('no entry');
    }
    @untracked
    touch_ignore_errors(_context: unknown): void {
      throw new Error('no file');
    }
  }
  const transport = 'memory://ignored-errors';
  const hosts = ['north', 'south'].map((host) => ({ host, ...recordedLog() }));
  const services = hosts.map(({ host, log }) => service(new Cache(), { transport, host, log }));
  await Promise.all(services.map((each) => each.start()));
  const api = services[0]!.api<Cache>();
  const context = { requestId: 'req-1' };
  for (const { host, lines } of hosts) {
    const there = api.on(host);
    assert.equal(await there.drop_ignore_errors(context), null, host);
    assert.equal(await there.find_ignore_errors(context), null, host);
    assert.equal(await there.touch_ignore_errors(context), null, host);
    const told = lines.filter(({ msg }) => msg.startsWith('Cache.') && !msg.endsWith('done'));
    assert.deepEqual(
      told.map(({ level, msg, err }) => [level, msg, err?.message]),
      [
        ['error', 'Cache.drop_ignore_errors failed', 'no cache'],
        ['debug', 'Cache.find_ignore_errors: no entry', undefined],
        ['error', 'Cache.touch_ignore_errors failed', 'no file'],
      ],
      host,
    );
    assert.equal((told[0] as unknown as { request_id: string }).request_id, 'req-1');
    await assert.rejects(there.find_ignore_errors({}, { id: 1 }), { code: 'PORTICO_RPC_BAD_ARGUMENTS' });
  }
  await Promise.all(services.map((each) => each.stop()));
});

test('MG-3 RP-42 levels of an upgrade do not hold up what every service of the major has', async () => {
  for (const level of ['auto', 'autumn', '2.3']) {
    const transport = `memory://levels-${level}`;
    const config = Config.fromText(`[upgrade_levels]\nimages = ${level}\n`);
    const north = service(new Images(), { transport, config });
    const south = service(new Images(), { transport, config, host: 'south' });
    await Promise.all([north.start(), south.start()]);
    assert.equal(await north.api<Images>().on('south').size(), 7);
    await Promise.all([north.stop(), south.stop()]);
  }
});

test('MG-3 LC-1348 arguments are plain data, here as well as there', async () => {
  const { broker, transport } = manual();
  const images = service(new Images(), { transport });
  await images.start();
  const api = images.api<{ resize(context: unknown, args: object): string }>();
  class Image {}
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const [args, found] of [
    [{ image: { save: () => {} } }, 'args.image.save: a function'],
    [{ image: new Image() }, 'args.image: an instance of Image'],
    [{ list: [1, 2 ** 60] }, 'args.list.1: 1152921504606847000, a whole number beyond 2\\^53: give a bigint'],
    [circle, 'args.self: a circle'],
  ] as const) {
    for (const calls of [api, api.on('south')]) {
      await assert.rejects(calls.resize({}, args), { code: 'PORTICO_NOT_PLAIN', message: new RegExp(`: ${found}$`) });
    }
  }
  assert.deepEqual(broker.published, []);
  await images.stop();
});

test('MG-3 a name the manager does not expose is refused with the nearest; before the start nothing can be called', async () => {
  const images = service(Images);
  const api = images.api<{ resise(): void; initHost(): void; size(): number }>();
  await assert.rejects(api.size(), { code: 'PORTICO_NOT_STARTED' });
  await images.start();
  await assert.rejects(api.resise(), { code: 'PORTICO_RPC_NO_SUCH_METHOD', hint: 'Did you mean "resize"?' });
  await assert.rejects(api.initHost(), { code: 'PORTICO_RPC_NO_SUCH_METHOD' });
  assert.equal(await Promise.resolve(api).then((same) => same.size()), 7);
  await images.stop();
  await assert.rejects(api.size(), { code: 'PORTICO_NOT_STARTED' });
});

test('MG-21 calls are tracked under their names until they end, those marked @untracked are not', async () => {
  const ends: (() => void)[] = [];
  class Slow {
    copy(): Promise<void> {
      return new Promise((resolve) => ends.push(resolve));
    }
    @untracked
    poll(): Promise<void> {
      return new Promise((resolve) => ends.push(resolve));
    }
  }
  const images = service(new Slow());
  await images.start();
  const api = images.api<{ copy(context: unknown): void; poll(context: unknown): void }>();
  const calls = [api.copy({ requestId: 'req-1' }), api.poll({ requestId: 'req-2' })];
  assert.deepEqual(
    images.describeWork().map((line) => line.replace(/, since .*/, '')),
    ['task Slow.copy (for req-1'],
  );
  for (const end of ends) end();
  await Promise.all(calls);
  assert.deepEqual(images.describeWork(), []);
  await images.stop();
});
