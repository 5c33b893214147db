/**
 * Token buckets: one for each key, filled at a steady rate up to a limit; each request takes a token.
 *
 * The package rate-limiter-flexible is not used, because it counts in fixed windows, has a timer for each key and no limit for the
 * number of keys.
 */
import { workerLink } from './worker-link.js';

/** Options of all buckets of a rule. */
export interface BucketOptions {
  /** Tokens per second. */
  readonly rate: number;
  /** Capacity of a bucket, in tokens. */
  readonly burst: number;
  /** Maximum number of keys; the keys that were idle longest are dropped. */
  readonly maxKeys: number;
}

/** Result of taking a token. */
export interface Taken {
  readonly granted: boolean;
  /** Milliseconds until the token may be used if granted, or until the next attempt if not. */
  readonly waitMs: number;
  /** Whole tokens left. */
  readonly left: number;
  /** Milliseconds until the bucket is full. */
  readonly resetMs: number;
}

interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** Buckets by key. Needs a map entry for each key, and no timer. */
export class TokenBuckets {
  readonly #options: BucketOptions;
  /** In order of use: the first one was idle longest. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: BucketOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Drops the bucket that was idle longest. Returns false if there is none. */
  forgetOldest(): boolean {
    const [oldest] = this.#buckets.keys();
    return oldest !== undefined && this.#buckets.delete(oldest);
  }

  /** Takes a token; a token that will be available within `patienceMs` is granted in advance. `now` in milliseconds. */
  take(key: string, now: number, patienceMs = 0): Taken {
    const { rate, burst, maxKeys } = this.#options;
    const before = this.#buckets.get(key);
    const at = Math.max(now, before?.at ?? now);
    const filled = before === undefined ? burst : Math.min(burst, before.tokens + ((at - before.at) / 1000) * rate);
    const waitMs = filled >= 1 ? 0 : ((1 - filled) / rate) * 1000;
    const granted = waitMs <= patienceMs;
    const tokens = granted ? filled - 1 : filled;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at });
    if (this.#buckets.size > maxKeys) this.forgetOldest();
    return { granted, waitMs, left: Math.max(0, Math.floor(tokens)), resetMs: ((burst - tokens) / rate) * 1000 };
  }

  /** Returns a token that was taken and that nobody used. */
  giveBack(key: string): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined)
      this.#buckets.set(key, { ...bucket, tokens: Math.min(this.#options.burst, bucket.tokens + 1) });
  }
}

/** A rule with separate buckets. */
export interface SharedRule extends BucketOptions {
  /** The same in all workers of the service and after a reload. A changed rule gets new buckets. */
  readonly id: string;
}

/** Buckets in the parent, shared by all workers of a service. */
export interface SharedBuckets {
  /**
   * Like {@link TokenBuckets.take}; without a promise, and refused, if the parent is silent. Never rejects.
   */
  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken> | Taken;
  /** True if the parent has not replied for a second. A shorter delay is that of a busy machine: a request waits for it. */
  readonly isSilent: boolean;
}

/** Returns the shared buckets; undefined in a process that is not a worker of a launcher. */
export function sharedBuckets(): SharedBuckets | undefined {
  return workerLink<{ readonly buckets?: SharedBuckets }>()?.buckets;
}
