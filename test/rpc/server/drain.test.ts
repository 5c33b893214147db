import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { RPCConnection, RPCService, rpc } from 'portico/rpc';
import { DeliveryFailure, MemoryBroker, MemoryTransport, ServerShuttingDown } from '#internal/extras/rpc';
import { recordedLog } from '../../tasks/recorded-log.js';
import { gate, type Network, networkOf } from '../services.js';

class Slow {
  readonly began = gate();
  readonly go = gate();
  readonly begun: string[] = [];
  async work(_context: unknown, { id }: { id: string }): Promise<string> {
    this.begun.push(id);
    this.began.open();
    await this.go.opened;
    return `${id} done`;
  }
}

class SlowAndLate extends Slow {
  @rpc({ ack: 'late', idempotent: true })
  override work(context: unknown, args: { id: string }): Promise<string> {
    return super.work(context, args);
  }
}

test('RP-76 no more calls are held than can begin: a crash counts only for what had begun', async () => {
  const transport = new MemoryTransport(new MemoryBroker());
  await transport.connect();
  const { log } = recordedLog();
  const config = Config.fromText('[rpc]\nexecutor_pool_size = 2\n');
  const held: number[] = [];
  const consume = transport.consume.bind(transport);
  transport.consume = (route, { prefetch }, onDelivery) => {
    held.push(prefetch);
    return consume(route, { prefetch }, onDelivery);
  };
  for (const manager of [new SlowAndLate(), new Slow()]) {
    const options = { binary: 'portico-images', host: 'north', registration: null, transport, log, config };
    const service = RPCService.create({ ...options, manager });
    await service.start();
    await service.stop();
  }
  assert.deepEqual(held, [2, 2, 2, 2, 2, 2]);
});

test('RP-78 with start_without_broker a service runs without its broker, and takes calls once that is there', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  /** Settles as the start does, which waits 60 s for its broker. */
  const waited = async (start: Promise<void>): Promise<void> => {
    let over = false;
    const end = (): void => {
      over = true;
    };
    start.then(end, end);
    while (!over) {
      await new Promise((resolve) => setImmediate(resolve));
      t.mock.timers.tick(10_000);
    }
    await start;
  };
  const { log, messages } = recordedLog();
  const reached = gate();
  class Away extends MemoryTransport {
    override async connect(signal?: AbortSignal): Promise<void> {
      const late = new Promise((resolve) => signal?.addEventListener('abort', resolve));
      if (await Promise.race([reached.opened.then(() => false), late.then(() => true)]))
        throw new DeliveryFailure({ message: 'it is away' });
      await super.connect();
    }
  }
  const transport = new Away(new MemoryBroker());
  const manager = { work: (_context: unknown, { id }: { id: number }) => id };
  const options = { binary: 'portico-images', host: 'north', registration: null, transport, log, manager };
  const configured = (ini: string) => ({ ...options, config: Config.fromText(`[rpc]\n${ini}`) });
  await assert.rejects(waited(RPCService.create(configured('')).start()), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  const service = RPCService.create(configured('start_without_broker = true\n'));
  await waited(service.start());
  assert.deepEqual(service.meter.troubles(), ['remote calls: there is no connection to memory:// yet']);
  assert.ok(messages().some((line) => line.startsWith('images starts without its broker')));
  // A stop before the broker is reachable.
  await service.stop({ graceful: true });
  await waited(service.start());
  reached.open();
  while (!messages().includes('images accepts calls now')) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(service.meter.troubles(), []);
  const connection = new RPCConnection({ transport, log });
  assert.equal(await connection.client({ topic: 'images' }).call({}, 'work', { id: 7 }), 7);
  await connection.close();
  await service.stop({ graceful: true });
});

