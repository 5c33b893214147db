/**
 * A broker in memory: the queues of `memory://name`, for all transports of this process with that name. It keeps its messages while one of
 * them is open.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Cancel, type Clock, systemClock } from 'portico/tasks';
import { DeliveryFailure } from '../../errors.js';
import { queueName } from '../route.js';
import {
  type Death,
  type Delivery,
  MAX_DEAD_LETTERS,
  type Message,
  type OnDelivery,
  type PublishOptions,
  QUEUE_REMOVED,
  type RequeueOptions,
  type Route,
} from '../transport.js';

/** Options of a broker. */
export interface MemoryBrokerOptions {
  /** Redeliveries of a message before it becomes a dead letter. Default 5. */
  readonly deliveryLimit?: number | undefined;
  /** Milliseconds that the queue of a host outlives its last consumer. Default: a day. */
  readonly hostQueueTtlMs?: number | undefined;
  /** Keep dead letters. Default true. */
  readonly deadLetter?: boolean | undefined;
  readonly clock?: Clock | undefined;
  /** Messages move only when {@link MemoryBroker.step} is called: for tests. Default false. */
  readonly manual?: boolean | undefined;
}

/** Runs code outside of a request: a method does not run in the context of its caller, as it would not in another process. */
const outside = AsyncLocalStorage.snapshot();

/** Routes messages to queues. */
export class MemoryBroker {
  /** Published messages, for tests: kept only by a manual broker. */
  readonly published: { readonly to: Route | string; readonly message: Message }[] = [];
  readonly clock: Clock;
  readonly deliveryLimit: number;
  readonly #options: MemoryBrokerOptions;
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #steps: (() => void)[] = [];

  constructor(options: MemoryBrokerOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? systemClock;
    this.deliveryLimit = options.deliveryLimit ?? 20;
  }

  /** Moves one message to a consumer. Returns false if none can be moved. */
  step(): boolean {
    const deliver = this.#steps.shift();
    deliver?.();
    return deliver !== undefined;
  }

