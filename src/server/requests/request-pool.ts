/**
 * The concurrency limit, `default_pool_size`: the number of requests for which application code is at work. Further ones wait in the order of
 * arrival; a request that would wait behind `max_queue` others, or has waited for 30 s, is refused with 503.
 *
 * The state of a request's slot; `held`, `granted` and `alone` count:
 *
 * | State | | call | grant | refuse | settle | wait | resume | close | expire |
 * | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
 * | `none` | in the filters | `held` | | | | | | `left` | |
 * | `queued` | waits for a slot | | `granted` | `none` | | | | `left` | |
 * | `granted` | has one, and its app is called next | `held` | | | | | | `left` | |
 * | `held` | the app is at work | | | | `returned` | `client` | | `alone` | |
 * | `client` | the app waits for the client's body | | | | `returned` | | `held` | `left` | |
 * | `returned` | the app has settled, or begins to respond | `held` | | | | | | | |
 * | `alone` | the app is at work, and its response has closed | | | | `left` | | | | `left` |
 * | `left` | over: no app is called any more | | | | | | | | |
 *
 * `call` leads to `queued` instead if all slots are in use, and to `left` if the response has closed. `src/app/slot.ts` reports `settle`,
 * by its rules. An app that waits for its client when the response closes waits for nothing that could come, so it takes no slot again.
 * `alone` expires: a promise may never settle.
 */
import type { IncomingMessage } from 'node:http';
import type { Fault } from '../../app/index.js';
import { exchangeOf, type SlotEvent, type SlotState, type Slots, unavailable } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { setLongTimeout } from '../../process/index.js';
import { failBody } from '../../wire/index.js';
import type { Connection, Exchange } from '../connections/connection.js';
import type { Rejections } from '../connections/refusal.js';
import { requestFacts } from '../connections/request-facts.js';
import type { ServerLimits } from '../server-options.js';

/** Events of the pool itself beside those of apps. */
type PoolEvent = SlotEvent | 'grant' | 'refuse' | 'expire';

const NEXT: Readonly<Record<SlotState, Partial<Record<PoolEvent, SlotState>>>> = {
  none: { call: 'held', close: 'left' },
  queued: { grant: 'granted', refuse: 'none', close: 'left' },
  granted: { call: 'held', close: 'left' },
  held: { settle: 'returned', wait: 'client', close: 'alone' },
  client: { settle: 'returned', resume: 'held', close: 'left' },
  returned: { call: 'held' },
  alone: { settle: 'left', expire: 'left' },
  left: {},
};

/** 1 for the states in which a slot is in use. */
const USED: Readonly<Record<string, number>> = { granted: 1, held: 1, alone: 1 };

/**
 * Milliseconds after which an app that has returned no promise loses the slot of a closed response: it may have noticed, and never touch
 * the response again. Less than the time for which they may wait, so that no request is refused because of it.
 */
const FORGOTTEN_MS = 10_000;

/** The limits of running and waiting requests; 0: none. */
type PoolLimits = Pick<ServerLimits, 'defaultPoolSize' | 'maxQueue' | 'queueTimeout' | 'clientSocketTimeout'>;

const UNSETTLED =
  'the app has not settled within client_socket_timeout since its response closed: it no longer counts towards the concurrency limit';

/** Keeps the concurrency limit of one server, and its queue. */
export class RequestPool implements Slots {
  limits: PoolLimits;
  readonly #connections: Iterable<Connection>;
  readonly #rejections: Pick<Rejections, 'note'>;
  readonly #log: Pick<Logger, 'error'>;
  /** Number of requests in progress, within the limit: slots in use. */
  taken = 0;
  /** Waiting requests in the order of arrival, with what lets them in, or reports that their responses are no longer needed. */
  readonly #waiting = new Map<Exchange, (come: boolean) => void>();
  /** Requests whose response has closed before their app settled, and that time by `performance.now()`. */
  readonly #alone = new Map<Exchange, number>();
  #looksSoon = false;

  /** `connections`: those of the requests. `rejections`: counts those that the queue refuses. */
  constructor(
    limits: PoolLimits,
    connections: Iterable<Connection>,
    rejections: Pick<Rejections, 'note'>,
    log: Pick<Logger, 'error'>,
  ) {
    this.limits = limits;
    this.#connections = connections;
    this.#rejections = rejections;
    this.#log = log;
  }

