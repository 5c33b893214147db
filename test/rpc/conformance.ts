/**
 * The conformance suite of transports: `memory://` and the brokers pass the same cases. `transportConformance` takes the URL of one
 * broker.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Delivery, Message, Route, Transport } from 'portico/rpc';
import { makeTransport, type TransportOptions } from '#internal/extras/rpc';
import { recordedLog } from '../tasks/recorded-log.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Returns the number of objects that are still reachable after garbage collection. */
export async function kept(refs: readonly WeakRef<object>[]): Promise<number> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return refs.filter((ref) => ref.deref() !== undefined).length;
}

/** Returns the options of `[rpc]`, with times short enough for a test. */
export function transportOptions(options: Partial<TransportOptions> = {}): TransportOptions {
  return {
    log: recordedLog().log,
    clientName: `conformance@localhost:${process.pid}`,
    connectTimeoutMs: 10_000,
    heartbeatMs: 20_000,
    retryIntervalMs: 1000,
    retryBackoffMs: 2000,
    retryIntervalMaxMs: 30_000,
    hostQueueTtlMs: 60_000,
    transientQueueTtlMs: 60_000,
    queueType: 'quorum',
    deliveryLimit: 2,
    deadLetter: true,
    ...options,
  };
}

/** The tools of a case. Each case has a separate exchange, so that cases on the same broker do not meet. */
interface Bench {
  readonly exchange: string;
  readonly isOslo: boolean;
  readonly topic: Route;
  /** Opens another connection to the same broker. */
  open(): Promise<Transport>;
  /** Starts a consumer whose deliveries `next` returns one by one. */
  take(transport: Transport, route: Route, prefetch?: number): Promise<Inbox>;
  /** Waits for the next dead letter of the exchange and removes it. */
  dead(transport: Transport): Promise<Delivery>;
}

interface Inbox {
  next(): Promise<Delivery>;
  /** The number of deliveries that `next` has not returned yet. */
  readonly waiting: number;
  cancel(): Promise<void>;
}

/** The hosts that have a queue. */
const HOSTS = ['north', 'north.example', 'south'];

type CaseTable = Readonly<Record<string, (bench: Bench) => Promise<void>>>;

const CASES: CaseTable = {
  'RP-4 each message of a topic goes to one of its consumers, in turn': sharesATopic,
  'RP-4 RP-5 a message for a host goes to that host alone; workers of the host share it': reachesAHost,
  'RP-4 RP-6 a fanout reaches every consumer of its exchange, and none of another but with oslo.messaging': fansOut,
  'RP-32 a fanout that nobody hears is a success': fansOutToNobody,
  'RP-37 RP-48 RP-69 without a queue a mandatory message is refused at once, another is dropped': refusesUnroutable,
  'RP-66 a queue outlives its consumer: what came meanwhile waits': keepsMessages,
  'a queue that is declared keeps what is published, until it is consumed': keepsForLater,
  'SG-52 a queue that is removed is gone at once, and what waited in it are dead letters': removesAQueue,
  'SG-52 a queue that is consumed stays': keepsAQueueInUse,
  'RP-69 RP-71 RP-85 no more than prefetch deliveries are unsettled': keepsToPrefetch,
  'RP-69 RP-86 what is given back goes to another consumer, and says that it came back': redelivers,
  'RP-69 RP-86 a cancelled consumer gets nothing more, and can settle what it has': settlesAfterCancel,
  'a connection that ends gives back what it had not settled': givesBackOnClose,
  'a consumer that has ended, and settled what it had, leaves nothing behind': forgetsConsumers,
  'RP-34 RP-69 a message whose time is up is a dead letter': expires,
  'RP-69 RP-75 a message that is refused is a dead letter, with its reason, its body and its id': buries,
  'RP-76 a message that comes back too often is a dead letter': limitsDeliveries,
  'RP-76 RP-86 a return of what was not begun does not count': returnsUncounted,
  'RP-95 dead letters are read as often as one likes; what is acknowledged is gone, the rest stays in its order':
    readsDeadLetters,
  'RP-95 those who read dead letters at once all see them whole': readsInTurn,
  'RP-95 a dead letter of a fanout has the address of the one consumer that refused it': returnsFanouts,
  'RP-77 a message can come back after a delay': delays,
  'RV-9 RP-77 a short delay does not wait behind a long one': delaysApart,
  'RP-31 RP-69 a reply comes to the address of its consumer; one without a consumer is unroutable': replies,
  'bodies and ids arrive as they were sent, up to a mebibyte': carriesBytes,
  'RP-32 messages of one connection that are awaited one by one stay in order': keepsOrder,
  'RP-1 RP-69 a transport says where it is, connects once, and closes once': tellsItsState,
};

