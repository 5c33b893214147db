/**
 * Faults of RabbitMQ under a load of publishers and consumers. Closing single connections disturbs only this test. Faults that stop or
 * block the whole broker run only in the long run (`node test/run.mjs --long rpc/transport/amqp/broker-faults`), with no other test
 * beside it.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type Route, RPCConnection, type Transport } from 'portico/rpc';
import { silentLogger } from '#internal/log';
import { isLong, printFigures, seconds } from '../../../e2e/faults/figures.js';
import { brokerTest, brokerUrl, deleteTopic, rabbitmqctl, withoutBroker } from './broker.js';
import { Deliveries, entered, ground, textMessage, textOf } from './open-broker.js';

/** The timeout of one publish, in milliseconds. */
const TIMEOUT_MS = 2000;

const disturbing = withoutBroker || (isLong ? false : 'it disturbs the whole broker: node test/run.mjs --long');

interface Outcome {
  confirmed: number;
  failed: number;
  unknown: number;
  longestMs: number;
  redelivered: number;
  /**
   * Number of messages that ran more than once although they were sent once, because the connection was lost after an acknowledgement
   * was written.
   */
  repeated: number;
}

/** Publishers that send each message until it is confirmed, and a consumer that acknowledges before it runs a message. */
class Load {
  readonly outcome: Outcome = { confirmed: 0, failed: 0, unknown: 0, longestMs: 0, redelivered: 0, repeated: 0 };
  readonly #confirmed = new Set<string>();
  readonly #sentAgain = new Set<string>();
  readonly #run = new Map<string, number>();
  readonly #route: Route;
  readonly #publishers: Promise<void>[] = [];
  #isStopped = false;
  #arrived = (): void => {};

  constructor(route: Route) {
    this.#route = route;
  }

