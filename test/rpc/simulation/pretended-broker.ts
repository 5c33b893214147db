/** A broker with the rules of RabbitMQ, without a network: see `pretended-connection.ts`. */
import type { Cancel, Clock } from 'portico/tasks';
import type { Envelope } from 'rabbitmq-client';

/** A message in a queue. */
export interface Stored {
  readonly properties: Envelope;
  readonly body: Buffer;
  readonly exchange: string;
  readonly routingKey: string;
  returns: number;
  redelivered: boolean;
  /** Time after which no consumer gets it. */
  readonly expiresAt: number;
}

/** A consumer at the broker's end of a channel. */
export interface BrokerConsumer {
  readonly exclusive: boolean;
  readonly isFree: boolean;
  deliver(message: Stored): void;
  /** The queue is gone. */
  cancelled(): void;
}

/** Refusal of a broker, which closes the channel. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

type Arguments = Readonly<Record<string, string | number>>;

/** Decisions and records of a simulation. */
export interface BrokerWorld {
  readonly clock: Clock;
  /** Returns the index of the next message to deliver: 0, unless the broker reorders. */
  place(count: number): number;
  /** Returns one of these. */
  pick<T>(list: readonly T[]): T;
  /** A message has become a dead letter. */
  died(message: Stored): void;
  /** A message was discarded, with the reason. */
  discarded(message: Stored, why: string, queue: string): void;
}

export class BrokerQueue {
  readonly name: string;
  readonly args: Arguments;
  readonly ready: Stored[] = [];
  readonly consumers = new Set<BrokerConsumer>();
  /** The connection that it is exclusive to. */
  readonly owner: object | undefined;
  readonly #broker: PretendedBroker;
  #expiry: Cancel | undefined;

  constructor(broker: PretendedBroker, name: string, args: Arguments, owner?: object) {
    this.#broker = broker;
    this.name = name;
    this.args = args;
    this.owner = owner;
    this.touch();
  }

  get isQuorum(): boolean {
    return this.args['x-queue-type'] === 'quorum';
  }

  /** It is used: its expiry is put off. */
  touch(): void {
    const { 'x-expires': ms } = this.args;
    this.#expiry?.();
    if (typeof ms !== 'number' || this.consumers.size > 0) return;
    this.#expiry = this.#broker.world.clock.after(ms, () => {
      if (this.consumers.size === 0) this.#broker.delete(this.name);
    });
  }

  put(message: Stored): void {
    const { 'x-max-length': most } = this.args;
    if (typeof most === 'number' && this.ready.length >= most) {
      this.#broker.world.discarded(this.ready.shift()!, 'maxlen', this.name);
    }
    this.ready.push(message);
    this.#expireLater(message);
    this.deliver();
  }

  add(consumer: BrokerConsumer): void {
    if (this.consumers.size > 0 && (consumer.exclusive || [...this.consumers].some(({ exclusive }) => exclusive)))
      throw new Refusal('ACCESS_REFUSED', `${this.name} has an exclusive consumer`);
    this.consumers.add(consumer);
    this.touch();
    this.deliver();
  }

  remove(consumer: BrokerConsumer): void {
    if (this.consumers.delete(consumer)) this.touch();
  }

  /** Takes a message that `basic.get` asks for. */
  take(): Stored | undefined {
    this.touch();
    return this.ready.shift();
  }

  /** Returns messages that a consumer had, to their old places. */
  giveBack(messages: readonly Stored[]): void {
    const { 'x-delivery-limit': limit } = this.args;
    for (const message of messages.toReversed()) {
      message.redelivered = true;
      message.returns += 1;
      if (this.#broker.queues.get(this.name) !== this) {
        this.#broker.world.discarded(message, 'queue deleted', this.name);
        continue;
      }
      const isWorn = this.isQuorum && typeof limit === 'number' && message.returns > limit;
      if (isWorn) this.bury(message, 'delivery_limit');
      else {
        this.ready.unshift(message);
        this.#expireLater(message);
      }
    }
    this.deliver();
  }

  bury(message: Stored, reason: string): void {
    const { 'x-dead-letter-exchange': exchange, 'x-dead-letter-routing-key': key } = this.args;
    if (exchange === undefined) {
      this.#broker.world.discarded(message, reason, this.name);
      return;
    }
    if (String(exchange).endsWith('.dlx')) this.#broker.world.died(message);
    const { expiration: _, headers = {}, ...properties } = message.properties;
    const time = Math.floor(Date.now() / 1000);
    const deaths = [{ reason, queue: this.name, time }, ...((headers['x-death'] as object[] | undefined) ?? [])];
    const renewed = { ...properties, headers: { ...headers, 'x-death': deaths } };
    const routed = this.#broker.publish(String(exchange), String(key ?? message.routingKey), renewed, message.body);
    // An administrator has deleted the queue that a delayed message returns to.
    if (routed === 0) this.#broker.world.discarded(message, 'no queue any more', this.name);
  }

  deliver(): void {
    for (this.#expire(); this.ready.length > 0; this.#expire()) {
      const free = [...this.consumers].filter(({ isFree }) => isFree);
      if (free.length === 0) return;
      const [message] = this.ready.splice(this.#broker.world.place(this.ready.length), 1);
      this.#broker.world.pick(free).deliver(message!);
    }
  }

  #expireLater(message: Stored): void {
    const { clock } = this.#broker.world;
    if (message.expiresAt === Number.POSITIVE_INFINITY || !this.ready.includes(message)) return;
    clock.after(message.expiresAt - clock.now(), () => this.#expire());
  }

  /** Only the first messages expire. */
  #expire(): void {
    const { clock } = this.#broker.world;
    while (this.ready.length > 0 && this.ready[0]!.expiresAt <= clock.now()) this.bury(this.ready.shift()!, 'expired');
  }
}

