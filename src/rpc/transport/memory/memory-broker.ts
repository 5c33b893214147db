/**
 * A broker in memory: the queues of `memory://name`, for all transports of this process that have that name. It keeps its
 * messages while one of them is open.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, systemClock } from '../../../tasks/index.js';
import {
  type Death,
  MAX_DEAD_LETTERS,
  type Message,
  type PublishOptions,
  QUEUE_REMOVED,
  type Route,
} from '../transport.js';
import { MemoryQueue } from './memory-queue.js';

/** How a broker keeps messages. */
export interface MemoryBrokerOptions {
  /** How often a message may come back before it is a dead letter. Default 5. */
  readonly deliveryLimit?: number | undefined;
  /** Milliseconds the queue of a host outlives its last consumer. Default: a day. */
  readonly hostQueueTtlMs?: number | undefined;
  /** Whether dead letters are kept. Default true. */
  readonly deadLetter?: boolean | undefined;
  readonly clock?: Clock | undefined;
  /** Messages move only when {@link MemoryBroker.step} is called: for tests. Default false. */
  readonly manual?: boolean | undefined;
}

/** Runs what is of no request: a method does not run in the context of its caller, as it would not in another process. */
const outside = AsyncLocalStorage.snapshot();

/** Routes messages to queues. */
export class MemoryBroker {
  /** What was published, for tests: kept only by a manual broker. */
  readonly published: { readonly to: Route | string; readonly message: Message }[] = [];
  readonly #options: MemoryBrokerOptions;
  readonly #queues = new Map<string, MemoryQueue>();
  readonly #fanouts = new Map<string, Set<MemoryQueue>>();
  readonly #steps: (() => void)[] = [];

  constructor(options: MemoryBrokerOptions = {}) {
    this.#options = options;
  }

  /** Moves one message to a consumer. False where none can be moved. */
  step(): boolean {
    const deliver = this.#steps.shift();
    deliver?.();
    return deliver !== undefined;
  }

  /** Gives the message to the queues of a route. False where there is none. */
  publish(to: Route | string, message: Message, { ttlMs }: PublishOptions): boolean {
    if (this.#options.manual === true) this.published.push({ to, message });
    const isFanout = typeof to !== 'string' && to.fanout === true;
    const one = isFanout ? undefined : this.#queues.get(typeof to === 'string' ? to : queueName(to));
    const queues = isFanout ? [...(this.#fanouts.get(queueName(to)) ?? [])] : one === undefined ? [] : [one];
    for (const queue of queues) queue.put(message, { ttlMs });
    return queues.length > 0;
  }

  /** The queue of a topic or of a host; made where it is not there. */
  queue(route: Route): MemoryQueue {
    const { hostQueueTtlMs = 86_400_000 } = this.#options;
    const { exchange, server } = route;
    return this.#named(queueName(route), { exchange, expiresMs: server === undefined ? undefined : hostQueueTtlMs });
  }

  /** A queue of its own that gets a copy of each fanout; the function gives it up. */
  fanoutQueue(route: Route, consumer: string): { readonly queue: MemoryQueue; readonly end: () => void } {
    const topic = queueName(route);
    const queues = this.#fanouts.get(topic) ?? new Set();
    this.#fanouts.set(topic, queues);
    const name = `${topic}.fanout.${consumer}`;
    const queue = this.#named(name, { exchange: route.exchange });
    queues.add(queue);
    const end = (): void => {
      queues.delete(queue);
      this.#queues.delete(name);
    };
    return { queue, end };
  }

  /** A queue at an address of its own; the function gives it up. */
  replyQueue(address: string): { readonly queue: MemoryQueue; readonly end: () => void } {
    return { queue: this.#named(address, {}), end: () => void this.#queues.delete(address) };
  }

  /** False where there is none, or something consumes from it. What waits in it become dead letters. */
  async removeQueue(route: Route): Promise<boolean> {
    const name = queueName(route);
    const queue = this.#queues.get(name);
    if (queue === undefined || queue.isConsumed) return false;
    this.#queues.delete(name);
    await queue.each(async (delivery) => void (await delivery.deadLetter(QUEUE_REMOVED)));
    return true;
  }

  deadLetters(exchange: string): MemoryQueue {
    return this.#named(`${exchange}.dead`, {});
  }

  #named(name: string, kind: QueueKind): MemoryQueue {
    const queue = this.#queues.get(name) ?? this.#make(name, kind);
    this.#queues.set(name, queue);
    return queue;
  }

  #make(name: string, { exchange, expiresMs }: QueueKind): MemoryQueue {
    const { clock = systemClock, deliveryLimit = 5, manual = false } = this.#options;
    return new MemoryQueue({
      name,
      clock,
      deliveryLimit,
      expiresMs,
      soon: manual
        ? (deliver) => void this.#steps.push(deliver)
        : (deliver) => void outside(() => setImmediate(deliver)),
      bury: ({ message }, reason) =>
        exchange !== undefined && this.#bury(exchange, message, { reason, queue: name, at: Date.now() }),
      gone: () => void this.#queues.delete(name),
    });
  }

  #bury(exchange: string, message: Message, death: Death): boolean {
    if (this.#options.deadLetter === false) return false;
    const dead = this.deadLetters(exchange);
    if (dead.size >= MAX_DEAD_LETTERS) dead.dropOldest();
    dead.put(message, { death });
    return true;
  }
}

interface QueueKind {
  /** Where its dead letters go. Absent: nowhere. */
  readonly exchange?: string;
  readonly expiresMs?: number | undefined;
}

/** An exchange and a topic hold no dots, so names differ where routes do. */
function queueName({ exchange, topic, server }: Route): string {
  return server === undefined ? `${exchange}.${topic}` : `${exchange}.${topic}.${server}`;
}
