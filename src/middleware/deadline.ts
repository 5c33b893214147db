/** deadline: a time limit for each request. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterResponse, type Fault, filterFactory, type OpenApiAdditions } from '../app/index.js';
import { abortError, exchangeOf, type Forwarded, muteWhenEnded, offerSignal, unavailable } from '../app/internal.js';
import { defineOptions, dict, duration, type OptionsOf } from '../config/index.js';
import { systemClock } from '../tasks/internal.js';
import { countText } from '../text/index.js';
import { ofLongestPrefix } from './path-prefix-match.js';

declare module '../app/index.js' {
  interface Environ {
    /** When the request times out, in milliseconds of `performance.now()`. */
    deadline?: number;
  }
}

const deadlineOptions = defineOptions({
  default_s: duration({ default: 60, min: 0.001, help: 'Time limit for a request.' }),
  overrides: dict({
    value: duration({ default: 60, min: 0.001 }),
    help: 'Time limits for paths and all below, such as /images:300. The longest match applies.',
  }),
});

/** Request header with which clients shorten the limit, in seconds; they cannot extend it. Services that call each other agree on it. */
const HEADER = 'x-portico-timeout';

/**
 * Sets the deadline and the signal of each request, `environ(req).deadline` and `.signal`. At the deadline the signal aborts and the
 * request gets 503, or its connection is destroyed if the headers have been sent. The signal also aborts if the client
 * disconnects.
 */
export const deadline = filterFactory(
  'deadline',
  deadlineOptions,
  (options) => {
    const left: Forwarded = ({ deadline: due }) => {
      const ms = (due ?? Number.POSITIVE_INFINITY) - performance.now();
      return ms === Number.POSITIVE_INFINITY ? undefined : [HEADER, String(Math.max(1, Math.round(ms)) / 1000)];
    };
    const forwarded: readonly Forwarded[] = [left];
    return (app) => (req, res) => {
      const exchange = exchangeOf(req);
      const limit = new TimeLimit(res, secondsFor(req, options) * 1000);
      exchange.deadline = Math.min(exchange.deadline ?? Number.POSITIVE_INFINITY, limit.due);
      exchange.forwardedHeaders = exchange.forwardedHeaders?.concat(forwarded) ?? forwarded;
      offerSignal(exchange, () => limit.signal);
      const returned = app(req, res);
      // A request with a synchronous response needs no timer and no promise. They would cost 3 µs instead of 0.4.
      return res.writableEnded ? returned : limit.enforce(returned);
    };
  },
  { openapi: openapiOf },
);

type Options = OptionsOf<typeof deadlineOptions>;

/** Returns the time limit of a request: that of its path, or less if the client wants less. */
function secondsFor(req: IncomingMessage, { defaultS, overrides }: Options): number {
  return Math.min(ofLongestPrefix(req, overrides) ?? defaultS, askedFor(req));
}

function openapiOf({ defaultS }: Options): OpenApiAdditions {
  const description = tookLonger(defaultS);
  const schema = { type: 'number', exclusiveMinimum: 0 };
  const less = { name: HEADER, in: 'header', description: 'Time limit of the request, in seconds.', schema };
  return { parameters: [less], responses: { 503: { description } } };
}

const tookLonger = (seconds: number): string => `The request took longer than ${countText(seconds, 'second')}.`;

/** The time limit of a request. The timer starts only when the signal or {@link enforce} is used. */
class TimeLimit {
  /** The deadline, in milliseconds of `performance.now()`. */
  readonly due: number;
  readonly #res: ServerResponse;
  readonly #ms: number;
  #abort: AbortController | undefined;
  #late: ((fault: Fault) => void) | undefined;
  #ended: (() => void) | undefined;
  #reason: Error | undefined;
  #watched = false;

  constructor(res: ServerResponse, ms: number) {
    this.#res = res;
    this.#ms = ms;
    this.due = performance.now() + ms;
  }

  /** Aborts at the deadline, and if the client disconnects before the end of the response. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#reason !== undefined) this.#abort.abort(this.#reason);
      this.#watch();
    }
    return this.#abort.signal;
  }

  /** Rejects at the deadline, unless the app fails or the response ends first. */
  enforce(returned: void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#late = reject;
      this.#ended = resolve;
      this.#watch();
      // Handlers of other frameworks may return any value.
      if (returned !== undefined) Promise.resolve(returned).catch(reject);
    });
  }

  #watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    const cancel = systemClock.after(this.due - performance.now(), () => this.#expire());
    afterResponse(this.#res, ({ completed }) => {
      cancel();
      if (!completed) this.#fire(abortError('the client is gone'));
      this.#ended?.();
    });
  }

  #expire(): void {
    const late = unavailable(tookLonger(this.#ms / 1000));
    muteWhenEnded(this.#res);
    this.#late?.(late);
    this.#fire(late);
  }

  #fire(reason: Error): void {
    this.#reason ??= reason;
    this.#abort?.abort(reason);
  }
}

/** Returns the limit that the client requests, in seconds; infinity if there is none or it is invalid. */
function askedFor(req: IncomingMessage): number {
  const asked = req.headers[HEADER];
  const seconds = asked === undefined ? 0 : Number(asked);
  return seconds > 0 ? seconds : Number.POSITIVE_INFINITY;
}
