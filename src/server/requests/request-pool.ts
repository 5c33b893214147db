/**
 * The places of `default_pool_size`: how many requests have application code at work at once. What is beyond waits in the
 * order it came; nothing is refused.
 *
 * A request of which its client is what is waited for holds no place: while its body is on its way to an app that reads it,
 * while its answer is not taken, and once its app has ended the answer. Nothing is noted for that on the way of a request;
 * a look twenty times a second finds out, and only while somebody waits.
 */
import type { IncomingMessage } from 'node:http';
import type { ConcurrencyLimit } from '../../app/internal.js';
import { takerOf } from '../../wire/index.js';
import { type Connection, type Exchange, exchangeOf, renewContext } from '../connections/connections.js';

const LOOK_MS = 50;
/** A body that comes with its head is there by then, however coarse `Exchange.since` is. */
const BODY_MS = 300;

/** Requests that wait, as they came, each with what lets it in or turns it away. */
type Waiting = Map<Exchange, (come: boolean) => void>;

/** Counts the places of one server. */
export class RequestPool implements ConcurrencyLimit {
  readonly #connections: Iterable<Connection>;
  #limit = 0;
  #held = 0;
  /** Requests that would hold a place if their clients did not keep them waiting. */
  #lent = 0;
  readonly #ready: Waiting = new Map();
  /** Their bodies are on their way. */
  readonly #unready: Waiting = new Map();
  #timer: NodeJS.Timeout | undefined;

  /** `limit`: requests at once; 0 is no limit. `connections`: where they are. */
  constructor(limit: number, connections: Iterable<Connection>) {
    this.#connections = connections;
    this.limit = limit;
  }

  /** Changes the limit; requests that fit at once are let in. */
  set limit(limit: number) {
    this.#limit = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    this.#letIn();
  }

  /** Requests that wait for a place. */
  get waiting(): number {
    return this.#ready.size + this.#unready.size;
  }

  enter(req: IncomingMessage): Promise<boolean> | undefined {
    const exchange = exchangeOf(req);
    if (exchange === undefined || exchange.place !== 'none') return undefined;
    renewContext(exchange);
    // The first to find no place looks at once; later ones wait for the look that is due.
    if (this.#held >= this.#limit && this.#timer === undefined) this.#look();
    if (this.#held < this.#limit) {
      exchange.place = 'held';
      this.#held++;
      return undefined;
    }
    return new Promise((settle) => {
      if (isReady(exchange)) this.#ready.set(exchange, settle);
      else {
        this.#unready.set(exchange, settle);
        // A body that came with its head is whole by then.
        setImmediate(() => this.#moveIfReady(exchange));
      }
      this.#lookLater();
    });
  }

  /** To be called when a request is done with, whether it had a place or not. */
  leave(exchange: Exchange): void {
    const { place } = exchange;
    exchange.place = 'left';
    if (place === 'held') this.#held--;
    else if (place === 'lent') this.#lent--;
    if (this.waiting === 0) return;
    if (place === 'none') this.#take(exchange)?.(false);
    else if (place === 'held') this.#letIn();
  }

  #take(exchange: Exchange): ((come: boolean) => void) | undefined {
    const waiting = this.#ready.has(exchange) ? this.#ready : this.#unready;
    const settle = waiting.get(exchange);
    waiting.delete(exchange);
    return settle;
  }

  #moveIfReady(exchange: Exchange): void {
    const settle = this.#unready.get(exchange);
    if (settle === undefined || !isReady(exchange)) return;
    this.#unready.delete(exchange);
    this.#ready.set(exchange, settle);
  }

  /** Lets in requests that are whole, and then others: a body that is on its way may take a place that no other needs. */
  #letIn(): void {
    for (const waiting of [this.#ready, this.#unready]) {
      for (const [exchange, settle] of waiting) {
        if (this.#held >= this.#limit) return;
        waiting.delete(exchange);
        const over = exchange.res.writableEnded;
        if (!over) {
          exchange.place = 'held';
          this.#held++;
        }
        settle(!over);
      }
    }
  }

  #look(): void {
    const now = performance.now();
    for (const { exchanges } of this.#connections) {
      for (const exchange of exchanges) {
        if (exchange.place !== 'held' && exchange.place !== 'lent') continue;
        const place = waitsForClient(exchange, now) ? 'lent' : 'held';
        if (place === exchange.place) continue;
        exchange.place = place;
        this.#held += place === 'held' ? 1 : -1;
        this.#lent += place === 'lent' ? 1 : -1;
      }
    }
    for (const exchange of this.#unready.keys()) this.#moveIfReady(exchange);
    this.#letIn();
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

/** Has all that an app may read at first, or a client that sends no more until somebody reads. */
function isReady({ req, body }: Exchange): boolean {
  return req.complete || body === undefined || body.held || req.readableLength >= req.readableHighWaterMark;
}

function waitsForClient({ req, res, since }: Exchange, now: number): boolean {
  if (res.writableEnded || res.writableNeedDrain) return true;
  return !req.complete && req.readableLength === 0 && now - since >= BODY_MS && isRead(req);
}

function isRead(req: IncomingMessage): boolean {
  return req.readableFlowing === true || req.listenerCount('readable') > 0 || takerOf(req) !== undefined;
}
