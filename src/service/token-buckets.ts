/**
 * Token buckets: one for each key, filled at a steady rate up to a limit; each request takes a token. Those of an API are in one process: the
 * parent of its workers, or the only one. They outlive its workers, its pipelines and reloads.
 *
 * The package rate-limiter-flexible is not used, because it counts in fixed windows, has a timer for each key and no limit for the
 * number of keys.
 */
import type { Config } from '../config/index.js';
import { systemClock } from '../tasks/internal.js';
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

/**
 * Most buckets of all rules together; 60 MB. Beyond that, the longest idle bucket of the longest idle rule is dropped.
 */
const MOST_KEYS = 300_000;
/** Most rules; beyond that, the longest idle one is dropped. */
const MOST_RULES = 1000;

interface RuleBuckets {
  readonly buckets: TokenBuckets;
  /** Time at which all buckets are full unless a token is taken: a full bucket has no more information than none. */
  fullAt: number;
}

/** The buckets of all rules of a service. */
export class ServiceBuckets {
  /** Buckets by the rule's id, in the order of use. */
  readonly #rules = new Map<string, RuleBuckets>();
  #keys = 0;

  /** Takes a token, like {@link TokenBuckets.take}. */
  take(rule: SharedRule, key: string, patienceMs: number, now: number): Taken {
    const of = this.#bucketsOf(rule, now);
    const before = of.buckets.size;
    const taken = of.buckets.take(key, now, patienceMs);
    this.#keys += of.buckets.size - before;
    if (this.#keys > MOST_KEYS) this.#forgetOne();
    of.fullAt = Math.max(of.fullAt, now + taken.resetMs);
    return taken;
  }

  /** Returns a token that was taken and that nobody used. */
  giveBack({ id }: SharedRule, key: string): void {
    this.#rules.get(id)?.buckets.giveBack(key);
  }

  /** Number of buckets. */
  get size(): number {
    return this.#keys;
  }

  /** Drops rules whose buckets are full: nothing is lost. */
  sweep(now: number): void {
    for (const [id, { fullAt }] of this.#rules) {
      if (fullAt <= now) this.#forget(id);
    }
  }

  #bucketsOf({ id, ...options }: SharedRule, now: number): RuleBuckets {
    let found = this.#rules.get(id);
    if (found === undefined) {
      // A new rule often replaces another one.
      this.sweep(now);
      found = { buckets: new TokenBuckets(options), fullAt: 0 };
    }
    this.#rules.delete(id);
    this.#rules.set(id, found);
    if (this.#rules.size > MOST_RULES) this.#forget(this.#rules.keys().next().value!);
    return found;
  }

  #forget(id: string): void {
    this.#keys -= this.#rules.get(id)?.buckets.size ?? 0;
    this.#rules.delete(id);
  }

  #forgetOne(): void {
    for (const { buckets } of this.#rules.values()) {
      if (!buckets.forgetOldest()) continue;
      this.#keys -= 1;
      return;
    }
  }
}

/** The buckets of a service, for its filters. */
export interface SharedBuckets {
  /**
   * Like {@link ServiceBuckets.take}. In a worker a promise, or refused without one if the parent is silent. Never rejects.
   */
  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken> | Taken;
  /** True if the parent has not replied for a second. A shorter delay is that of a busy machine: a request waits for it. */
  readonly isSilent: boolean;
}

/** Of processes that are no workers: by configuration, which reloads continue, and by service. */
const OWN = new WeakMap<object, Map<string, SharedBuckets>>();

/** Returns the buckets of a service: in a worker those in the parent, which all workers share, otherwise those of this process. */
export function sharedBuckets({ lineage }: Config, service: string): SharedBuckets {
  const inParent = workerLink<{ readonly buckets?: SharedBuckets }>()?.buckets;
  if (inParent !== undefined) return inParent;
  const services = OWN.get(lineage) ?? new Map<string, SharedBuckets>();
  OWN.set(lineage, services);
  const own = services.get(service) ?? ownBuckets();
  services.set(service, own);
  return own;
}

function ownBuckets(): SharedBuckets {
  const buckets = new ServiceBuckets();
  return {
    take: (rule, key, patienceMs) => buckets.take(rule, key, patienceMs, systemClock.now()),
    isSilent: false,
  };
}
