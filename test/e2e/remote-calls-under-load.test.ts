/** Remote call servers as processes, over RabbitMQ: one is killed, all are restarted, workers are replaced, while calls continue. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as rest } from 'node:timers/promises';
import { type RPCClient, RPCConnection } from 'portico/rpc';
import { silentLogger } from '#internal/log';
import { until } from '../fixtures/until.js';
import { brokerUrl, deleteTopic, brokerTest as test, withBroker } from '../rpc/transport/amqp/broker.js';
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

function ground(t: TestContext): Ground {
  const exchange = `load-${randomUUID().slice(0, 8)}`;
  const url = `${brokerUrl}?exchange=${exchange}`;
  const { folder } = emptyProject({
    'main.js': MAIN,
    'portico.ini': `[rpc]\ntransport_url = ${url}\nexecutor_pool_size = ${POOL}\n[servicegroup]\ndriver = memory\n`,
  });
  const programs: Program[] = [];
  const connection = new RPCConnection({ transport: url, log: silentLogger() });
  t.after(async () => {
    await connection.close();
    await Promise.all(programs.map((program) => program.end()));
    await deleteTopic(exchange, 'images', ['north', 'south']);
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

/** Pause of a caller between calls. Without it the callers use the CPU time that starting servers need. */
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
    const wanted = this.calls + count;
    await Promise.race([
      until(
        () => this.calls,
        (calls) => calls >= wanted,
      ),
      ...this.#callers,
    ]);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }
}

test('RP-70 RP-98 of 1000 queued messages and two servers one is killed: none is lost but those that it was running', async (t) => {
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
  await until(
    () => both.map((program) => idsOf(program, 'done').length),
    (counts) => counts.some((count) => count >= 50),
  );
  const [killed, other] = both.sort((one, next) => Number(isBusy(next)) - Number(isBusy(one))) as [Program, Program];
  killed.kill('SIGKILL');
  await killed.ended;
  const done = (): ReadonlySet<string> => new Set([...idsOf(killed, 'done'), ...idsOf(other, 'done')]);
  await until(
    () => done().size,
    (count) => count >= ids.length - POOL,
  );
  await other.stop();
  const left = await withBroker((connection) => connection.queueDeclare({ queue, passive: true }));
  const lost = ids.filter((id) => !done().has(id));
  assert.ok(lost.length - left.messageCount <= POOL, `lost: ${lost.join(' ')}; left: ${left.messageCount}`);
  // The other server does not run a begun message again, unless its acknowledgement was not written yet.
  const twice = idsOf(other, 'begun').filter((id) => idsOf(killed, 'done').includes(id));
  assert.ok(twice.length <= POOL, `run twice: ${twice.join(' ')}`);
  assert.equal(new Set(idsOf(other, 'begun')).size, idsOf(other, 'begun').length);
});

test('RP-86 RP-89 RP-98 under load two workers are replaced by a reload, then each host is stopped, and no call fails', async (t) => {
  const { serve, client } = ground(t);
  const [workers, south] = [serve('north', 2), serve('south')];
  await Promise.all([
    until(
      () => pidsOf(workers).size,
      (count) => count === 2,
    ),
    south.printed(serves),
  ]);
  const load = new Load(client);
  await load.more(50);
  const from = workers.output().length;
  workers.kill('SIGHUP');
  const [told] = await workers.printed(/^.*"event":"reload".*$/m, from);
  assert.match(told, /accepted/);
  await load.more(50);
  assert.equal(pidsOf(workers).size, 4);
  for (const program of [south, workers]) {
    await program.stop();
    assert.deepEqual(idsOf(program, 'begun').toSorted(), idsOf(program, 'done').toSorted());
    await load.more(50);
    if (program === south) await serve('south').printed(serves);
    await load.more(50);
  }
  await load.end();
});
