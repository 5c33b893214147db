/** The list of the conformance cases of transports. */
import { randomUUID } from 'node:crypto';
import { createLogger } from 'portico/extension';
import type { Awaitable } from 'portico/service';
import { within } from 'portico/tasks';
import type { ConformanceCase } from 'portico/testing';
import type { Transport, TransportOptions } from '../transport/transport.js';
import { type Bench, inbox, nextDeadLetter, type TransportConformanceOptions } from './bench.js';
import * as queues from './queue-cases.js';
import * as redelivery from './redelivery-cases.js';

const CASES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  'each message of a topic goes to one of its consumers, in turn': queues.sharesATopic,
  'a message for a host goes to that host alone; workers of the host share it': queues.reachesAHost,
  'a fanout reaches every consumer of its exchange': queues.fansOut,
  'a fanout that nobody hears is a success': queues.fansOutToNobody,
  'without a queue a mandatory message is refused at once, another is dropped': queues.refusesUnroutable,
  'a queue outlives its consumer: what came meanwhile waits': queues.keepsMessages,
  'a queue that is declared keeps what is published, until it is consumed': queues.keepsForLater,
  'a queue that is removed is gone at once, and what waited in it are dead letters': redelivery.removesAQueue,
  'a queue that is consumed stays': redelivery.keepsAQueueInUse,
  'no more than prefetch deliveries are unsettled': queues.keepsToPrefetch,
  'what is given back goes to another consumer, and says that it came back': queues.redelivers,
  'a cancelled consumer gets nothing more, and can settle what it has': queues.settlesAfterCancel,
  'a connection that ends gives back what it had not settled': queues.givesBackOnClose,
  'a message whose time is up is a dead letter': redelivery.expires,
  'a message that is refused is a dead letter, with its reason, its body and its id': redelivery.buries,
  'a message that comes back too often is a dead letter': redelivery.limitsDeliveries,
  'dead letters are read as often as one likes; what is acknowledged is gone, the rest stays in its order':
    redelivery.readsDeadLetters,
  'a dead letter of a fanout has the address of the one consumer that refused it': redelivery.returnsFanouts,
  'a message can come back after a delay': redelivery.delays,
  'a short delay does not wait behind a long one': redelivery.delaysApart,
  'a reply comes to the address of its consumer; one without a consumer is unroutable': queues.replies,
  'bodies and ids arrive as they were sent, up to a mebibyte': queues.carriesBytes,
  'messages of one connection that are awaited one by one stay in order': queues.keepsOrder,
  'a transport says where it is, connects once, and closes once': queues.tellsItsState,
};

/** The cases in which the broker itself makes dead letters. */
const BROKERS: ReadonlySet<unknown> = new Set([redelivery.expires, redelivery.limitsDeliveries]);

/** The hosts that have a queue. */
const HOSTS = ['north', 'north.example', 'south'];

/** Time limit of a case. */
const LIMIT_MS = 30_000;

/** As `transportConformance`. */
export function casesOf(
  make: (options: TransportOptions) => Awaitable<Transport>,
  { options, clean, topicOf = () => 'images', keepDead, sharesFanouts = false }: TransportConformanceOptions,
): ConformanceCase[] {
  const run = async (work: (bench: Bench) => Promise<void>): Promise<void> => {
    const opened: Transport[] = [];
    const exchange = `conformance-${randomUUID().slice(0, 8)}`;
    const topic = topicOf();
    const bench: Bench = {
      exchange,
      sharesFanouts,
      topic: { exchange, topic },
      open: async () => {
        const transport = await make(conformanceOptions(options));
        opened.push(transport);
        await transport.connect();
        return transport;
      },
      take: (transport, route, prefetch = 10) =>
        inbox((onDelivery) => transport.consume(route, { prefetch }, onDelivery)),
      dead: (transport) => nextDeadLetter(transport, exchange),
    };
    try {
      if (BROKERS.has(work)) await keepDead?.(exchange, topic);
      await within(work(bench), LIMIT_MS, () => {
        throw new Error(`the transport did not do it within ${LIMIT_MS / 1000} s`);
      });
    } finally {
      await Promise.all(opened.map((transport) => transport.close()));
      for (const each of [exchange, `${exchange}-other`]) await clean?.(each, topic, HOSTS);
    }
  };
  return Object.entries(CASES).map(([name, work]) => ({ name, run: () => run(work) }));
}

/** Returns the options of `[rpc]`, with times short enough for a test. */
export function conformanceOptions(options: Partial<TransportOptions> = {}): TransportOptions {
  return {
    log: createLogger({ level: 'silent' }),
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