  /** Number of queued requests. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Requests whose app is at work although their response has closed. */
  get alone(): Exchange[] {
    return [...this.#alone.keys()].filter(({ poolSlot }) => poolSlot === 'alone');
  }

  /** Changes the state of a slot, and returns it. Nothing else does. */
  move(exchange: Exchange, event: PoolEvent): SlotState {
    const before = exchange.poolSlot;
    let after = NEXT[before][event] ?? before;
    if (event === 'call' && after !== before && before !== 'granted') {
      const connection = exchange.ofConnection as Connection | undefined;
      // Made by hand.
      if (connection === undefined) return before;
      // A filter has waited, and the response has closed meanwhile.
      if (connection.exchange !== exchange) after = 'left';
      else if (this.taken >= (this.limits.defaultPoolSize || Number.POSITIVE_INFINITY)) after = 'queued';
    }
    exchange.poolSlot = after;
    const more = (USED[after] ?? 0) - (USED[before] ?? 0);
    this.taken += more;
    if (more < 0 && this.#waiting.size > 0) this.letIn();
    return after;
  }

  turn(exchange: Exchange): Promise<boolean> {
    const { maxQueue, queueTimeout } = this.limits;
    if (maxQueue > 0 && this.waiting >= maxQueue) {
      throw this.#refusal(exchange, 'queue full', 'Too many requests are waiting.');
    }
    return new Promise((settle, refuse) => {
      const late = (): void => refuse(this.#refusal(exchange, 'queue timeout', 'The request has waited too long.'));
      const ms = queueTimeout * 1000 || Number.POSITIVE_INFINITY;
      const cancel = setLongTimeout(late, ms, { unref: true });
      this.#waiting.set(exchange, (come) => {
        this.#waiting.delete(exchange);
        cancel();
        settle(come);
      });
      this.#lookSoon();
    });
  }

  #refusal(exchange: Exchange, reason: 'queue full' | 'queue timeout', message: string): Fault {
    this.#waiting.delete(exchange);
    this.move(exchange, 'refuse');
    this.#rejections.note(reason, exchange.req.socket);
    // A client may retry that soon: the duration of the other requests is unknown.
    return unavailable(message, 1);
  }

  /** Called when a response has closed, unless its app has settled before. */
  leave(exchange: Exchange): void {
    const { req, res, ofConnection: connection } = exchange;
    const isAtWork = exchange.poolSlot === 'held' || exchange.poolSlot === 'client';
    if (exchange.poolSlot === 'held') this.#lookAtBody(exchange);
    const waits = exchange.poolSlot === 'client';
    // It has sent the whole response by itself, or has taken the connection.
    const isDone = connection.state === 'upgraded' || (exchange.settledBy === 'response' && res.writableFinished);
    if (isDone) this.move(exchange, 'settle');
    if (this.move(exchange, 'close') === 'alone') this.#alone.set(exchange, performance.now());
    this.#waiting.get(exchange)?.(false);
    // Later: the parser may be within the body, and the app about to settle.
    if (isAtWork && exchange.bodyProgress !== undefined && !req.complete) setImmediate(failUnsettled, exchange, waits);
  }

  /** Called once a second: takes slots from apps that have forgotten their closed responses, and finds those that wait for bodies. */
  secondPassed(): void {
    const now = performance.now();
    for (const [exchange, closedAt] of this.#alone) {
      const { poolSlot, settledBy, req, route } = exchange;
      const isSilent = settledBy === 'response' || settledBy === 'late';
      const ms = isSilent ? FORGOTTEN_MS : this.limits.clientSocketTimeout * 1000 || Number.POSITIVE_INFINITY;
      if (poolSlot === 'alone' && now - closedAt < ms) continue;
      this.#alone.delete(exchange);
      if (this.move(exchange, 'expire') === poolSlot || isSilent) continue;
      this.#log.error({ ...requestFacts(req), ...(route && { route: route.template }) }, UNSETTLED);
    }
    if (this.taken > 0) this.#lookAtBodies();
  }

  /** Looks for waiting apps after this turn of the event loop: by then, apps that were called read their bodies. */
  #lookSoon(): void {
    if (this.#looksSoon) return;
    this.#looksSoon = true;
    setImmediate(() => {
      this.#looksSoon = false;
      if (this.#waiting.size > 0) this.#lookAtBodies();
    });
  }

  /**
   * Finds the apps that wait for the body of their request. Most bodies come with their headers, so this is asked only when a slot is
   * needed, and once a second. An app that gets its body goes on at once, also beyond the limit.
   */
  #lookAtBodies(): void {
    for (const { exchange } of this.#connections) if (exchange !== undefined) this.#lookAtBody(exchange);
  }

  #lookAtBody(exchange: Exchange): void {
    const { req, res, bodyProgress: body } = exchange;
    if (body === undefined) return;
    // After the response the rest flows without a reader.
    const isRead = hasReader(req) || (req.readableFlowing === true && !res.writableEnded);
    if (!isRead || req.complete || req.readableLength > 0) {
      if (!res.writableNeedDrain && !res.writableEnded) this.move(exchange, 'resume');
    } else if (this.move(exchange, 'wait') === 'client') req.off('end', resume).on('end', resume);
  }

  /** Lets queued requests in while the limit is not reached. */
  letIn(): void {
    for (const [exchange, settle] of this.#waiting) {
      if (this.taken >= (this.limits.defaultPoolSize || Number.POSITIVE_INFINITY)) return;
      // Another may have responded while it waited.
      settle(this.move(exchange, exchange.res.writableEnded ? 'close' : 'grant') === 'granted');
      this.#lookSoon();
    }
  }
}

function hasReader(req: IncomingMessage): boolean {
  return req.listenerCount('data') > 0 || req.listenerCount('readable') > 0;
}

/** Fails the body for an app that still reads it; its rest has no reader. */
function failUnsettled({ req, poolSlot, ofConnection: connection }: Exchange, waits: boolean): void {
  if (req.complete || !hasReader(req) || (poolSlot !== 'alone' && !waits)) return;
  failBody(req);
  connection.lingerIfUnread(req);
}

/** One listener for all requests. */
function resume(this: IncomingMessage): void {
  const exchange = exchangeOf(this);
  exchange.serverState?.slots?.move(exchange, 'resume');
}
