/**
 * A queue of a broker in memory: round robin over its consumers, each with a prefetch; messages expire, come back, and
 * become dead letters.
 */
import type { Cancel, Clock } from '../../../tasks/index.js';
import { DeliveryFailure } from '../../errors.js';
import type { Death, Delivery, Message, OnDelivery } from '../transport.js';

/** A message in a queue. */
export interface QueueEntry {
  readonly message: Message;
  /** How often it was given back. */
  returns: number;
  redelivered: boolean;
  readonly death?: Death;
  /** Its time is up. With a consumer that is no matter; it does not come back then. */
  expired?: boolean;
  /** Takes its time back. */
  settled?: Cancel;
}

/** What a queue needs from its broker. */
export interface QueueParts {
  readonly name: string;
  readonly clock: Clock;
  readonly deliveryLimit: number;
  /** Milliseconds it outlives its last consumer. Default: for ever. */
  readonly expiresMs?: number | undefined;
  /** Runs a delivery, soon. */
  readonly soon: (deliver: () => void) => void;
  /** Takes what is delivered no more. False where it is not kept. */
  readonly bury: (entry: QueueEntry, reason: string) => boolean;
  /** It has expired. */
  readonly gone: (queue: MemoryQueue) => void;
}

/** A consumer of a queue, and what it has not settled yet. */
export interface QueueConsumer {
  readonly prefetch: number;
  readonly onDelivery: OnDelivery;
  readonly unsettled: Set<QueueEntry>;
}

/** Keeps messages in order. */
export class MemoryQueue {
  readonly #parts: QueueParts;
  readonly #waiting: QueueEntry[] = [];
  readonly #consumers: QueueConsumer[] = [];
  #scheduled = false;
  #end: Cancel | undefined;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  /** Messages that no consumer has. */
  get size(): number {
    return this.#waiting.length;
  }

  get isConsumed(): boolean {
    return this.#consumers.length > 0;
  }

  dropOldest(): void {
    this.#waiting.shift();
  }

  put(
    message: Message,
    options: { readonly ttlMs?: number | undefined; readonly death?: QueueEntry['death'] } = {},
  ): void {
    const { ttlMs, death } = options;
    const entry: QueueEntry = { message, returns: 0, redelivered: false, ...(death && { death }) };
    if (ttlMs !== undefined) entry.settled = this.#parts.clock.after(ttlMs, () => this.#expire(entry), { unref: true });
    this.#waiting.push(entry);
    this.#schedule();
  }

  add(consumer: QueueConsumer): void {
    this.#end?.();
    this.#end = undefined;
    this.#consumers.push(consumer);
    this.#schedule();
  }

  /** No more deliveries for it. What it has not settled stays with it. */
  remove(consumer: QueueConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at === -1) return;
    this.#consumers.splice(at, 1);
    const { expiresMs, clock, gone } = this.#parts;
    if (expiresMs === undefined || this.#consumers.length > 0) return;
    this.#end = clock.after(expiresMs, () => gone(this), { unref: true });
  }

  ack(consumer: QueueConsumer, entry: QueueEntry): void {
    if (!consumer.unsettled.delete(entry)) {
      throw new DeliveryFailure({
        message: `${this.name}: the connection was lost before message ${entry.message.id} was acknowledged`,
      });
    }
    entry.settled?.();
    this.#schedule();
  }

  giveBack(consumer: QueueConsumer, entry: QueueEntry, { delayMs = 0 } = {}): void {
    if (!consumer.unsettled.delete(entry)) return;
    entry.redelivered = true;
    entry.returns += 1;
    this.#schedule();
    const { deliveryLimit, bury } = this.#parts;
    const reason = entry.expired === true ? 'expired' : entry.returns > deliveryLimit ? 'delivery_limit' : undefined;
    if (reason !== undefined) {
      entry.settled?.();
      bury(entry, reason);
      return;
    }
    const back = (): void => {
      this.#waiting.unshift(entry);
      this.#schedule();
    };
    if (delayMs > 0) this.#parts.clock.after(delayMs, back, { unref: true });
    else back();
  }

  bury(consumer: QueueConsumer, entry: QueueEntry, reason: string): boolean {
    if (!consumer.unsettled.delete(entry)) return false;
    entry.settled?.();
    this.#schedule();
    return this.#parts.bury(entry, reason);
  }

  /** Gives what is there now to `take`, one by one. What it does not settle stays where it was. */
  async each(take: (delivery: Delivery) => Promise<void>): Promise<void> {
    const reader: QueueConsumer = { prefetch: 0, onDelivery: () => {}, unsettled: new Set() };
    for (let left = this.#waiting.length; left > 0 && this.#waiting.length > 0; left--) {
      await take(this.#give(reader, this.#waiting.shift()!));
    }
    this.#waiting.unshift(...reader.unsettled);
    this.#schedule();
  }

  #expire(entry: QueueEntry): void {
    entry.expired = true;
    const at = this.#waiting.indexOf(entry);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    this.#parts.bury(entry, 'expired');
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#free() === undefined) return;
    this.#scheduled = true;
    this.#parts.soon(() => {
      this.#scheduled = false;
      this.#deliverOne();
      this.#schedule();
    });
  }

  #free(): QueueConsumer | undefined {
    return this.#consumers.find(({ prefetch, unsettled }) => unsettled.size < prefetch);
  }

  #deliverOne(): void {
    const consumer = this.#free();
    const entry = this.#waiting[0];
    if (consumer === undefined || entry === undefined) return;
    this.#waiting.shift();
    // The next message is for the next consumer.
    this.#consumers.splice(this.#consumers.indexOf(consumer), 1);
    this.#consumers.push(consumer);
    consumer.onDelivery(this.#give(consumer, entry));
  }

  #give(consumer: QueueConsumer, entry: QueueEntry): Delivery {
    consumer.unsettled.add(entry);
    return {
      message: entry.message,
      redelivered: entry.redelivered,
      count: entry.returns + 1,
      death: entry.death,
      ack: async () => this.ack(consumer, entry),
      requeue: async (options) => this.giveBack(consumer, entry, options),
      deadLetter: async (reason) => this.bury(consumer, entry, reason),
    };
  }
}
