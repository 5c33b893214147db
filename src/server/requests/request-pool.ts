/**
 * The slots of `default_pool_size`: the number of requests for which application code runs at once. Further ones wait
 * in the order of arrival; a request that would wait behind `max_queue` others, or has waited for `queue_timeout`, is
 * refused with 503.
 *
 * A request that waits for its client holds no slot: while its body is arriving at an app that reads it, while its
 * response is not read, and after its app has ended the response. Requests record nothing for that; the pool checks
 * twenty times a second, and only while requests wait.
 */
import type { IncomingMessage } from 'node:http';
import { Fault } from '../../app/index.js';
import type { Slots, SlotTaker } from '../../app/internal.js';
import type { Connection, Exchange } from '../connections/connections.js';
import type { WsgiOptions } from '../wsgi-options.js';

const LOOK_MS = 50;
/** By then a body sent with its head has arrived, despite the coarse `Exchange.since`. */
const BODY_MS = 300;

/** Options of `[wsgi]` that limit running and waiting requests; 0: no limit. */
type PoolLimits = Pick<WsgiOptions, 'defaultPoolSize' | 'maxQueue' | 'queueTimeout'>;

/** A waiting request. */
interface Turn {
  /** Lets it in, or reports that its response is no longer needed. */
  readonly settle: (come: boolean) => void;
  readonly refuse: (fault: Fault) => void;
  /** Time at which it is refused, by `performance.now()`. */
  readonly due: number;
}

/** Waiting requests, in the order of arrival. */
type Waiting = Map<Exchange, Turn>;

/** A client may retry that soon: the duration of the other requests is unknown. */
const RETRY = { headers: { 'Retry-After': '1' } };

/** Counts the slots of one server. */
export class RequestPool implements Slots {
  readonly #connections: Iterable<Connection>;
  readonly #refused: (reason: 'queue full' | 'queue timeout', req: IncomingMessage) => void;
  #limits!: PoolLimits;
  /** Number of slots. */
  #limit!: number;
  #taken = 0;
  /** Number of requests that would hold a slot if they did not wait for their clients. */
  #lent = 0;
  readonly #ready: Waiting = new Map();
  /** Requests whose bodies are arriving. */
  readonly #unready: Waiting = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** `connections`: those of the requests. `refused`: called for each request that gets no slot. */
  constructor(
    limits: PoolLimits,
    connections: Iterable<Connection>,
    refused: (reason: 'queue full' | 'queue timeout', req: IncomingMessage) => void,
  ) {
    this.#connections = connections;
    this.#refused = refused;
    this.#setLimits(limits);
  }

  /** Sets the limits; requests that now fit are let in. */
  set limits(limits: PoolLimits) {
    this.#setLimits(limits);
    this.#letIn();
  }

  #setLimits(limits: PoolLimits): void {
    this.#limits = limits;
    this.#limit = limits.defaultPoolSize || Number.POSITIVE_INFINITY;
  }

  /** Number of requests that wait for a slot. */
  get waiting(): number {
    return this.#ready.size + this.#unready.size;
  }

  take(taker: SlotTaker): Promise<boolean> | undefined {
    if (taker.poolSlot !== 'none' || taker.ofConnection === undefined) return undefined;
    const exchange = taker as Exchange;
    // The first request without a slot triggers a check at once; later ones wait for the next check.
    if (this.#taken >= this.#limit && this.#timer === undefined) this.#look();
    if (this.#taken < this.#limit) {
      exchange.poolSlot = 'taken';
      this.#taken++;
      return undefined;
    }
    const { maxQueue, queueTimeout } = this.#limits;
    if (maxQueue > 0 && this.waiting >= maxQueue) {
      this.#refused('queue full', exchange.req);
      throw new Fault(503, { message: 'Too many requests are waiting.', ...RETRY });
    }
    const due = queueTimeout > 0 ? performance.now() + queueTimeout * 1000 : Number.POSITIVE_INFINITY;
    return new Promise((settle, refuse) => {
      const turn = { settle, refuse, due };
      if (isReady(exchange)) this.#ready.set(exchange, turn);
      else {
        this.#unready.set(exchange, turn);
        // A body sent with its head is complete by then.
        setImmediate(() => this.#moveIfReady(exchange));
      }
      this.#lookLater();
    });
  }

  /** Called when a request is complete, with or without a slot. */
  leave(exchange: Exchange): void {
    const { poolSlot: slot } = exchange;
    exchange.poolSlot = 'left';
    if (slot === 'taken') this.#taken--;
    else if (slot === 'lent') this.#lent--;
    if (this.#ready.size === 0 && this.#unready.size === 0) return;
    if (slot === 'none') this.#unqueue(exchange)?.settle(false);
    else if (slot === 'taken') this.#letIn();
  }

  #unqueue(exchange: Exchange): Turn | undefined {
    const waiting = this.#ready.has(exchange) ? this.#ready : this.#unready;
    const turn = waiting.get(exchange);
    waiting.delete(exchange);
    return turn;
  }

  #refuseOverdue(now: number): void {
    for (const waiting of [this.#ready, this.#unready]) {
      for (const [exchange, { refuse, due }] of waiting) {
        if (now < due) continue;
        waiting.delete(exchange);
        this.#refused('queue timeout', exchange.req);
        refuse(new Fault(503, { message: 'The request has waited too long.', ...RETRY }));
      }
    }
  }

  #moveIfReady(exchange: Exchange): void {
    const turn = this.#unready.get(exchange);
    if (turn === undefined || !isReady(exchange)) return;
    this.#unready.delete(exchange);
    this.#ready.set(exchange, turn);
  }

  /** Lets in complete requests, and then others: a request whose body is arriving may take an unneeded slot. */
  #letIn(): void {
    for (const waiting of [this.#ready, this.#unready]) {
      for (const [exchange, { settle }] of waiting) {
        if (this.#taken >= this.#limit) return;
        waiting.delete(exchange);
        const over = exchange.res.writableEnded;
        if (!over) {
          exchange.poolSlot = 'taken';
          this.#taken++;
        }
        settle(!over);
      }
    }
  }

  #look(): void {
    const now = performance.now();
    for (const { exchange } of this.#connections) {
      if (exchange?.poolSlot !== 'taken' && exchange?.poolSlot !== 'lent') continue;
      const slot = waitsForClient(exchange, now) ? 'lent' : 'taken';
      if (slot === exchange.poolSlot) continue;
      exchange.poolSlot = slot;
      this.#taken += slot === 'taken' ? 1 : -1;
      this.#lent += slot === 'lent' ? 1 : -1;
    }
    for (const exchange of this.#unready.keys()) this.#moveIfReady(exchange);
    this.#letIn();
    this.#refuseOverdue(now);
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#timer !== undefined || (this.waiting === 0 && this.#lent === 0)) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#look();
    }, LOOK_MS).unref();
  }
}

/** Returns true if all data that an app reads first has arrived, or the client sends no more before the app reads. */
function isReady({ req, bodyProgress: body }: Exchange): boolean {
  return req.complete || body === undefined || body.awaitsContinue || req.readableLength >= req.readableHighWaterMark;
}

function waitsForClient({ req, res, since }: Exchange, now: number): boolean {
  if (res.writableEnded || res.writableNeedDrain) return true;
  return !req.complete && req.readableLength === 0 && now - since >= BODY_MS && isRead(req);
}

function isRead(req: IncomingMessage): boolean {
  return req.readableFlowing === true || req.listenerCount('readable') > 0;
}
