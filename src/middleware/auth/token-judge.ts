/**
 * What becomes of the tokens a request came with.
 */
import type { IncomingMessage } from 'node:http';
import { environ } from '../../app/index.js';
import type { Logger } from '../../log.js';
import { systemClock } from '../../tasks/index.js';
import { accessRulesOf, isAllowed } from './access-rules.js';
import type { AuthTokenOptions } from './auth-token-options.js';
import { oncePerToken } from './once-per-token.js';
import { isPlausible } from './presented-token.js';
import { fitsBinding } from './token-bind.js';
import type { TokenLookup } from './token-lookup.js';
import { endOf, isUnavailable, type TokenInfo } from './token-validator.js';

/** One token: not there, good, bad, or nobody can tell. */
export type Verdict =
  | { readonly status: 'absent' | 'invalid' }
  | { readonly status: 'confirmed'; readonly info: TokenInfo }
  | { readonly status: 'unavailable'; readonly cause: Error };

/** The caller's token, and that of the service which asks for the caller. */
export interface Verdicts {
  readonly user: Verdict;
  readonly service: Verdict;
}

const ABSENT: Verdict = { status: 'absent' };
const INVALID: Verdict = { status: 'invalid' };

/** How often the log says that tokens cannot be validated, at most, in milliseconds. */
const COMPLAIN_EVERY_MS = 60_000;

function whenKnown<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** Judges tokens by lookup, time, binding and access rules. */
export class TokenJudge {
  readonly #tokens: TokenLookup;
  readonly #options: AuthTokenOptions;
  readonly #log: Logger;
  readonly #serviceRoles: ReadonlySet<string>;
  readonly #endOf = oncePerToken(endOf);
  #complainedAt = Number.NEGATIVE_INFINITY;
  #warnedOfServiceType = false;

  constructor(tokens: TokenLookup, options: AuthTokenOptions, log: Logger) {
    this.#tokens = tokens;
    this.#options = options;
    this.#log = log;
    this.#serviceRoles = new Set(options.serviceTokenRoles);
  }

  /**
   * The service's token comes first: with a service that has a role for it, the caller's may be over, and is not held to
   * access rules. At once where the tokens are known: promises alone took a third of the filter's time.
   */
  judge(req: IncomingMessage, userToken?: string, serviceToken?: string): Verdicts | Promise<Verdicts> {
    return whenKnown(this.#verdict(req, serviceToken, false), (given) => {
      const trusted = given.status === 'confirmed' && given.info.roles.some((role) => this.#serviceRoles.has(role));
      const refused = given.status === 'confirmed' && !trusted && this.#options.serviceTokenRolesRequired;
      const service = refused ? INVALID : given;
      return whenKnown(this.#verdict(req, userToken, trusted), (user) => {
        const may = user.status !== 'confirmed' || trusted || this.#mayDo(req, user.info);
        return { user: may ? user : INVALID, service };
      });
    });
  }

  #verdict(req: IncomingMessage, token: string | undefined, allowExpired: boolean): Verdict | Promise<Verdict> {
    if (token === undefined) return ABSENT;
    if (!isPlausible(token)) return INVALID;
    const found = this.#tokens.find(token, allowExpired);
    return found instanceof Promise ? this.#later(req, found, allowExpired) : this.#judged(req, found, allowExpired);
  }

  async #later(req: IncomingMessage, found: Promise<TokenInfo | null>, allowExpired: boolean): Promise<Verdict> {
    try {
      return this.#judged(req, await found, allowExpired);
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      this.#complain(error);
      return { status: 'unavailable', cause: error };
    }
  }

  #judged(req: IncomingMessage, info: TokenInfo | null, allowExpired: boolean): Verdict {
    if (info === null || (!allowExpired && this.#endOf(info) <= Date.now())) return INVALID;
    return fitsBinding(info, this.#options.enforceTokenBind, req) ? { status: 'confirmed', info } : INVALID;
  }

  #mayDo(req: IncomingMessage, info: TokenInfo): boolean {
    const rules = accessRulesOf(info);
    if (rules === undefined || rules === null) return true;
    const { serviceType } = this.#options;
    if (serviceType !== undefined) {
      return isAllowed(rules, serviceType, req.method ?? '', environ(req).originalUrl.split('?', 1)[0]!);
    }
    if (!this.#warnedOfServiceType) {
      this.#log.warn('a token with access rules is refused: auth_token has no service_type to compare them with');
    }
    this.#warnedOfServiceType = true;
    return false;
  }

  #complain(error: Error): void {
    const now = systemClock.now();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#log.error('tokens cannot be validated; said once a minute at most', { reason: error.message });
  }
}
