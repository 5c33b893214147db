/** Runs the published conformance cases of transports over the URL of a broker, and one that needs garbage collection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Delivery,
  type Route,
  type Transport,
  type TransportConformanceOptions,
  transportConformance,
} from 'portico/rpc';
import { conformanceOptions, makeTransport, type TransportOptions } from '#internal/extras/rpc';
import { recordedLog } from '../tasks/recorded-log.js';

export { nextDeadLetter } from '#internal/extras/rpc';

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
  return conformanceOptions({ log: recordedLog().log, ...options });
}

/** Requirements of the cases, by the first words of their names. */
const IDS: Readonly<Record<string, string>> = {
  'each message of a topic': 'RP-4',
  'a message for a host': 'RP-4 RP-5',
  'a fanout reaches': 'RP-4 RP-6',
  'a fanout that nobody': 'RP-32',
  'without a queue': 'RP-37 RP-48 RP-69',
  'a queue outlives': 'RP-66',
  'a queue that is removed': 'SG-52',
  'a queue that is consumed': 'SG-52',
  'no more than prefetch': 'RP-69 RP-71 RP-85',
  'what is given back': 'RP-69 RP-86',
  'a cancelled consumer': 'RP-69 RP-86',
  'a message whose time is up': 'RP-34 RP-69',
  'a message that is refused': 'RP-69 RP-75',
  'a message that comes back too often': 'RP-76',
  'dead letters are read': 'RP-95',
  'a dead letter of a fanout': 'RP-95',
  'a message can come back': 'RP-77',
  'a short delay': 'RV-9 RP-77',
  'a reply comes': 'RP-31 RP-69',
  'messages of one connection': 'RP-32',
  'a transport says where': 'RP-1 RP-69',
};

/** Runs every case over connections to the broker of a URL. `skip`: the reason to skip the suite. */
export async function conformanceOf(
  url: string,
  { skip = false, ...options }: TransportConformanceOptions & { readonly skip?: string | false } = {},
): Promise<void> {
  const make = (given: TransportOptions): Promise<Transport> => makeTransport(url, given);
  const scheme = `${new URL(url).protocol}//`;
  const cases = await transportConformance(make, options);
  const unused = new Set(Object.keys(IDS));
  for (const { name, run } of cases) {
    const words = Object.keys(IDS).find((each) => name.startsWith(each));
    unused.delete(words ?? '');
    test(`${scheme} ${words === undefined ? '' : `${IDS[words]} `}${name}`, { skip }, run);
  }
  assert.deepEqual([...unused], []);
  const forgotten = `${scheme} a consumer that has ended, and settled what it had, leaves nothing behind`;
  test(forgotten, { skip }, () => forgetsConsumers(make, options));
}

async function forgetsConsumers(
  make: (given: TransportOptions) => Promise<Transport>,
  { options, topicOf = () => 'images', clean }: TransportConformanceOptions,
): Promise<void> {
  const exchange = `conformance-${process.pid}`;
  const topic: Route = { exchange, topic: topicOf() };
  const transport = await make(transportOptions(options));
  await transport.connect();
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
        await transport.publish(topic, { id: 'a', body: Buffer.from('a') });
      });
    });
    await Promise.all([replyConsumer.cancel(), consumer!.cancel()]);
    await delivery.ack();
  };
  try {
    for (let cycles = 0; cycles < 20; cycles++) await cycle();
    // The last ones may still be on the stack, and the broker may not have confirmed yet that their channels are closed.
    const left = await kept(refs);
    assert.ok(left <= 4, `${left} of ${refs.length} are kept`);
  } finally {
    await transport.close();
    await clean?.(exchange, topic.topic, []);
  }
}