test('RP-51 RP-86 what does not end in time gets its signal, and its caller learns that it had begun', async (t) => {
  const { serve, client, log } = networkOf(t);

  const began = gate();
  let signal: AbortSignal | undefined;
  class Stuck {
    async polite(context: RequestContext): Promise<string> {
      signal = context.signal;
      await new Promise((resolve) => signal!.addEventListener('abort', resolve));
      return 'ended early';
    }
    async stuck(): Promise<never> {
      began.open();
      return new Promise(() => {});
    }
  }
  const service = await serve(new Stuck());
  const calls = [client().call({}, 'polite'), client().call({}, 'stuck')];
  const told = assert.rejects(calls[1]!, {
    code: 'PORTICO_RPC_SHUTTING_DOWN',
    started: true,
    message: 'images on north ended before the method did',
  });
  await began.opened;
  await assert.rejects(async () => service.stop({ graceful: true, deadlineMs: 10 }), {
    code: 'PORTICO_STOP_DEADLINE',
  });
  assert.equal(await calls[0], 'ended early');
  await told;
  assert.equal((signal!.reason as { code: string }).code, 'PORTICO_RPC_SHUTTING_DOWN');
  assert.ok(log.messages().some((line) => line.includes('Stuck.stuck')));
});

/** Cancels a running call during the drain, while one fanout waits behind it and two more arrive. */
async function cancelsWhileItDrains({ serve, client, log }: Network): Promise<void> {
  const [began, draining, aborted] = [gate(), gate(), gate()];
  const noted: string[] = [];
  class Cancelled {
    async work({ signal }: RequestContext): Promise<void> {
      signal!.addEventListener('abort', aborted.open);
      began.open();
      await aborted.opened;
    }
    note(_context: unknown, { id }: { id: string }): void {
      noted.push(id);
    }
    gracefulShutdown(): void {
      draining.open();
    }
  }
  const service = await serve(new Cancelled(), { ini: '[rpc]\nexecutor_pool_size = 1\n' });
  const abort = new AbortController();
  const call = client({ signal: abort.signal }).call({}, 'work');
  await began.opened;
  const everywhere = client({ fanout: true });
  await everywhere.cast({}, 'note', { id: 'before' });
  const stopped = service.stop({ graceful: true, deadlineMs: 60_000 });
  await draining.opened;
  for (const id of ['while', 'after']) await everywhere.cast({}, 'note', { id });
  abort.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
  await aborted.opened;
  await stopped;
  assert.deepEqual(noted, []);
  const dropped = log
    .messages()
    .filter((line) => /^note: message \S+ was dropped, the service is stopping$/.test(line));
  assert.equal(dropped.length, 3);
}

test('RP-38 RP-86 a cancellation reaches a method while its service drains; fanouts are not begun then', (t) =>
  cancelsWhileItDrains(networkOf(t)));

test('RP-51 RP-58 a method that ends in _ignore_errors and is cut off has not failed: its caller learns of it', async (t) => {
  const { serve, client } = networkOf(t);

  const began = gate();
  const service = await serve({
    stuck_ignore_errors(): Promise<never> {
      began.open();
      return new Promise(() => {});
    },
  });
  const call = client().call({}, 'stuck_ignore_errors');
  const told = assert.rejects(call, { code: 'PORTICO_RPC_SHUTTING_DOWN', started: true });
  await began.opened;
  await service.stop();
  await told;
});

test('RP-57 a method that fails because a service it called ended is a fault, one that is cut off is not', async (t) => {
  const { serve, client, log } = networkOf(t);

  const began = gate();
  const service = await serve({
    fails(): never {
      throw Object.assign(new ServerShuttingDown({ message: 'volumes on south ended' }), { remote: true });
    },
    cutOff({ signal }: RequestContext): Promise<never> {
      began.open();
      return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error)));
    },
  });
  const ended = { code: 'PORTICO_RPC_SHUTTING_DOWN' };
  await assert.rejects(client().call({}, 'fails'), ended);
  const told = assert.rejects(client().call({}, 'cutOff'), ended);
  await began.opened;
  await service.stop();
  await told;
  const faults = log.lines.filter(({ level }) => level === 'error').map(({ msg }) => msg);
  assert.deepEqual(faults, ['endpoint.fails failed']);
});
