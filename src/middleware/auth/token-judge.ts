/** Judges the tokens of a request. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { Fault, requestPath } from '../../app/index.js';
import { methodsOf } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import { type CompiledRules, compileRules, isAllowed, LONGEST_RULE, MOST_RULES } from './access-rules.js';
import type { AuthTokenOptions } from './auth-token-options.js';
import { isPlausible } from './presented-token.js';
import { oncePerToken, type TokenLookup } from './token-cache.js';
import { endOf, isRefused, isUnavailable, type RefusedToken, type TokenInfo } from './token-validator.js';

/** The verdict on one token. `unavailable` means that it could not be validated. */
export type Verdict =
  | { readonly status: 'absent' }
  | { readonly status: 'invalid'; readonly reason: string }
  | { readonly status: 'confirmed'; readonly info: TokenInfo }
  | { readonly status: 'unavailable' };

/** The verdicts on the caller's token and on the token of a service that acts for the caller. */
export interface Verdicts {
  readonly user: Verdict;
  readonly service: Verdict;
}

const ABSENT: Verdict = { status: 'absent' };
const invalid = (reason: string): Verdict => ({ status: 'invalid', reason });

/** Minimum interval between log lines about the same problem, in milliseconds. */
const COMPLAIN_EVERY_MS = 60_000;

function whenKnown<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** Judges tokens by validation, expiry, binding and access rules. */
export class TokenJudge {
  readonly #tokens: TokenLookup;
  readonly #options: AuthTokenOptions;
  readonly #log: Logger;
  readonly #serviceRoles: ReadonlySet<string>;
  readonly #endOf = oncePerToken(endOf);
  readonly #rulesOf = oncePerToken((info) => this.#compiledRules(info));
  readonly #failed = new Throttle(COMPLAIN_EVERY_MS);
  /** True between the log lines of an outage and of its end. */
  #isOut = false;
  readonly #withoutRole = new Throttle(COMPLAIN_EVERY_MS);
  readonly #tooManyRules = new Throttle(COMPLAIN_EVERY_MS);
  #warnedOfServiceType = false;

  constructor(tokens: TokenLookup, options: AuthTokenOptions, log: Logger) {
    this.#tokens = tokens;
    this.#options = options;
    this.#log = log;
    this.#serviceRoles = new Set(options.serviceTokenRoles);
  }

