/** Caches the results of token validation, and shares concurrent validations. */
import { createHmac, hash } from 'node:crypto';
import { quoteClient } from '../../app/index.js';
import type { Clock } from '../../tasks/index.js';
import { systemClock } from '../../tasks/internal.js';
import { endOf, isRefused, type RefusedToken, type TokenInfo, type TokenValidator } from './token-validator.js';

/** Lifetimes and limits of a token cache. */
export interface TokenCacheOptions {
  /** Lifetime of valid tokens, in seconds. 0 or less disables their cache. */
  readonly lifeS: number;
  /** Lifetime of refused tokens, in seconds. */
  readonly negativeLifeS: number;
  readonly maxEntries: number;
  /** Key of the hash of a token, if set. */
  readonly secretKey?: string | undefined;
  readonly clock?: Clock;
  /** Returns the time in milliseconds since 1970, for the expiry of tokens. */
  readonly wallClock?: () => number;
}

/** Maximum number of refused tokens in the cache. Clients can produce any number of them. */
const MAX_NEGATIVE = 1000;

interface Entry {
  readonly answer: TokenInfo | RefusedToken;
  readonly until: number;
  /** When the token is no longer accepted, in milliseconds since 1970. */
  readonly ends: number;
}

/**
 * Caches validation results in this process. The keys are hashes, so no token is stored. The least recently used token is evicted first.
 * Valid and refused tokens have separate limits, so that a flood of invalid tokens does not evict valid ones.
 */
export class TokenCache {
  readonly #options: TokenCacheOptions;
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  readonly #good = new Map<string, Entry>();
  readonly #bad = new Map<string, Entry>();

  constructor(options: TokenCacheOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#wallClock = options.wallClock ?? Date.now;
  }

  /** Returns the cache key of a token. With `allowExpired` the key differs, because such a result does not hold for other requests. */
  keyOf(token: string, allowExpired: boolean): string {
    const { secretKey } = this.#options;
    // A createHash object per request has memory outside the V8 heap, which makes garbage collection expensive.
    const key =
      secretKey === undefined
        ? hash('sha256', token, 'base64url')
        : createHmac('sha256', secretKey).update(token).digest('base64url');
    return allowExpired ? `${key}+` : key;
  }

  /** Returns the cached result, or undefined. */
  get(key: string): TokenInfo | RefusedToken | undefined {
    const entry = this.#good.get(key) ?? this.#bad.get(key);
    if (entry === undefined) return undefined;
    const bad = isRefused(entry.answer);
    const store = bad ? this.#bad : this.#good;
    if (entry.until <= this.#clock.now() || entry.ends <= this.#wallClock()) {
      store.delete(key);
      return undefined;
    }
    // A use moves the token to the end only if the store is more than half full: before that, at least as many new tokens as half of
    // the limit must arrive before it is evicted.
    if (store.size > (bad ? MAX_NEGATIVE : this.#options.maxEntries) / 2) {
      store.delete(key);
      store.set(key, entry);
    }
    return entry.answer;
  }

  /** Caches a result until the token expires. With `allowExpired` the expiry does not matter. */
  set(key: string, answer: TokenInfo | RefusedToken, allowExpired = false): void {
    const { lifeS, negativeLifeS, maxEntries } = this.#options;
    this.delete(key);
    const bad = isRefused(answer);
    const ends = bad || allowExpired ? Number.POSITIVE_INFINITY : endOf(answer);
    const lifeMs = Math.min((bad ? negativeLifeS : lifeS) * 1000, ends - this.#wallClock());
    if (!(lifeMs > 0)) return;
    const store = bad ? this.#bad : this.#good;
    store.set(key, { answer, until: this.#clock.now() + lifeMs, ends });
    if (store.size <= (bad ? MAX_NEGATIVE : maxEntries)) return;
    for (const oldest of store.keys()) {
      store.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#good.delete(key);
    this.#bad.delete(key);
  }
}

/** Returns a function that calls `make` once for each validated token and caches the value as long as the token is cached. */
export function oncePerToken<T>(make: (info: TokenInfo) => T): (info: TokenInfo) => T {
  const made = new WeakMap<TokenInfo, { readonly value: T }>();
  return (info) => {
    let known = made.get(info);
    if (known === undefined) {
      known = { value: make(info) };
      made.set(info, known);
    }
    return known.value;
  };
}

/** Looks up tokens in the cache, and validates the others. Concurrent requests with the same token share one validation. */
export class TokenLookup {
  readonly #validator: TokenValidator;
  readonly #cache: TokenCache;
  readonly #pending = new Map<string, Promise<TokenInfo | RefusedToken>>();
  readonly #closing = new AbortController();

  constructor(validator: TokenValidator, cache: TokenCache) {
    this.#validator = validator;
    this.#cache = cache;
  }

  /** Returns the result of a cached token, otherwise a promise. The promise rejects as the validator does. */
  find(token: string, allowExpired: boolean): TokenInfo | RefusedToken | Promise<TokenInfo | RefusedToken> {
    const key = this.#cache.keyOf(token, allowExpired);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const asked: Promise<TokenInfo | RefusedToken> = this.#ask(token, allowExpired).then(
      (info) => {
        if (this.#forget(key, asked)) this.#cache.set(key, info, allowExpired);
        return info;
      },
      (error: unknown) => {
        this.#forget(key, asked);
        throw error;
      },
    );
    this.#pending.set(key, asked);
    return asked;
  }

  /** Forgets a token, also during its validation: the next request with it is validated again. */
  invalidate(token: string): void {
    for (const allowExpired of [false, true]) {
      const key = this.#cache.keyOf(token, allowExpired);
      this.#cache.delete(key);
      this.#pending.delete(key);
    }
    this.#validator.forget?.(token);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#validator.stop?.();
  }

  /** Freezes the result, because many requests share it. */
  async #ask(token: string, allowExpired: boolean): Promise<TokenInfo | RefusedToken> {
    const info = await this.#validator.validate(token, { allowExpired, signal: this.#closing.signal });
    if (info === null || info === undefined) return { refused: 'the validator does not accept it' };
    // The reason is logged. A validator may include the token in it by accident.
    if (isRefused(info)) return { refused: quoteClient(String(info.refused).replaceAll(token, '…')) };
    return Object.freeze({ ...info, roles: Object.freeze([...(info.roles ?? [])]) });
  }

  #forget(key: string, asked: Promise<TokenInfo | RefusedToken>): boolean {
    return this.#pending.get(key) === asked && this.#pending.delete(key);
  }
}
