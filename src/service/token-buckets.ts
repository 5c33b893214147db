/**
 * Token buckets: one for each key, filled at a steady rate up to a limit; each request takes a token.
 *
 * The package rate-limiter-flexible is not used, because it counts in fixed windows, has a timer for each key and no limit for the
 * number of keys.
 */
import { workerLink } from './worker-link.js';

/** One of so many tokens of a bucket may be lent: the part of its burst that a caller may be refused while others have it. */
const MOST_LENT = 8;

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
  /** Tokens outside of the bucket that may return: it is full without them. */
  readonly lent: number;
}

/** Buckets by key. Needs a map entry for each key, and no timer. */
export class TokenBuckets {
  readonly #options: BucketOptions;
  /** In order of use: the first one was idle longest. */
  readonly #buckets = new Map<string, Bucket>();
  /** Milliseconds until the bucket that was changed last is full. */
  resetMs = 0;

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

  /** Takes tokens that were granted elsewhere. `now` in milliseconds. */
  spend(key: string, tokens: number, now: number): void {
    const { lent, tokens: filled } = this.#filled(key, now);
    this.#set(key, { tokens: Math.min(this.#options.burst - lent, filled - tokens), at: now, lent });
  }

  /** Takes a token; a token that will be available within `patienceMs` is granted in advance. `now` in milliseconds. */
  take(key: string, now: number, patienceMs = 0): Taken {
    const { rate, burst, maxKeys } = this.#options;
    const { lent, tokens: filled } = this.#filled(key, now);
    const waitMs = filled >= 1 ? 0 : ((1 - filled) / rate) * 1000;
    const granted = waitMs <= patienceMs;
    const tokens = granted ? filled - 1 : filled;
    this.#buckets.delete(key);
    this.#set(key, { tokens, at: now, lent });
    if (this.#buckets.size > maxKeys) this.forgetOldest();
    return { granted, waitMs, left: Math.max(0, Math.floor(tokens)), resetMs: ((burst - tokens) / rate) * 1000 };
  }

  /**
   * Lends tokens to one of several borrowers: its part of an eighth of what is left. Returns their number; 0 if that is less than `least`.
   */
  lend(key: string, borrowers: number, least: number, now: number): number {
    const bucket = this.#filled(key, now);
    const most = Math.min(bucket.tokens / borrowers, this.#options.burst - bucket.lent * MOST_LENT) / MOST_LENT;
    if (most < least) return 0;
    const tokens = Math.floor(most);
    this.#set(key, { tokens: bucket.tokens - tokens, at: now, lent: bucket.lent + tokens });
    return tokens;
  }

  /** Ends a loan of `lent` tokens, of which `unused` return; `now` may be past. A bucket that was dropped gets nothing. */
  settle(key: string, lent: number, unused: number, now: number): void {
    if (!this.#buckets.has(key)) return;
    const bucket = this.#filled(key, now);
    const others = Math.max(0, bucket.lent - lent);
    const tokens = Math.min(this.#options.burst - others, bucket.tokens + unused);
    this.#set(key, { tokens, at: bucket.at, lent: others });
  }

  #filled(key: string, now: number): Bucket {
    const { rate, burst } = this.#options;
    const before = this.#buckets.get(key);
    if (before === undefined) return { tokens: burst, at: now, lent: 0 };
    const at = Math.max(now, before.at);
    const tokens = Math.min(burst - before.lent, before.tokens + ((at - before.at) / 1000) * rate);
    return { tokens, at, lent: before.lent };
  }

  #set(key: string, bucket: Bucket): void {
    this.#buckets.set(key, bucket);
    this.resetMs = ((this.#options.burst - bucket.tokens) / this.#options.rate) * 1000;
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
   * Like {@link TokenBuckets.take}; without a promise if this process has a token of the bucket, or if the parent is silent: then only tokens
   * that this process has are granted. Never rejects.
   */
  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken> | Taken;
  /** True if the parent has not replied for a second. A shorter delay is that of a busy machine: a request waits for it. */
  readonly isSilent: boolean;
}

/** Returns the shared buckets; undefined in a process that is not a worker of a launcher. */
export function sharedBuckets(): SharedBuckets | undefined {
  return workerLink<{ readonly buckets?: SharedBuckets }>()?.buckets;
}
