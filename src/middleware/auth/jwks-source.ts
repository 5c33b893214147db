/**
 * An issuer's keys, read over HTTP and kept.
 */
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { type Clock, systemClock } from '../../tasks/index.js';
import type { JwtOptions } from './auth-token-options.js';
import { ValidatorUnavailable } from './token-validator.js';

/** Reads what is at the issuer; throws when it cannot be read. */
export type ReadKeys = () => Promise<JWTVerifyGetKey>;

type Times = Pick<JwtOptions, 'jwksCooldownS' | 'jwksMaxAgeS' | 'jwksStaleS'>;

/**
 * Keys that are read on first use, again after `jwks_max_age_s`, and for a key that is not among them; never more often than
 * each `jwks_cooldown_s`. While they cannot be read the old ones count on, for `jwks_stale_s`.
 */
export class JwksSource {
  readonly #read: ReadKeys;
  readonly #times: Times;
  readonly #clock: Clock;
  #keys: JWTVerifyGetKey | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> | undefined;

  constructor(read: ReadKeys, times: Times, clock: Clock = systemClock) {
    this.#read = read;
    this.#times = times;
    this.#clock = clock;
  }

  /** The key for a token; for `jwtVerify`. Throws {@link ValidatorUnavailable} when there are no keys to look in. */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    const keys = await this.#current();
    try {
      return await keys(header, token);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_JWKS_NO_MATCHING_KEY' || !this.#mayRead()) throw error;
      await this.#refresh();
      return (await this.#current())(header, token);
    }
  };

  async #current(): Promise<JWTVerifyGetKey> {
    const { jwksMaxAgeS, jwksStaleS } = this.#times;
    if (this.#ageS() >= jwksMaxAgeS && (this.#keys === undefined || this.#pending || this.#mayRead())) {
      await this.#refresh();
    }
    if (this.#keys === undefined || this.#ageS() >= jwksMaxAgeS + jwksStaleS) {
      throw new ValidatorUnavailable('the keys that tokens are signed with cannot be read');
    }
    return this.#keys;
  }

  #ageS(): number {
    return (this.#clock.now() - this.#readAt) / 1000;
  }

  #mayRead(): boolean {
    return this.#clock.now() - this.#triedAt >= this.#times.jwksCooldownS * 1000;
  }

  /** One request for all callers that wait. A failure keeps the old keys. */
  #refresh(): Promise<void> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #load(): Promise<void> {
    this.#triedAt = this.#clock.now();
    try {
      this.#keys = await this.#read();
      this.#readAt = this.#clock.now();
    } catch (error) {
      if (this.#keys === undefined) throw new ValidatorUnavailable(`keys: ${(error as Error).message}`, error);
    }
  }
}

/** Reads the keys at `jwksUri`, or where the issuer's own document (OpenID Connect Discovery 1.0) says they are. */
export function remoteKeys({ jwksUri, issuer, jwksTimeoutMs }: JwtOptions): () => Promise<JSONWebKeySet> {
  const get = async (url: string): Promise<Record<string, unknown>> => {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(jwksTimeoutMs) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return (await response.json()) as Record<string, unknown>;
  };
  return async () => {
    if (jwksUri !== undefined) return (await get(jwksUri)) as unknown as JSONWebKeySet;
    const document = await get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (document.issuer !== issuer) throw new Error(`the document of ${issuer} is that of another issuer`);
    return (await get(String(document.jwks_uri))) as unknown as JSONWebKeySet;
  };
}