/** The cases in which the broker itself makes dead letters. */
const BROKERS: ReadonlySet<unknown> = new Set([expires, limitsDeliveries]);

/** Options of the suite for a driver. */
interface ConformanceOptions {
  readonly options?: Partial<TransportOptions>;
  /** Set for the topology of oslo.messaging: fanouts reach all exchanges. */
  readonly isOslo?: boolean;
  /** Makes the broker keep the dead letters of a topic's queues, where these cannot say so. */
  readonly keepDead?: (exchange: string, topic: string) => Promise<void>;
  /** Returns the topic of a case, for brokers that name queues by the topic alone. Default `images`. */
  readonly topicOf?: () => string;
  /** The reason to skip the suite. */
  readonly skip?: string | false;
  /** Deletes the queues of the topic and of its hosts, and their exchanges, which a case left on the broker. */
  readonly clean?: (exchange: string, topic: string, hosts: readonly string[]) => Promise<void>;
}

/** Runs every case over connections to the broker of a URL. */
export function transportConformance(
  url: string,
  { options, skip = false, clean, isOslo = false, keepDead, topicOf = () => 'images' }: ConformanceOptions = {},
): void {
  for (const [name, run] of Object.entries(CASES)) {
    test(`${new URL(url).protocol}// ${name}`, { skip }, async () => {
      const opened: Transport[] = [];
      // A transport in memory has no socket to keep the process alive.
      const kept = setInterval(() => {}, 60_000);
      const exchange = `conformance-${randomUUID().slice(0, 8)}`;
      const topic = topicOf();
      const open = async (): Promise<Transport> => {
        const transport = await makeTransport(url, transportOptions(options));
        opened.push(transport);
        await transport.connect();
        return transport;
      };
      const bench: Bench = {
        exchange,
        isOslo,
        topic: { exchange, topic },
        open,
        take: (transport, route, prefetch = 10) =>
          inbox((onDelivery) => transport.consume(route, { prefetch }, onDelivery)),
        dead: (transport) => nextDeadLetter(transport, exchange),
      };
      try {
        if (BROKERS.has(run)) await keepDead?.(exchange, topic);
        await run(bench);
      } finally {
        clearInterval(kept);
        await Promise.all(opened.map((transport) => transport.close()));
        for (const each of [exchange, `${exchange}-other`]) await clean?.(each, topic, HOSTS);
      }
    });
  }
}

/** Waits for a dead letter and removes it. */
export async function nextDeadLetter(transport: Transport, exchange: string): Promise<Delivery> {
  let found: Delivery | undefined;
  while (found === undefined) {
    // A transport in memory responds without a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    await transport.eachDeadLetter(exchange, async (letter) => {
      found ??= letter;
      if (found === letter) await letter.ack();
    });
  }
  return found;
}

async function inbox(
  consume: (onDelivery: (delivery: Delivery) => void) => Promise<{ cancel(): Promise<void> }>,
): Promise<Inbox> {
  const arrived: Delivery[] = [];
  const asked: ((delivery: Delivery) => void)[] = [];
  const consumer = await consume((delivery) => {
    const ask = asked.shift();
    if (ask === undefined) arrived.push(delivery);
    else ask(delivery);
  });
  return {
    next: () => {
      const delivery = arrived.shift();
      return delivery === undefined ? new Promise((resolve) => asked.push(resolve)) : Promise.resolve(delivery);
    },
    get waiting() {
      return arrived.length;
    },
    cancel: () => consumer.cancel(),
  };
}

function message(text: string, more: Partial<Message> = {}): Message {
  return { id: randomUUID(), body: Buffer.from(text), ...more };
}