  /**
   * Judges the service token first: with a service token that has a required role, the caller's token may be expired and its access
   * rules do not apply. Returns a value, not a promise, if the tokens are cached, because promises took a third of the filter's time.
   */
  judge(req: IncomingMessage, userToken?: string, serviceToken?: string): Verdicts | Promise<Verdicts> {
    return whenKnown(this.#verdict(req, serviceToken, false), (serviceVerdict) => {
      // The request gets 503 whatever the caller's token is, so it does not wait for the identity service again.
      if (serviceVerdict.status === 'unavailable' && userToken !== undefined && !this.#options.delayAuthDecision) {
        return { user: serviceVerdict, service: serviceVerdict };
      }
      const trusted =
        serviceVerdict.status === 'confirmed' && serviceVerdict.info.roles.some((role) => this.#serviceRoles.has(role));
      const refused = serviceVerdict.status === 'confirmed' && !trusted && this.#options.serviceTokenRolesRequired;
      const service = refused ? invalid('it has none of the roles in service_token_roles') : serviceVerdict;
      if (refused) this.#warnOfRole(serviceVerdict.info);
      return whenKnown(this.#verdict(req, userToken, trusted), (found) => {
        const may = found.status !== 'confirmed' || trusted || this.#mayDo(req, found.info);
        const user = may ? found : invalid('its access rules do not allow this request');
        this.#tell('the token of a caller is refused', user);
        if (service.status === 'invalid') this.#tell('the token of a service is refused', service);
        return { user, service };
      });
    });
  }

  /** Logs why a token is refused. Callers do not learn the reason. */
  #tell(message: string, verdict: Verdict): void {
    if (verdict.status === 'absent') this.#log.debug({ reason: 'missing' }, message);
    if (verdict.status === 'invalid') this.#log.debug({ reason: verdict.reason }, message);
  }

  #verdict(req: IncomingMessage, token: string | undefined, allowExpired: boolean): Verdict | Promise<Verdict> {
    if (token === undefined) return ABSENT;
    if (!isPlausible(token)) return invalid('malformed: too long, or not printable ASCII');
    const found = this.#tokens.find(token, allowExpired);
    return found instanceof Promise ? this.#later(req, found, allowExpired) : this.#judged(req, found, allowExpired);
  }

  async #later(
    req: IncomingMessage,
    found: Promise<TokenInfo | RefusedToken>,
    allowExpired: boolean,
  ): Promise<Verdict> {
    try {
      const info = await found;
      if (this.#isOut) this.#log.info({ requests: this.#failed.takeCount() }, 'tokens are validated again');
      this.#isOut = false;
      return this.#judged(req, info, allowExpired);
    } catch (error) {
      if (error instanceof Fault) this.#tell('a token is refused', invalid(error.message));
      if (!isUnavailable(error)) throw error;
      this.#complain(error);
      return { status: 'unavailable' };
    }
  }

  #judged(req: IncomingMessage, info: TokenInfo | RefusedToken, allowExpired: boolean): Verdict {
    if (isRefused(info)) return invalid(info.refused);
    if (!allowExpired && this.#endOf(info) <= Date.now()) return invalid('expired');
    const fits = fitsBinding(info, this.#options.enforceTokenBind, req);
    return fits ? { status: 'confirmed', info } : invalid('it is not bound to the certificate of this connection');
  }

  #mayDo(req: IncomingMessage, info: TokenInfo): boolean {
    const rules = info.appCredential?.accessRules;
    if (rules === undefined || rules === null) return true;
    const { serviceType } = this.#options;
    if (serviceType !== undefined) {
      const compiled = this.#rulesOf(info);
      const path = requestPath(req);
      return methodsOf(req).every((method) => isAllowed(compiled, method, path));
    }
    if (!this.#warnedOfServiceType) {
      this.#log.warn('a token with access rules is refused: auth_token has no service_type to compare them with');
    }
    this.#warnedOfServiceType = true;
    return false;
  }

  /** Returns undefined, and logs it, if there are too many rules or too long ones. Nothing is allowed then. */
  #compiledRules(info: TokenInfo): CompiledRules {
    const compiled = compileRules(info.appCredential!.accessRules!, this.#options.serviceType!);
    if (compiled === undefined) {
      const message = `a token is refused: it has more than ${MOST_RULES} access rules, or one of more than ${LONGEST_RULE} characters; logged once a minute at most`;
      const facts = { user_id: info.userId, application_credential_id: info.appCredential?.id };
      this.#tooManyRules.tell(() => this.#log.warn(facts, message));
    }
    return compiled;
  }

  #complain(error: Error): void {
    this.#failed.tell((requests) => {
      this.#isOut = true;
      this.#log.error({ reason: error.message, requests }, 'tokens cannot be validated; logged once a minute at most');
    });
  }

  /** Services in Python accept such tokens by default, so operators who migrate need this message. */
  #warnOfRole({ userId, userName }: TokenInfo): void {
    const message =
      'the token of a service is refused: it has none of the roles in service_token_roles; logged once a minute at most';
    const facts = { user_id: userId, user_name: userName, service_token_roles: [...this.#serviceRoles] };
    this.#withoutRole.tell((requests) => this.#log.warn({ ...facts, requests }, message));
  }
}

/**
 * Reports whether the binding of a token allows its use on this connection. The only known kind is `x509`: the SHA-256 thumbprint of the
 * client certificate, in hexadecimal digits or base64url (`cnf.x5t#S256` of RFC 8705).
 */
function fitsBinding(info: TokenInfo, mode: AuthTokenOptions['enforceTokenBind'], req: IncomingMessage): boolean {
  if (mode === 'disabled') return true;
  const bind = info.bind ?? {};
  const kinds = Object.keys(bind);
  if (mode === 'required' && kinds.length === 0) return false;
  if (mode === 'x509' && !kinds.includes('x509')) return false;
  return kinds.every((kind) => (kind === 'x509' ? isPeer(bind.x509, req) : mode === 'permissive'));
}

function isPeer(thumbprint: unknown, req: IncomingMessage): boolean {
  const certificate = (req.socket as Partial<TLSSocket>).getPeerCertificate?.();
  const fingerprint = certificate?.fingerprint256;
  return typeof thumbprint === 'string' && typeof fingerprint === 'string' && hex(thumbprint) === hex(fingerprint);
}

/** Returns the lower-case hexadecimal digits of `AB:CD`, `abcd` or base64url. */
function hex(thumbprint: string): string {
  const digits = thumbprint.replaceAll(':', '').toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  return Buffer.from(thumbprint, 'base64url').toString('hex');
}
