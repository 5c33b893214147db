/**
 * From a token to what it says: out of the cache, or by asking once.
 */
import { quoteClient } from '../../app/index.js';
import type { TokenCache } from './token-cache.js';
import { isRefused, type RefusedToken, type TokenInfo, type TokenValidator } from './token-validator.js';

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