function textOf({ message: { body } }: Delivery): string {
  return Buffer.from(body).toString();
}

async function takeText(from: Inbox): Promise<string> {
  const delivery = await from.next();
  await delivery.ack();
  return textOf(delivery);
}

async function sharesATopic({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const [first, second] = [await take(one, topic), await take(two, topic)];
  for (const text of ['a', 'b', 'c', 'd']) await one.publish(topic, message(text), { mandatory: true });
  const got = await Promise.all([takeText(first), takeText(first), takeText(second), takeText(second)]);
  assert.deepEqual(got.toSorted(), ['a', 'b', 'c', 'd']);
}

async function reachesAHost({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const shared = await take(transport, topic);
  const [worker, other] = [
    await take(transport, { ...topic, server: 'north.example' }),
    await take(await open(), { ...topic, server: 'north.example' }),
  ];
  const south = await take(transport, { ...topic, server: 'south' });
  for (const text of ['a', 'b']) await transport.publish({ ...topic, server: 'north.example' }, message(text));
  await transport.publish({ ...topic, server: 'south' }, message('c'));
  const got = await Promise.all([takeText(worker), takeText(other)]);
  assert.deepEqual(got.toSorted(), ['a', 'b']);
  assert.equal(await takeText(south), 'c');
  assert.equal(shared.waiting, 0);
}

async function fansOut({ isOslo, open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const fanout = { ...topic, fanout: true };
  const boxes = [await take(one, fanout), await take(one, fanout), await take(two, fanout)];
  const elsewhere = await take(two, { ...fanout, exchange: `${topic.exchange}-other` });
  const shared = await take(two, topic);
  await one.publish(fanout, message('all'));
  assert.deepEqual(await Promise.all(boxes.map(takeText)), ['all', 'all', 'all']);
  if (isOslo) assert.equal(await takeText(elsewhere), 'all');
  await one.publish({ ...fanout, isOwn: true }, message('Portico'));
  assert.deepEqual(await Promise.all(boxes.map(takeText)), ['Portico', 'Portico', 'Portico']);
  if (isOslo) assert.equal(await takeText(elsewhere), 'Portico');
  await one.publish(topic, message('one'));
  assert.equal(await takeText(shared), 'one');
  assert.equal(elsewhere.waiting + shared.waiting, 0);
  // An exchange that is deleted with its last queue is declared again.
  await Promise.all([...boxes, elsewhere].map((box) => box.cancel()));
  await one.publish(fanout, message('none'));
  const again = await take(two, fanout);
  await one.publish(fanout, message('again'));
  assert.equal(await takeText(again), 'again');
}

async function fansOutToNobody({ open, topic }: Bench): Promise<void> {
  await (await open()).publish({ ...topic, fanout: true }, message('all'));
}

async function refusesUnroutable({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const refused = { code: 'PORTICO_RPC_NO_SERVERS' };
  await assert.rejects(transport.publish(topic, message('a'), { mandatory: true }), refused);
  await transport.publish(topic, message('a'));
  const box = await take(transport, topic);
  const nowhere = { ...topic, server: 'nowhere' };
  await assert.rejects(transport.publish(nowhere, message('b'), { mandatory: true }), refused);
  await transport.publish(nowhere, message('b'));
  await transport.publish(topic, message('c'), { mandatory: true });
  assert.equal(await takeText(box), 'c');
}

async function keepsMessages({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  for (const route of [topic, { ...topic, server: 'north' }]) {
    await (await take(two, route)).cancel();
    await one.publish(route, message('meanwhile'), { mandatory: true });
    assert.equal(await takeText(await take(two, route)), 'meanwhile');
  }
}

async function keepsForLater({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const north: Route = { ...topic, server: 'north' };
  await transport.declareQueue(north);
  await transport.publish(north, message('early'), { mandatory: true });
  await transport.declareQueue(north);
  assert.equal(await takeText(await take(transport, north)), 'early');
}

async function keepsToPrefetch({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const [box, other] = [await take(transport, topic, 2), await take(transport, topic, 1)];
  for (let sent = 0; sent < 4; sent++) await transport.publish(topic, message(String(sent)));
  const [held] = [await box.next(), await box.next(), await other.next()];
  assert.equal(box.waiting + other.waiting, 0);
  await held!.ack();
  assert.equal(textOf(await box.next()), '3');
}

async function redelivers({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const box = await take(one, topic, 1);
  await one.publish(topic, message('again'));
  const first = await box.next();
  assert.deepEqual([first.redelivered, first.count], [false, 1]);
  await box.cancel();
  const other = await take(two, topic);
  await first.requeue();
  const second = await other.next();
  assert.deepEqual([textOf(second), second.redelivered, second.count], ['again', true, 2]);
  assert.equal(second.message.id, first.message.id);
  await second.ack();
}

async function settlesAfterCancel({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 1);
  for (const text of ['held', 'left']) await transport.publish(topic, message(text));
  const held = await box.next();
  await box.cancel();
  await box.cancel();
  await held.ack();
  const other = await take(transport, topic);
  assert.equal(await takeText(other), 'left');
  assert.equal(box.waiting + other.waiting, 0);
}

async function givesBackOnClose({ open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const box = await take(one, topic, 2);
  for (const text of ['a', 'b']) await two.publish(topic, message(text));
  const [held] = [await box.next(), await box.next()];
  await one.close();
  await assert.rejects(held!.ack(), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
  const other = await take(two, topic);
  const back = [await other.next(), await other.next()];
  assert.deepEqual(back.map(textOf).toSorted(), ['a', 'b']);
  assert.deepEqual([...new Set(back.map(({ redelivered }) => redelivered))], [true]);
}

async function forgetsConsumers({ open, topic }: Bench): Promise<void> {
  const transport = await open();
  const refs: WeakRef<object>[] = [];
  const cycle = async (): Promise<void> => {
    const replies = (): void => {};
    const replyConsumer = await transport.consumeReplies(replies);
    let consumer: { cancel(): Promise<void> } | undefined;
    const delivery = await new Promise<Delivery>((resolve) => {
      const take = (each: Delivery): void => resolve(each);
      refs.push(new WeakRef(replies), new WeakRef(take));
      void transport.consume(topic, { prefetch: 1 }, take).then(async (begun) => {
        consumer = begun;
        await transport.publish(topic, message('a'));
      });
    });
    await Promise.all([replyConsumer.cancel(), consumer!.cancel()]);
    await delivery.ack();
  };
  for (let cycles = 0; cycles < 20; cycles++) await cycle();
  // The last ones may still be on the stack, and the broker may not have confirmed yet that their channels are closed.
  const left = await kept(refs);
  assert.ok(left <= 4, `${left} of ${refs.length} are kept`);
}

async function expires({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  await (await take(transport, topic)).cancel();
  await transport.publish(topic, message('late'), { ttlMs: 20 });
  const grave = await dead(transport);
  assert.deepEqual([textOf(grave), grave.death!.reason], ['late', 'expired']);
  await transport.publish(topic, message('in time'), { ttlMs: 600_000 });
  assert.equal(await takeText(await take(transport, topic)), 'in time');
}

async function buries({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  await transport.publish(topic, message('poison', { replyTo: 'reply_1' }));
  const delivery = await box.next();
  await delivery.deadLetter('unreadable');
  const grave = await dead(transport);
  assert.deepEqual([textOf(grave), grave.death!.reason], ['poison', 'unreadable']);
  assert.match(grave.death!.queue, new RegExp(topic.topic));
  assert.deepEqual([grave.message.id, grave.message.replyTo], [delivery.message.id, 'reply_1']);
  // Brokers report whole seconds.
  assert.ok(Math.abs(Date.now() - grave.death!.at) < 60_000, `died at ${grave.death!.at}`);
}

async function limitsDeliveries({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  await transport.publish(topic, message('poison'));
  for (const count of [1, 2, 3]) {
    const delivery = await box.next();
    assert.equal(delivery.count, count);
    await delivery.requeue();
  }
  const grave = await dead(transport);
  assert.deepEqual([textOf(grave), grave.death!.reason], ['poison', 'delivery_limit']);
}

async function returnsUncounted({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  await transport.publish(topic, message('waits', { replyTo: 'reply_1' }), { ttlMs: 60_000 });
  const uncounted = [0, undefined, 1, 1, 1, 1, 1, undefined];
  const counts: number[] = [];
  for (const returns of uncounted) {
    const delivery = await box.next();
    counts.push(delivery.count);
    assert.deepEqual([textOf(delivery), delivery.message.replyTo], ['waits', 'reply_1']);
    await delivery.requeue({ returns });
  }
  assert.deepEqual(counts, [1, 1, 2, 2, 2, 2, 2, 2]);
  const last = await box.next();
  assert.equal(last.count, 3);
  await last.requeue({ returns: 0 });
  const anew = await box.next();
  assert.equal(anew.count, 1);
  await anew.ack();
}

async function readsInTurn({ exchange, open, take, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const box = await take(one, topic);
  for (const text of ['a', 'b', 'c']) {
    await one.publish(topic, message(text));
    await (await box.next()).deadLetter('of no use');
  }
  const read = async (transport: Transport): Promise<string[]> => {
    const texts: string[] = [];
    await transport.eachDeadLetter(exchange, async (letter) => {
      texts.push(textOf(letter));
      await new Promise((resolve) => setImmediate(resolve));
    });
    return texts;
  };
  const seen = await Promise.all([read(one), read(two), read(one)]);
  for (const texts of seen) assert.deepEqual(texts.toSorted(), ['a', 'b', 'c']);
  const dropped: Promise<void>[] = [];
  await Promise.all([read(two), one.eachDeadLetter(exchange, async ({ ack }) => void dropped.push(ack()))]);
  await Promise.all(dropped);
  assert.equal(dropped.length, 3);
}

async function readsDeadLetters({ exchange, open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  const seen = async (): Promise<string[]> => {
    const texts: string[] = [];
    await transport.eachDeadLetter(exchange, async (letter) => void texts.push(textOf(letter)));
    return texts;
  };
  assert.deepEqual(await seen(), []);
  for (const text of ['a', 'b', 'c']) {
    await transport.publish(topic, message(text));
    await (await box.next()).deadLetter('poison');
  }
  // Seven reads are more than the delivery limit.
  for (let time = 0; time < 7; time++) assert.deepEqual(await seen(), ['a', 'b', 'c']);
  await transport.eachDeadLetter(exchange, async (letter) => {
    if (textOf(letter) === 'b') await letter.ack();
  });
  assert.deepEqual(await seen(), ['a', 'c']);
  const { death } = await dead(transport);
  await transport.publish(death!.queue, message('again'), { mandatory: true });
  assert.equal(await takeText(box), 'again');
}

async function returnsFanouts({ open, take, dead, topic }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const fanout = { ...topic, fanout: true };
  // As a server does: consuming the topic declares the dead letters of its exchange.
  await take(one, topic);
  const [box, other] = [await take(one, fanout), await take(two, fanout)];
  await one.publish(fanout, message('poison'));
  await (await box.next()).deadLetter('unreadable');
  assert.equal(await takeText(other), 'poison');
  const { death } = await dead(two);
  await two.publish(death!.queue, message('again'), { mandatory: true });
  assert.equal(await takeText(box), 'again');
  assert.equal(other.waiting, 0);
  assert.equal(await two.hasConsumer(death!.queue), true);
  await box.cancel();
  assert.equal(await two.hasConsumer(death!.queue), false);
  await assert.rejects(two.publish(death!.queue, message('again'), { mandatory: true }), {
    code: 'PORTICO_RPC_NO_SERVERS',
  });
}

async function removesAQueue({ open, take, dead, topic }: Bench): Promise<void> {
  const transport = await open();
  const north: Route = { ...topic, server: 'north' };
  assert.equal(await transport.removeQueue(north), false);
  const box = await take(transport, north);
  const south = await take(transport, { ...topic, server: 'south' });
  await box.cancel();
  for (const text of ['a', 'b']) await transport.publish(north, message(text), { mandatory: true });
  assert.equal(await transport.removeQueue(north), true);
  await assert.rejects(transport.publish(north, message('c'), { mandatory: true }), { name: 'NoServers' });
  const graves = [await dead(transport), await dead(transport)];
  assert.deepEqual(
    graves.map((grave) => [textOf(grave), grave.death!.reason]),
    [
      ['a', 'queue_removed'],
      ['b', 'queue_removed'],
    ],
  );
  assert.match(graves[0]!.death!.queue, new RegExp(`${topic.topic}.*north`));
  assert.equal(await transport.removeQueue(north), false);
  await transport.publish({ ...topic, server: 'south' }, message('d'), { mandatory: true });
  assert.equal(await takeText(south), 'd');
  const again = await take(transport, north);
  await transport.publish(north, message('e'), { mandatory: true });
  assert.equal(await takeText(again), 'e');
}

async function keepsAQueueInUse({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const north: Route = { ...topic, server: 'north' };
  const box = await take(transport, north);
  assert.equal(await (await open()).removeQueue(north), false);
  await transport.publish(north, message('a'), { mandatory: true });
  assert.equal(await takeText(box), 'a');
}

async function delays({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 1);
  for (const text of ['later', 'now']) await transport.publish(topic, message(text));
  const first = await box.next();
  await first.requeue({ delayMs: 200 });
  assert.equal(await takeText(box), 'now');
  const second = await box.next();
  assert.deepEqual([textOf(second), second.count, second.message.id], ['later', 2, first.message.id]);
  await second.ack();
}

async function delaysApart({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 1);
  for (const [text, delayMs] of [
    ['long', 600_000],
    ['short', 200],
  ] as const) {
    await transport.publish(topic, message(text));
    await (await box.next()).requeue({ delayMs });
  }
  assert.equal(await takeText(box), 'short');
  await transport.publish(topic, message('last'));
  assert.equal(await takeText(box), 'last');
}

async function replies({ open }: Bench): Promise<void> {
  const [one, two] = [await open(), await open()];
  const got: Message[] = [];
  let arrived = (): void => {};
  const both = new Promise<void>((resolve) => {
    arrived = () => got.length === 2 && resolve();
  });
  const consumer = await one.consumeReplies((reply) => {
    got.push(reply);
    arrived();
  });
  const other = await one.consumeReplies(() => assert.fail('it is not for this one'));
  assert.notEqual(consumer.address, other.address);
  for (const text of ['a', 'b']) {
    await two.publish(consumer.address, message(text), { mandatory: true });
  }
  await both;
  assert.deepEqual(
    got.map(({ body }) => Buffer.from(body).toString()),
    ['a', 'b'],
  );
  await consumer.cancel();
  await assert.rejects(two.publish(consumer.address, message('c'), { mandatory: true }), {
    code: 'PORTICO_RPC_NO_SERVERS',
  });
}

async function carriesBytes({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic);
  const body = Buffer.alloc(1_048_576, 0xff);
  const sent: Message = { id: 'id-1', body, replyTo: 'reply_1' };
  await transport.publish(topic, sent);
  await transport.publish(topic, { id: 'id-2', body: Buffer.alloc(0) });
  const { message: first } = await box.next();
  assert.deepEqual({ ...first, body: undefined }, { ...sent, body: undefined });
  assert.ok(body.equals(first.body));
  const { message: second } = await box.next();
  assert.deepEqual([second.id, second.body.length, second.replyTo], ['id-2', 0, undefined]);
}

async function keepsOrder({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  const box = await take(transport, topic, 1);
  for (let sent = 0; sent < 5; sent++) await transport.publish(topic, message(String(sent)));
  const got: string[] = [];
  while (got.length < 5) got.push(await takeText(box));
  assert.deepEqual(got, ['0', '1', '2', '3', '4']);
}

async function tellsItsState({ open, take, topic }: Bench): Promise<void> {
  const transport = await open();
  assert.equal(transport.state, 'connected');
  await transport.connect();
  await take(transport, topic);
  const states: string[] = [];
  transport.onState((state) => states.push(state));
  transport.onState((state) => states.push(state))();
  await Promise.all([transport.close(), transport.close()]);
  await transport.close();
  assert.deepEqual([transport.state, states], ['closed', ['closed']]);
  await assert.rejects(transport.publish(topic, message('a')), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
}