interface Exchange {
  readonly type: string;
  readonly autoDelete: boolean;
  readonly bindings: Set<string>;
}

export class PretendedBroker {
  readonly world: BrokerWorld;
  readonly queues = new Map<string, BrokerQueue>();
  readonly #exchanges = new Map<string, Exchange>();

  constructor(world: BrokerWorld) {
    this.world = world;
  }

  declareExchange(name: string, type: string, autoDelete = false): void {
    if (!this.#exchanges.has(name)) this.#exchanges.set(name, { type, autoDelete, bindings: new Set() });
  }

  declareQueue(name: string, { args = {}, passive = false, owner }: Declaration): BrokerQueue {
    const queue = this.queues.get(name);
    if (queue === undefined && passive) throw new Refusal('NOT_FOUND', `no queue '${name}'`);
    if (queue?.owner !== undefined && queue.owner !== owner)
      throw new Refusal('RESOURCE_LOCKED', `${name} is exclusive`);
    if (queue !== undefined) {
      queue.touch();
      return queue;
    }
    const made = new BrokerQueue(this, name, args, owner);
    this.queues.set(name, made);
    return made;
  }

  queue(name: string): BrokerQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new Refusal('NOT_FOUND', `no queue '${name}'`);
    return queue;
  }

  bind(queue: string, exchange: string, routingKey: string): void {
    this.#exchange(exchange).bindings.add(`${routingKey}\n${this.queue(queue).name}`);
  }

  unbind(queue: string, exchange: string, routingKey: string): void {
    this.#exchange(exchange).bindings.delete(`${routingKey}\n${queue}`);
    this.#deleteUnused(exchange);
  }

  delete(name: string): void {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    this.queues.delete(name);
    for (const [exchange, { bindings }] of this.#exchanges) {
      const own = [...bindings].filter((each) => each.endsWith(`\n${name}`));
      for (const each of own) bindings.delete(each);
      if (own.length > 0) this.#deleteUnused(exchange);
    }
    for (const message of queue.ready.splice(0)) this.world.discarded(message, 'queue deleted', name);
    for (const consumer of queue.consumers) consumer.cancelled();
    queue.consumers.clear();
  }

  /** Returns the number of queues that have got it. */
  publish(exchange: string, routingKey: string, properties: Envelope, body: Buffer): number {
    const queues = this.#routed(exchange, routingKey);
    for (const queue of queues) {
      const own = queue.args['x-message-ttl'];
      const ttlMs = Math.min(
        Number(properties.expiration ?? Number.POSITIVE_INFINITY),
        typeof own === 'number' ? own : Number.POSITIVE_INFINITY,
      );
      const expiresAt = this.world.clock.now() + ttlMs;
      queue.put({ properties, body, exchange, routingKey, returns: 0, redelivered: false, expiresAt });
    }
    return queues.length;
  }

  #routed(exchange: string, routingKey: string): BrokerQueue[] {
    if (exchange === '') return [this.queues.get(routingKey) ?? []].flat();
    const { type, bindings } = this.#exchange(exchange);
    const fitting = [...bindings].filter((each) => type === 'fanout' || each.startsWith(`${routingKey}\n`));
    return fitting.map((each) => this.queue(each.slice(each.indexOf('\n') + 1)));
  }

  /** Deletes an auto-delete exchange that has lost its last binding. */
  #deleteUnused(name: string): void {
    const { autoDelete, bindings } = this.#exchange(name);
    if (autoDelete && bindings.size === 0) this.#exchanges.delete(name);
  }

  #exchange(name: string): Exchange {
    const exchange = this.#exchanges.get(name);
    if (exchange === undefined) throw new Refusal('NOT_FOUND', `no exchange '${name}'`);
    return exchange;
  }
}

interface Declaration {
  readonly args?: Arguments;
  readonly passive?: boolean;
  readonly owner?: object | undefined;
}
