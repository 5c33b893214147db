/**
 * Known facts about tokens, for a while: from the cache, or from one request.
 */
import { createHmac, hash } from 'node:crypto';
import { quoteClient } from '../../app/index.js';
import type { Clock } from '../../tasks/index.js';
import { systemClock } from '../../tasks/internal.js';
import { endOf, isRefused, type RefusedToken, type TokenInfo, type TokenValidator } from './token-validator.js';

/** How long and how much is remembered. */
export interface TokenCacheOptions {
  /** For valid tokens, in seconds; 0 or less: not at all. */
  readonly lifeS: number;
  /** For bad ones. */
  readonly negativeLifeS: number;
  readonly maxEntries: number;
  /** Mixed into the keys. */
  readonly secretKey?: string | undefined;
  readonly clock?: Clock;
  /** The time of day, in milliseconds since 1970: tokens end by it. */
  readonly wallClock?: () => number;
}

/** How many bad tokens are remembered at most: they cost an attacker nothing. */
const MAX_NEGATIVE = 1000;

interface Entry {
  readonly answer: TokenInfo | RefusedToken;
  readonly until: number;
  /** When the token ends, by the time of day. */
  readonly ends: number;
}

/**
 * Answers about tokens, in this process. The key is a hash: no token is stored. One that was not used lately
 * goes first. Valid and bad ones have a bound each, so that a flood of made-up tokens does not push out the good ones.
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

  /** Answers that hold for expired tokens too are kept apart: they say nothing about others. */
  keyOf(token: string, allowExpired: boolean): string {
    const { secretKey } = this.#options;
    // Not createHash: an object with memory outside of V8's for each request, of which its collections have the work.
    const key =
      secretKey === undefined
        ? hash('sha256', token, 'base64url')
        : createHmac('sha256', secretKey).update(token).digest('base64url');
    return allowExpired ? `${key}+` : key;
  }

  /** Undefined for a token that is not known. */
  get(key: string): TokenInfo | RefusedToken | undefined {
    const entry = this.#good.get(key) ?? this.#bad.get(key);
    if (entry === undefined) return undefined;
    const bad = isRefused(entry.answer);
    const store = bad ? this.#bad : this.#good;
    if (entry.until <= this.#clock.now() || entry.ends <= this.#wallClock()) {
      store.delete(key);
      return undefined;
    }
    // Below half of the bound a use does not move a token: it is forgotten after half as many new ones at the earliest.
    if (store.size > (bad ? MAX_NEGATIVE : this.#options.maxEntries) / 2) {
      store.delete(key);
      store.set(key, entry);
    }
    return entry.answer;
  }

  set(key: string, answer: TokenInfo | RefusedToken): void {
    const { lifeS, negativeLifeS, maxEntries } = this.#options;
    this.delete(key);
    const bad = isRefused(answer);
    const ends = bad ? Number.POSITIVE_INFINITY : endOf(answer);
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

/** Remembers what `make` gave for what a token says, for as long as that is remembered itself. It never changes. */
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

/** Asks the validator for what the cache does not know. Requests with one token at one time ask once together. */
export class TokenLookup {
  readonly #validator: TokenValidator;
  readonly #cache: TokenCache;
  readonly #pending = new Map<string, Promise<TokenInfo | RefusedToken>>();
  readonly #closing = new AbortController();

  constructor(validator: TokenValidator, cache: TokenCache) {
    this.#validator = validator;
    this.#cache = cache;
  }

  /** At once for a token that is known, else a promise, which rejects as the validator does. */
  find(token: string, allowExpired: boolean): TokenInfo | RefusedToken | Promise<TokenInfo | RefusedToken> {
    const key = this.#cache.keyOf(token, allowExpired);
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const asked: Promise<TokenInfo | RefusedToken> = this.#ask(token, allowExpired).then(
      (info) => {
        if (this.#forget(key, asked)) this.#cache.set(key, info);
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

  /** Forgets a token, also one that is being asked about: the next request with it asks anew. */
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

  /** Many requests will see the answer: none may change it for the others. */
  async #ask(token: string, allowExpired: boolean): Promise<TokenInfo | RefusedToken> {
    const info = await this.#validator.validate(token, { allowExpired, signal: this.#closing.signal });
    if (info === null || info === undefined) return { refused: 'the validator does not accept it' };
    // The author of a validator may forget that reasons are for the log.
    if (isRefused(info)) return { refused: quoteClient(String(info.refused).replaceAll(token, '…')) };
    return Object.freeze({ ...info, roles: Object.freeze([...(info.roles ?? [])]) });
  }

  #forget(key: string, asked: Promise<TokenInfo | RefusedToken>): boolean {
    return this.#pending.get(key) === asked && this.#pending.delete(key);
  }
}