  /** Adds the message to the queues of a route. Returns false if there is none. */
  publish(to: Route | string, message: Message, { ttlMs }: PublishOptions): boolean {
    if (this.#options.manual === true) this.published.push({ to, message });
    const name = typeof to === 'string' ? to : queueName(to);
    const isFanout = typeof to !== 'string' && to.fanout === true;
    const queues = isFanout
      ? [...this.#queues.values()].filter(({ kind }) => kind.fanoutOf === name)
      : [this.#queues.get(name) ?? []].flat();
    for (const queue of queues) queue.put(message, { ttlMs });
    return queues.length > 0;
  }

  /** Returns the queue of a topic or of a host, created if it is missing; for a fanout a separate one, by the id of its consumer. */
  queue(route: Route, id: string): MemoryQueue {
    const { hostQueueTtlMs = 86_400_000 } = this.#options;
    const { exchange, server, fanout } = route;
    const name = queueName(route);
    if (fanout === true) return this.#named(`${name}.fanout.${id}`, { exchange, fanoutOf: name, isTransient: true });
    return this.#named(name, { exchange, expiresMs: server === undefined ? undefined : hostQueueTtlMs });
  }

  /** Returns a queue at a separate address. */
  replyQueue(address: string): MemoryQueue {
    return this.#named(address, { isTransient: true });
  }

  deadLetters(exchange: string): MemoryQueue {
    return this.#named(`${exchange}.dead`, {});
  }

  /** Returns false if there is none, or it has a consumer. Its messages become dead letters. */
  async removeQueue(route: Route): Promise<boolean> {
    const queue = this.#queues.get(queueName(route));
    if (queue === undefined || queue.isConsumed) return false;
    this.forget(queue);
    await queue.each(async (delivery) => void (await delivery.deadLetter(QUEUE_REMOVED)));
    return true;
  }

  isConsumed(queue: string): boolean {
    return this.#queues.get(queue)?.isConsumed === true;
  }

  forget({ name }: MemoryQueue): void {
    this.#queues.delete(name);
  }

  /** Schedules a delivery. */
  soon(deliver: () => void): void {
    if (this.#options.manual === true) this.#steps.push(deliver);
    else outside(() => setImmediate(deliver));
  }

  /** Keeps a message that is no longer delivered as a dead letter. Returns false if it is not kept. */
  bury(message: Message, { name, kind: { exchange } }: MemoryQueue, reason: string): boolean {
    if (exchange === undefined || this.#options.deadLetter === false) return false;
    const dead = this.deadLetters(exchange);
    if (dead.size >= MAX_DEAD_LETTERS) dead.dropOldest();
    dead.put(message, { death: { reason, queue: name, at: Date.now() } });
    return true;
  }

  #named(name: string, kind: QueueKind): MemoryQueue {
    const queue = this.#queues.get(name) ?? new MemoryQueue(this, name, kind);
    this.#queues.set(name, queue);
    return queue;
  }
}

interface QueueKind {
  /** Exchange of its dead letters. Absent: they are dropped. */
  readonly exchange?: string;
  /** Milliseconds that it outlives its last consumer. Default: no limit. */
  readonly expiresMs?: number | undefined;
  /** Topic of the queue: it gets a copy of each fanout. */
  readonly fanoutOf?: string;
  /** Set if it is deleted with its consumer. */
  readonly isTransient?: true;
}

/** A message in a queue. */
interface QueueEntry {
  readonly message: Message;
  /** Number of returns. */
  returns: number;
  redelivered: boolean;
  readonly death?: Death;
  /** True after it expired. With a consumer this has no effect; it is not redelivered then. */
  expired?: boolean;
  /** Cancels its expiry. */
  settled?: Cancel;
}

/** A consumer of a queue, with its unsettled messages. */
export class QueueConsumer {
  readonly queue: MemoryQueue;
  readonly prefetch: number;
  readonly onDelivery: OnDelivery;
  readonly unsettled = new Set<QueueEntry>();
  /** True if it accepts nothing more; kept while messages are unsettled, which a loss of the connection returns. */
  isCancelled = false;

  constructor(queue: MemoryQueue, prefetch: number, onDelivery: OnDelivery) {
    this.queue = queue;
    this.prefetch = prefetch;
    this.onDelivery = onDelivery;
  }
}

/** Keeps messages in order: round robin over its consumers, each with a prefetch; messages expire, are redelivered, and become dead letters. */
export class MemoryQueue {
  readonly name: string;
  readonly kind: QueueKind;
  readonly #broker: MemoryBroker;
  readonly #waiting: QueueEntry[] = [];
  readonly #consumers: QueueConsumer[] = [];
  #scheduled = false;
  #end: Cancel | undefined;

  constructor(broker: MemoryBroker, name: string, kind: QueueKind) {
    this.#broker = broker;
    this.name = name;
    this.kind = kind;
  }

  /** Number of messages that no consumer has. */
  get size(): number {
    return this.#waiting.length;
  }

  get isConsumed(): boolean {
    return this.#consumers.length > 0;
  }

  dropOldest(): void {
    this.#waiting.shift();
  }

  put(message: Message, { ttlMs, death }: { readonly ttlMs?: number | undefined; readonly death?: Death }): void {
    const entry: QueueEntry = { message, returns: 0, redelivered: false, ...(death && { death }) };
    if (ttlMs !== undefined) {
      entry.settled = this.#broker.clock.after(ttlMs, () => this.#expire(entry), { unref: true });
    }
    this.#waiting.push(entry);
    this.#schedule();
  }

  add(consumer: QueueConsumer): void {
    this.#end?.();
    this.#end = undefined;
    this.#consumers.push(consumer);
    this.#schedule();
  }

  /** Stops deliveries to a consumer. Unsettled messages stay with it. */
  remove(consumer: QueueConsumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at === -1) return;
    this.#consumers.splice(at, 1);
    const { expiresMs } = this.kind;
    if (expiresMs === undefined || this.#consumers.length > 0) return;
    this.#end = this.#broker.clock.after(expiresMs, () => this.#broker.forget(this), { unref: true });
  }

  giveBack(consumer: QueueConsumer, entry: QueueEntry, { delayMs = 0 }: RequeueOptions = {}): void {
    if (!consumer.unsettled.delete(entry)) return;
    entry.redelivered = true;
    entry.returns += 1;
    this.#schedule();
    const { deliveryLimit, clock } = this.#broker;
    const reason = entry.expired === true ? 'expired' : entry.returns > deliveryLimit ? 'delivery_limit' : undefined;
    if (reason !== undefined) {
      entry.settled?.();
      this.#broker.bury(entry.message, this, reason);
      return;
    }
    const back = (): void => {
      this.#waiting.unshift(entry);
      this.#schedule();
    };
    if (delayMs > 0) clock.after(delayMs, back, { unref: true });
    else back();
  }

  /** Passes the present messages to `take`, one by one. Unsettled ones keep their order. */
  async each(take: (delivery: Delivery) => Promise<void>): Promise<void> {
    const reader = new QueueConsumer(this, 0, () => {});
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
    this.#broker.bury(entry.message, this, 'expired');
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#free() === undefined) return;
    this.#scheduled = true;
    this.#broker.soon(() => {
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
    const { message, redelivered, returns, death } = entry;
    /** Returns false if it was settled before, or returned with the connection. */
    const settle = (): boolean => {
      if (!consumer.unsettled.delete(entry)) return false;
      entry.settled?.();
      this.#schedule();
      return true;
    };
    consumer.unsettled.add(entry);
    return {
      message,
      redelivered,
      count: returns + 1,
      death,
      ack: async () => {
        if (settle()) return;
        const what = `the connection was lost before message ${message.id} was acknowledged`;
        throw new DeliveryFailure({ message: `${this.name}: ${what}` });
      },
      requeue: async (options) => this.giveBack(consumer, entry, options),
      deadLetter: async (reason) => settle() && this.#broker.bury(message, this, reason),
    };
  }
}