  async start(publishing: Transport, consuming: Transport, publishers = 4): Promise<void> {
    await consuming.consume(this.#route, { prefetch: 16 }, ({ message, redelivered, ack }) => {
      if (redelivered) this.outcome.redelivered += 1;
      ack().then(
        () => {
          this.#run.set(message.id, (this.#run.get(message.id) ?? 0) + 1);
          this.#arrived();
        },
        () => {},
      );
    });
    for (let at = 0; at < publishers; at++) this.#publishers.push(this.#publish(publishing));
  }

  /** Waits until this many more messages are confirmed. */
  async more(count: number): Promise<void> {
    const until = this.outcome.confirmed + count;
    while (this.outcome.confirmed < until) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Stops the publishers, waits until every confirmed message has run, and returns the outcome. */
  async stop(): Promise<Outcome> {
    this.#isStopped = true;
    await Promise.all(this.#publishers);
    const missing = (): string[] => [...this.#confirmed].filter((id) => !this.#run.has(id));
    while (missing().length > 0) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    this.outcome.confirmed = this.#confirmed.size;
    this.outcome.repeated = [...this.#run].filter(([id, times]) => times > 1 && !this.#sentAgain.has(id)).length;
    return this.outcome;
  }

  async #publish(transport: Transport): Promise<void> {
    while (!this.#isStopped) {
      const message = { id: randomUUID(), body: Buffer.from('x') };
      for (;;) {
        const begun = performance.now();
        const outcome = await transport
          .publish(this.#route, message, { mandatory: true, timeoutMs: TIMEOUT_MS })
          .then(() => 'confirmed' as const)
          .catch(({ code }: { code: string }) => {
            if (code === 'PORTICO_RPC_DELIVERY_UNKNOWN') return 'unknown' as const;
            assert.equal(code, 'PORTICO_RPC_DELIVERY_FAILURE');
            return 'failed' as const;
          });
        this.outcome.longestMs = Math.max(this.outcome.longestMs, performance.now() - begun);
        this.outcome[outcome] += 1;
        if (outcome === 'confirmed') {
          this.#confirmed.add(message.id);
          break;
        }
        if (outcome === 'unknown') this.#sentAgain.add(message.id);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

/** Causes a fault under load, and prints the outcome. */
async function underLoad(
  t: TestContext,
  row: string,
  fault: (transport: Transport, name: string) => Promise<void>,
): Promise<Outcome> {
  const { route, open } = ground(t);
  const options = { clientName: route.exchange };
  const [publishing, consuming] = [await open(brokerUrl, options), await open(brokerUrl, options)];
  const load = new Load(route);
  await load.start(publishing, consuming);
  await load.more(50);
  const begun = performance.now();
  await fault(publishing, route.exchange);
  await load.more(50);
  const lasted = performance.now() - begun;
  const outcome = await load.stop();
  printFigures(row, {
    confirmed: outcome.confirmed,
    'confirmed and not run': 0,
    'sent again because it failed': outcome.failed,
    'sent again because it was unknown': outcome.unknown,
    'delivered again': outcome.redelivered,
    'run again, acknowledged in vain': outcome.repeated,
    'longest publish': seconds(outcome.longestMs),
    'fault, until 50 more were confirmed': seconds(lasted),
  });
  return outcome;
}

/** Closes all connections of a client at once, through `rabbitmqctl`. Returns their number. */
async function closeConnections(name: string): Promise<number> {
  const all = 'rabbit_networking:connection_info_all([pid, client_properties])';
  const isOurs = `string:find(io_lib:format("~p", [Of]), "${name}") =/= nomatch`;
  const close = 'rabbit_networking:close_connection(Pid, "a test")';
  const closed = await rabbitmqctl(
    'eval',
    `length([${close} || [{pid, Pid}, {client_properties, Of}] <- ${all}, ${isOurs}]).`,
  );
  return Number(closed);
}

/** Raises a memory alarm. Returns the previous limit; setting it again ends the alarm. */
async function raiseAlarm(): Promise<string> {
  const watermark = (await rabbitmqctl('eval', 'vm_memory_monitor:get_vm_memory_high_watermark().')).trim();
  await rabbitmqctl('set_vm_memory_high_watermark', '0.0001');
  return watermark;
}

brokerTest('RP-79 RP-98 connections that the broker closes: every confirmed message is run', async (t) => {
  let closed = 0;
  await underLoad(t, 'connections closed by the broker', async (_, name) => {
    for (let round = 0; round < (isLong ? 5 : 1); round++) closed += await closeConnections(name);
  });
  assert.ok(closed > 0);
});

test('RP-79 RP-98 the application of the broker stops and starts: every confirmed message is run', {
  skip: disturbing,
}, async (t) => {
  await underLoad(t, 'broker stopped and started', async (transport) => {
    const lost = entered(transport, 'lost');
    await rabbitmqctl('stop_app');
    try {
      await lost;
      await assert.rejects(transport.publish({ exchange: 'a', topic: 'b' }, textMessage('x')), {
        code: 'PORTICO_RPC_DELIVERY_FAILURE',
      });
    } finally {
      await rabbitmqctl('start_app');
    }
    await entered(transport, 'connected');
  });
});

test('RP-79 all connections of the broker are closed at once: every confirmed message is run', {
  skip: disturbing,
}, async (t) => {
  await underLoad(t, 'all connections closed', async () => {
    for (let round = 0; round < 5; round++) await rabbitmqctl('close_all_connections', 'a test');
  });
});

test('RP-69 RP-80 a broker with a memory alarm: publishes fail in their time, what was delivered is acknowledged, and it goes on', {
  skip: disturbing,
}, async (t) => {
  const { route, open } = ground(t);
  const [transport, other] = [await open(brokerUrl), await open(brokerUrl)];
  const got = new Deliveries();
  await other.consume(route, { prefetch: 1 }, got.take);
  for (const text of ['a', 'b']) await transport.publish(route, textMessage(text), { mandatory: true });
  const codes: string[] = [];
  let longestMs = 0;
  const watermark = await raiseAlarm();
  try {
    const blocked = entered(transport, 'blocked');
    for (let sent = 0; sent < 3; sent++) {
      const begun = performance.now();
      await transport
        .publish(route, textMessage(`blocked ${sent}`), { timeoutMs: 500 })
        .catch(({ code }: { code: string }) => {
          codes.push(code);
        });
      longestMs = Math.max(longestMs, performance.now() - begun);
      await blocked;
    }
    assert.equal(transport.state, 'blocked');
    const [trouble] = new RPCConnection({ transport, log: silentLogger() }).troubles;
    assert.match(trouble!, /accepts no messages \(memory or disk alarm\)/);
    for (const text of ['a', 'b']) {
      const delivery = await got.next();
      assert.equal(textOf(delivery), text);
      await delivery.ack();
    }
    const waiting = transport.publish(route, textMessage('waits'), { mandatory: true });
    await rabbitmqctl('set_vm_memory_high_watermark', watermark);
    await waiting;
  } finally {
    await rabbitmqctl('set_vm_memory_high_watermark', watermark);
  }
  await entered(transport, 'connected');
  // The first message was in flight when the alarm began, and the broker took it after the alarm. The others were not sent.
  assert.deepEqual(codes, [
    'PORTICO_RPC_DELIVERY_UNKNOWN',
    'PORTICO_RPC_DELIVERY_FAILURE',
    'PORTICO_RPC_DELIVERY_FAILURE',
  ]);
  const texts: string[] = [];
  while (texts.at(-1) !== 'waits') {
    const delivery = await got.next();
    texts.push(textOf(delivery));
    await delivery.ack();
  }
  assert.deepEqual(texts, ['blocked 0', 'waits']);
  printFigures('memory alarm', { 'longest of 3 publishes with 500 ms': seconds(longestMs), outcomes: codes.join(' ') });
});

test('RP-80 a transport can be closed while the broker blocks it', { skip: disturbing }, async (t) => {
  const { route, open } = ground(t);
  const transport = await open(brokerUrl);
  await transport.publish(route, textMessage('before'));
  const watermark = await raiseAlarm();
  try {
    const blocked = entered(transport, 'blocked');
    await Promise.all([assert.rejects(transport.publish(route, textMessage('x'), { timeoutMs: 500 })), blocked]);
    await transport.close();
  } finally {
    await rabbitmqctl('set_vm_memory_high_watermark', watermark);
  }
  await deleteTopic(route.exchange, 'images');
});

test('RP-49 a message beyond max_message_size of the broker is refused for good, and one that fits is sent after it', {
  skip: disturbing,
}, async (t) => {
  const { route, open } = ground(t);
  const setLimit = (bytes: string) => rabbitmqctl('eval', `application:set_env(rabbit, max_message_size, ${bytes}).`);
  const [, usual] = /(\d+)/.exec(await rabbitmqctl('eval', 'application:get_env(rabbit, max_message_size).')) ?? [];
  await setLimit('1000');
  try {
    const transport = await open(brokerUrl);
    await transport.publish(route, textMessage('before'));
    await assert.rejects(transport.publish(route, textMessage('x'.repeat(2000))), {
      code: 'PORTICO_RPC_DELIVERY_FAILURE',
      final: true,
      message: /it has 2000 bytes, and the broker takes 1000/,
    });
    await transport.publish(route, textMessage('after'));
  } finally {
    await setLimit(usual!);
  }
});
