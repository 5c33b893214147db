/** Validates the tokens of a request. */
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { Fault, requestPath } from '../../app/index.js';
import { exchangeOf, methodsOf, writtenPath } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { Throttle } from '../../log/internal.js';
import { maskUris, printable } from '../../text/index.js';
import type { AuthTokenOptions } from './auth-token-options.js';
import { isPlausible } from './presented-token.js';
import { oncePerToken, type TokenLookup } from './token-cache.js';
import {
  type AccessRule,
  endOf,
  isRefused,
  isUnavailable,
  type RefusedToken,
  type TokenInfo,
} from './token-validator.js';

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

/** Length from which a token is a secret, in characters. */
const FEWEST_SECRET = 8;

/** Maximum number of reasons of an outage in the log, in a minute. */
const MOST_REASONS = 10;

function whenKnown<T, R>(value: T | Promise<T>, use: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** Validates tokens by their signature, expiry, binding and access rules. */
export class TokenCheck {
  readonly #tokens: TokenLookup;
  readonly #options: AuthTokenOptions;
  readonly #log: Logger;
  readonly #serviceRoles: ReadonlySet<string>;
  readonly #endOf = oncePerToken(endOf);
  readonly #rulesOf = oncePerToken((info) => this.#compiledRules(info));
  /** Reasons of an outage that were logged in this minute. */
  readonly #reasons = new Set<string>();
  #reasonsSince = Number.NEGATIVE_INFINITY;
  /** Requests without a log line. */
  #unvalidated = 0;
  /** True between the log lines of an outage and of its end. */
  #isOut = false;
  readonly #withoutRole = new Throttle(COMPLAIN_EVERY_MS);
  readonly #tooManyRules = new Throttle(COMPLAIN_EVERY_MS);
  readonly #roleIsTwo = new Throttle(COMPLAIN_EVERY_MS);
  readonly #splitRoleOf = oncePerToken(({ roles }) => roles.find((role) => role.includes(',')));
  #warnedOfServiceType = false;

  constructor(tokens: TokenLookup, options: AuthTokenOptions, log: Logger) {
    this.#tokens = tokens;
    this.#options = options;
    this.#log = log;
    this.#serviceRoles = new Set(options.serviceTokenRoles);
  }

  /**
   * Validates the service token first: with a service token that has a required role, the caller's token may be expired and its access
   * rules do not apply. Returns a value, not a promise, if the tokens are cached, because promises took a third of the filter's time.
   */
  validate(req: IncomingMessage, userToken?: string, serviceToken?: string): Verdicts | Promise<Verdicts> {
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
    if (!isPlausible(token)) return invalid('malformed: too long, or not printable ASCII without blanks');
    const found = this.#tokens.find(token, allowExpired);
    if (found instanceof Promise) return this.#later(req, token, found, allowExpired);
    return this.#checked(req, found, allowExpired);
  }

  async #later(
    req: IncomingMessage,
    token: string,
    found: Promise<TokenInfo | RefusedToken>,
    allowExpired: boolean,
  ): Promise<Verdict> {
    try {
      const info = await found;
      if (this.#isOut) this.#log.info({ requests: this.#unvalidated }, 'tokens are validated again');
      if (this.#isOut) this.#unvalidated = 0;
      this.#isOut = false;
      return this.#checked(req, info, allowExpired);
    } catch (error) {
      if (error instanceof Fault) this.#tell('a token is refused', invalid(error.message));
      if (!isUnavailable(error)) throw error;
      // A validator of the application may include the token by accident. A short one would be found in words.
      const untold = token.length < FEWEST_SECRET ? error.message : error.message.replaceAll(token, '…');
      const reason = printable(maskUris(untold));
      this.#complain(reason);
      exchangeOf(req).outage = `tokens cannot be validated: ${reason}`;
      return { status: 'unavailable' };
    }
  }

  #checked(req: IncomingMessage, info: TokenInfo | RefusedToken, allowExpired: boolean): Verdict {
    if (isRefused(info)) return invalid(info.refused);
    if (!allowExpired && this.#endOf(info) <= Date.now()) return invalid('expired');
    const role = this.#options.setHeaders ? this.#splitRoleOf(info) : undefined;
    if (role !== undefined) {
      const message =
        'a token is refused: a role has a comma, and would become two roles in a header; logged once a minute at most';
      this.#roleIsTwo.tell(() => this.#log.warn({ role, user_id: info.userId }, message));
      return invalid('a role has a comma');
    }
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

  /** Logs a reason at once, unless it was logged in this minute. */
  #complain(reason: string): void {
    this.#unvalidated++;
    const now = performance.now();
    if (now - this.#reasonsSince >= COMPLAIN_EVERY_MS) {
      this.#reasons.clear();
      this.#reasonsSince = now;
    }
    if (this.#reasons.has(reason) || this.#reasons.size === MOST_REASONS) return;
    this.#reasons.add(reason);
    this.#isOut = true;
    const requests = this.#unvalidated;
    this.#unvalidated = 0;
    this.#log.error({ reason, requests }, 'tokens cannot be validated; each reason is logged once a minute at most');
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

// Access rules of application credentials, which limit the requests that a token allows (OpenStack Identity API v3).

/** The compiled rules of a token for one service type; undefined if the rules exceed the limits. */
type CompiledRules = readonly { readonly method: string; readonly fits: (path: string) => boolean }[] | undefined;

/** Maximum number of rules of a token for one service. A token with more is refused. */
const MOST_RULES = 100;
/** Maximum length of the path of a rule, in characters. Keystone stores 128 characters. */
const LONGEST_RULE = 255;

/** Compiles the rules for this service type. Returns undefined if they exceed {@link MOST_RULES} or {@link LONGEST_RULE}. */
function compileRules(rules: readonly AccessRule[], serviceType: string): CompiledRules {
  const own = rules.filter(({ service }) => service === serviceType);
  if (own.length > MOST_RULES || own.some(({ path }) => path.length > LONGEST_RULE)) return undefined;
  return own.map(({ method, path }) => ({ method, fits: pathTest(path) }));
}

/** Reports whether one of the rules allows a request. `path` is the result of `requestPath(req)`. */
function isAllowed(rules: CompiledRules, method: string, path: string): boolean {
  return rules?.some((rule) => rule.method === method && rule.fits(path)) === true;
}

const ANYTHING = '**';
const SLASH = '/'.charCodeAt(0);
/** Number of states in one integer. */
const BITS = 32;

/**
 * Compiles the path of a rule to a test of decoded paths without a query. `*` and `{name}` match one or more characters within a
 * segment, so also a part of a segment; `**` matches any text, also none; other characters match themselves, percent-encoded or not.
 *
 * Clients write the rules, so the match never backtracks: a bit set holds the offsets in the pattern that the path can have reached,
 * and each character advances it (the shift-and algorithm of Baeza-Yates and Gonnet).
 */
export function pathTest(pattern: string): (path: string) => boolean {
  const tokens = tokensOf(pattern);
  const words = Math.floor(tokens.length / BITS) + 1;
  const anything = new Int32Array(words);
  const segment = new Int32Array(words);
  const literals = new Map<number, Int32Array>();
  for (const [at, token] of tokens.entries()) {
    if (typeof token === 'number' && !literals.has(token)) literals.set(token, new Int32Array(words));
    const bits = typeof token === 'number' ? literals.get(token)! : token === ANYTHING ? anything : segment;
    bits[at >> 5]! |= 1 << at;
  }
  const none = new Int32Array(words);
  const end = 1 << tokens.length;
  return (path) => {
    const states = new Int32Array(words);
    states[0] = 1 | ((anything[0]! & 1) << 1);
    for (let at = 0; at < path.length; at++) {
      const char = path.charCodeAt(at);
      const literal = literals.get(char) ?? none;
      let alive = 0;
      let moved = 0;
      let passed = 0;
      for (let word = 0; word < words; word++) {
        const state = states[word]!;
        const within = char === SLASH ? 0 : state & segment[word]!;
        const left = within | (state & literal[word]!);
        let next = (left << 1) | moved | within | (state & anything[word]!) | passed;
        moved = left >>> 31;
        // `**` also matches the empty string. Two of them are never adjacent.
        const empty = next & anything[word]!;
        next |= empty << 1;
        passed = empty >>> 31;
        states[word] = next;
        alive |= next;
      }
      if (alive === 0) return false;
    }
    return (states[words - 1]! & end) !== 0;
  };
}

/** Splits a pattern into wildcards and character codes. */
function tokensOf(pattern: string): (number | '*' | '**')[] {
  const tokens: (number | '*' | '**')[] = [];
  for (const part of pattern.split(/(\*\*|\*|\{[^{}/]*\})/)) {
    if (part === ANYTHING) {
      if (tokens.at(-1) !== ANYTHING) tokens.push(ANYTHING);
    } else if (part === '*' || /^\{[^{}/]*\}$/.test(part)) tokens.push('*');
    else for (let at = 0, text = writtenPath(part); at < text.length; at++) tokens.push(text.charCodeAt(at));
  }
  return tokens;
}
