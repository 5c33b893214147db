/** Remote call servers as processes, over RabbitMQ: one is killed, all are restarted, workers are replaced, while calls continue. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { type RPCClient, RPCConnection } from 'portico/rpc';
import { silentLogger } from '#internal/log';
import { brokerUrl, deleteTopic, withBroker, withoutBroker } from '../rpc/transport/amqp/broker.js';
import { emptyProject, Program } from './program.js';

/** Serves `images` on the given host; each run of a method prints a line. */
const MAIN = `
import { writeSync } from 'node:fs';
import { Config, createLogger } from 'portico';
import { ProcessLauncher, ServiceLauncher } from 'portico/launch';
import { RPCService } from 'portico/rpc';
class Images {
  async size(_, { id }) {
    writeSync(1, 'begun ' + id + '\\n');
    await new Promise((resolve) => setTimeout(resolve, 5));
    writeSync(1, 'done ' + id + '\\n');
    return id;
  }
  hold(_, { id }) {
    writeSync(1, 'begun ' + id + '\\n');
    return new Promise(() => {});
  }
  postStartHook() { writeSync(1, 'serves ' + process.pid + '\\n'); }
}
const [host, workers] = process.argv.slice(2);
const config = await Config.load({ files: ['portico.ini'], argv: [], env: {} });
const log = createLogger({ format: 'json' });
const service = RPCService.create({ binary: 'portico-images', host, manager: Images, config, log });
const Launcher = workers === '1' ? ServiceLauncher : ProcessLauncher;
const launcher = new Launcher({ config, log });
await launcher.launchService(service, { workers: Number(workers) });
process.exitCode = await launcher.wait();
`;

/** The number of calls a server runs at a time. */
const POOL = 8;

interface Ground {
  readonly queue: string;
  readonly client: RPCClient;
  serve(host: string, workers?: number): Program;
}

function ground(t: TestContext, more = ''): Ground {
  const exchange = `load-${randomUUID().slice(0, 8)}`;
  const url = `${brokerUrl}?exchange=${exchange}`;
  const { folder, remove } = emptyProject({
    'main.js': MAIN,
    'portico.ini': `[rpc]\ntransport_url = ${url}\nexecutor_pool_size = ${POOL}\n${more}[servicegroup]\ndriver = memory\n`,
  });
  const programs: Program[] = [];
  const connection = new RPCConnection({ transport: url, log: silentLogger() });
  t.after(async () => {
    await connection.close();
    await Promise.all(programs.map((program) => program.end()));
    await deleteTopic(exchange, 'images', ['north', 'south']);
    remove();
  });
  return {
    queue: `${exchange}.images`,
    client: connection.client({ topic: 'images' }),
    serve(host, workers = 1) {
      const program = new Program(process.execPath, ['main.js', host, String(workers)], { cwd: folder });
      programs.push(program);
      return program;
    },
  };
}

const serves = /^serves \d+$/m;

function idsOf({ stdout }: Program, what: 'begun' | 'done'): string[] {
  return [...stdout.matchAll(new RegExp(`^${what} (.+)$`, 'gm'))].map(([, id]) => id!);
}

function pidsOf({ stdout }: Program): ReadonlySet<string> {
  return new Set([...stdout.matchAll(/^serves (\d+)$/gm)].map(([, pid]) => pid!));
}

/** Waits until the check holds. */
async function soon(is: () => boolean): Promise<void> {
  while (!is()) await rest(30);
}

/** Pause of a caller between calls. Without it the callers use the processor time that starting servers need. */
const REST_MS = 20;

/** Callers that send one call after another until the load is stopped. */
class Load {
  calls = 0;
  readonly #callers: Promise<void>[];
  #isOver = false;

