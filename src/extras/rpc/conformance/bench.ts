/** Tools of the conformance cases of transports. */
import { randomUUID } from 'node:crypto';
import type { Awaitable } from 'portico/service';
import type { Delivery, Message, Route, Transport, TransportOptions } from '../transport/transport.js';

/** Options of `transportConformance`. */
export interface TransportConformanceOptions {
  /** Options of `[rpc]` in place of those of the cases. */
  readonly options?: Partial<TransportOptions>;
  /** Deletes the queues of the topic and of its hosts, and the exchange, which a case left on the broker. */
  readonly clean?: (exchange: string, topic: string, hosts: readonly string[]) => Awaitable<void>;
  /** Returns the topic of a case, for brokers that name queues by the topic alone. Default `images`. */
  readonly topicOf?: () => string;
  /** Makes the broker keep the dead letters of a topic's queues, where these cannot say so. */
  readonly keepDead?: (exchange: string, topic: string) => Awaitable<void>;
  /** True if fanouts reach all exchanges. Default false. */
  readonly sharesFanouts?: boolean;
}

/** The tools of a case. Each case has a separate exchange, so that cases on the same broker do not meet. */
export interface Bench {
  readonly exchange: string;
  readonly sharesFanouts: boolean;
  readonly topic: Route;
  /** Opens another connection to the same broker. */
  open(): Promise<Transport>;
  /** Starts a consumer whose deliveries `next` returns one by one. */
  take(transport: Transport, route: Route, prefetch?: number): Promise<Inbox>;
  /** Waits for the next dead letter of the exchange and removes it. */
  dead(transport: Transport): Promise<Delivery>;
}

export interface Inbox {
  next(): Promise<Delivery>;
  /** The number of deliveries that `next` has not returned yet. */
  readonly waiting: number;
  cancel(): Promise<void>;
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

export async function inbox(
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

export function message(text: string, more: Partial<Message> = {}): Message {
  return { id: randomUUID(), body: Buffer.from(text), ...more };
}

export function textOf({ message: { body } }: Delivery): string {
  return Buffer.from(body).toString();
}

export async function takeText(from: Inbox): Promise<string> {
  const delivery = await from.next();
  await delivery.ack();
  return textOf(delivery);
}
