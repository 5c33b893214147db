/**
 * Token buckets: one for each key, filled at a steady rate up to a limit, and a token for each request.
 *
 * The package rate-limiter-flexible counts in fixed windows, has a timer for each key and no bound for their number.
 */

/** Options common to all buckets of a rule. */
export interface BucketOptions {
  /** Tokens a second. */
  readonly rate: number;
  /** Tokens a full bucket holds. */
  readonly burst: number;
  /** More keys than this: those that were idle longest are forgotten. */
  readonly maxKeys: number;
}

/** Outcome of taking a token. */
export interface Taken {
  readonly granted: boolean;
  /** Until there is a token: before it may be used if granted, before it may be asked for again if not. */
  readonly waitMs: number;
  /** Whole tokens left. */
  readonly left: number;
  /** Until the bucket is full. */
  readonly resetMs: number;
}

/** Buckets by key. Costs a map entry for each caller, and no timer. */
export class TokenBuckets {
  readonly #options: BucketOptions;
  /** In the order of use, so the first one is the longest idle. */
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** False: there is none. */
  forgetOldest(): boolean {
    const [oldest] = this.#buckets.keys();
    return oldest !== undefined && this.#buckets.delete(oldest);
  }

  /** Takes a token; one that comes within `patienceMs` is lent. `now` in milliseconds. */
  take(key: string, now: number, patienceMs = 0): Taken {
    const { rate, burst, maxKeys } = this.#options;
    const before = this.#buckets.get(key);
    const filled = before === undefined ? burst : Math.min(burst, before.tokens + ((now - before.at) / 1000) * rate);
    const waitMs = filled >= 1 ? 0 : ((1 - filled) / rate) * 1000;
    const granted = waitMs <= patienceMs;
    const tokens = granted ? filled - 1 : filled;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at: now });
    if (this.#buckets.size > maxKeys) this.forgetOldest();
    return {
      granted,
      waitMs,
      left: Math.max(0, Math.floor(tokens)),
      resetMs: ((burst - tokens) / rate) * 1000,
    };
  }
}

/** A rule with buckets of its own. */
export interface SharedRule extends BucketOptions {
  /** The same in all workers of the service, and after a reload: a rule that is written differently has new buckets. */
  readonly id: string;
}

/** Buckets that all workers of a service share: they are in the parent. */
export interface SharedBuckets {
  /**
   * As {@link TokenBuckets.take}. Undefined: they cannot be asked now; settles with undefined when they do not answer in
   * time, and never rejects.
   */
  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken | undefined> | undefined;
}

/** Key under which launchers leave the link, on the process of a worker. */
const WORKER_LINK = Symbol.for('portico.worker');

/** Undefined in a process that is no worker of a launcher. */
export function sharedBuckets(): SharedBuckets | undefined {
  return (process as { [WORKER_LINK]?: { readonly buckets?: SharedBuckets } })[WORKER_LINK]?.buckets;
}