  constructor(client: RPCClient) {
    this.#callers = Array.from({ length: 6 }, async (_, caller) => {
      for (let call = 0; !this.#isOver; call++) {
        const id = `${caller}-${call}`;
        assert.equal(await client.call({}, 'size', { id }), id);
        this.calls += 1;
        await rest(REST_MS);
      }
    });
  }

  /** Settles after this many more results. Rejects with the first failure. */
  async more(count: number): Promise<void> {
    const until = this.calls + count;
    await Promise.race([soon(() => this.calls >= until), ...this.#callers]);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }
}

test('RP-70 RP-98 of 1000 queued messages and two servers one is killed: none is lost but those that it was running', {
  skip: withoutBroker,
}, async (t) => {
  const { serve, client, queue } = ground(t);
  const first = serve('north');
  await first.printed(serves);
  first.kill('SIGTERM');
  await first.ended;
  const ids = Array.from({ length: 1000 }, (_, at) => `id-${at}`);
  await Promise.all(ids.map((id) => client.prepare({ mandatory: true }).cast({}, 'size', { id })));
  const both = [serve('north'), serve('south')];
  // One that starts later may find few messages left.
  const isBusy = (program: Program): boolean => idsOf(program, 'done').length >= 50;
  await soon(() => both.some(isBusy));
  const [killed, other] = both.sort((one, next) => Number(isBusy(next)) - Number(isBusy(one))) as [Program, Program];
  killed.kill('SIGKILL');
  await killed.ended;
  const done = (): ReadonlySet<string> => new Set([...idsOf(killed, 'done'), ...idsOf(other, 'done')]);
  await soon(() => done().size >= ids.length - POOL);
  other.kill('SIGTERM');
  assert.deepEqual(await other.ended, { code: 0, signal: null });
  const left = await withBroker((connection) => connection.queueDeclare({ queue, passive: true }));
  const lost = ids.filter((id) => !done().has(id));
  assert.ok(lost.length - left.messageCount <= POOL, `lost: ${lost.join(' ')}; left: ${left.messageCount}`);
  // The other server does not run a begun message again, unless its acknowledgement was not written yet.
  const twice = idsOf(other, 'begun').filter((id) => idsOf(killed, 'done').includes(id));
  assert.ok(twice.length <= POOL, `run twice: ${twice.join(' ')}`);
  assert.equal(new Set(idsOf(other, 'begun')).size, idsOf(other, 'begun').length);
});

test('RP-83 the caller of a method whose server is killed hears that it gives no sign of life, and no other server runs the method', {
  skip: withoutBroker,
}, async (t) => {
  const { serve, client, queue } = ground(t, 'prefetch = 1\n');
  const killed = serve('north');
  await killed.printed(serves);
  const call = client.prepare({ callMonitorTimeout: 5 }).call({}, 'hold', { id: 'held' });
  const told = assert.rejects(call, { code: 'PORTICO_RPC_TIMEOUT', monitor: true });
  await killed.printed(/^begun held$/m);
  // The prefetch is one: this call arrives only when the broker has the acknowledgement of the first.
  assert.equal(await client.call({}, 'size', { id: 'next' }), 'next');
  killed.kill('SIGKILL');
  await killed.ended;
  const other = serve('south');
  await other.printed(serves);
  assert.equal(await client.call({}, 'size', { id: 'last' }), 'last');
  await told;
  other.kill('SIGTERM');
  assert.deepEqual(await other.ended, { code: 0, signal: null });
  assert.deepEqual(idsOf(other, 'begun'), ['last']);
  const left = await withBroker((connection) => connection.queueDeclare({ queue, passive: true }));
  assert.equal(left.messageCount, 0);
});

test('RP-89 RP-98 of two hosts under load each is stopped and started again, and no call fails', {
  skip: withoutBroker,
}, async (t) => {
  const { serve, client } = ground(t);
  const programs = new Map(['north', 'south'].map((host) => [host, serve(host)]));
  await Promise.all([...programs.values()].map((program) => program.printed(serves)));
  const load = new Load(client);
  await load.more(50);
  for (const [host, program] of programs) {
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
    assert.deepEqual(idsOf(program, 'begun').toSorted(), idsOf(program, 'done').toSorted());
    await load.more(50);
    await serve(host).printed(serves);
    await load.more(50);
  }
  await load.end();
});

test('RP-86 RP-98 of two workers under load each is replaced by a reload, and no call fails', {
  skip: withoutBroker,
}, async (t) => {
  const { serve, client } = ground(t);
  const program = serve('north', 2);
  await soon(() => pidsOf(program).size === 2);
  const load = new Load(client);
  await load.more(50);
  const from = program.output().length;
  program.kill('SIGHUP');
  const [told] = await program.printed(/^.*"event":"reload".*$/m, from);
  assert.match(told, /accepted/);
  await load.more(50);
  await load.end();
  assert.equal(pidsOf(program).size, 4);
  assert.deepEqual(idsOf(program, 'begun').toSorted(), idsOf(program, 'done').toSorted());
  program.kill('SIGTERM');
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});
