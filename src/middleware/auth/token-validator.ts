/** The interface of token validators for auth_token. */
import type { Config } from '../../config/index.js';
import { type Origin, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { Awaitable } from '../../service/index.js';
import type { AuthTokenOptions } from './auth-token-options.js';

/** A reference with an id and a name, such as a domain. */
export interface Named {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** An access rule: a kind of request that a token allows. */
export interface AccessRule {
  readonly service: string;
  readonly method: string;
  /** `*` and `{name}` match one or more characters within a segment; `**` matches any text. */
  readonly path: string;
}

/** The application credential that a token was obtained with. */
export interface AppCredential {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly restricted?: boolean | undefined;
  /** If absent, the token allows every request. If empty, it allows none. */
  readonly accessRules?: readonly AccessRule[] | undefined;
}

/** The content of a valid token. It is scoped to at most one of project, domain and system. */
export interface TokenInfo {
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  readonly userDomain?: Named | undefined;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  readonly projectDomain?: Named | undefined;
  readonly domain?: Named | undefined;
  /** `all` for a system-scoped token. */
  readonly systemScope?: string | undefined;
  /** Role names. */
  readonly roles: readonly string[];
  readonly isAdminProject?: boolean | undefined;
  /** If absent, the token does not expire. Text is parsed as a date. */
  readonly expiresAt?: Date | string | undefined;
  readonly issuedAt?: Date | string | undefined;
  readonly auditIds?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly appCredential?: AppCredential | undefined;
  readonly catalog?: readonly unknown[] | undefined;
  /** The bindings of the token by kind, such as `x509` with the thumbprint of a certificate. */
  readonly bind?: Readonly<Record<string, unknown>> | undefined;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** The refusal of a token. */
export interface RefusedToken {
  /** A short reason for the log, without the token, such as `expired` or `wrong issuer (iss)`. */
  readonly refused: string;
}

/** The settings of a validator. */
export interface ValidatorSettings {
  /** The options of the filter. */
  readonly options: AuthTokenOptions;
  /** The service configuration. Read files through it, so that workers use the content that their parent accepted. */
  readonly config: Config;
  /** The log of the filter. */
  readonly log: Logger;
  /** The location of the filter's section, for errors. */
  readonly origin: Origin;
  /**
   * Returns the location of an option of auth_token, by its name in files, for errors. If no file has it, the location of the filter's
   * section.
   */
  readonly originOf: (option: string) => Origin;
}

/** Options of one validation. */
export interface ValidateOptions {
  /** Accept expired tokens, unless they are revoked. */
  readonly allowExpired: boolean;
  /** Aborts when the filter is closed. */
  readonly signal: AbortSignal;
}

/** Validates tokens. Configured as `module:export`, or by name for the built-in validators. */
export interface TokenValidator {
  /** Called before the first token. If it throws, the configuration is refused. Must not acquire anything that `stop` does not release. */
  start?(settings: ValidatorSettings): Awaitable<void>;
  /** Releases all resources. Called once. */
  stop?(): Awaitable<void>;
  /**
   * Returns the `WWW-Authenticate` value for callers without a token. If a token was refused and the scheme is Bearer, auth_token adds
   * `error="invalid_token"` (RFC 6750 §3.1).
   */
  challenge?(): string;
  /**
   * Returns the content of a valid token, or a reason or null for an invalid one. Throws {@link ValidatorUnavailable} if the token
   * cannot be validated.
   */
  validate(token: string, options: ValidateOptions): Promise<TokenInfo | RefusedToken | null>;
  /** Removes a token from the validator's caches. */
  forget?(token: string): void;
}

/** The token could not be validated. The request gets 503, not 401, because the token may be valid. */
export class ValidatorUnavailable extends PorticoError {
  constructor(message: string, cause?: unknown) {
    super('PORTICO_VALIDATOR_UNAVAILABLE', { message, cause });
  }
}

/** Compares the code, because a validator in another package can have another copy of the class. */
export function isUnavailable(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === 'PORTICO_VALIDATOR_UNAVAILABLE';
}

/** Reports whether the result of a validation is a refusal. */
export function isRefused(answer: TokenInfo | RefusedToken): answer is RefusedToken {
  return 'refused' in answer;
}

/** Matches a date and time without an offset. `Date` takes it for local time. */
const WITHOUT_OFFSET = /^\d{4}-\d\d-\d\d[T ]\d\d:[\d:.]+$/;

/**
 * Returns the expiry of a token in milliseconds since 1970: infinity if it has none, negative infinity if the text is not a date. A time
 * without an offset is in UTC.
 */
export function endOf({ expiresAt }: TokenInfo): number {
  if (expiresAt === undefined || expiresAt === null) return Number.POSITIVE_INFINITY;
  const inUtc = typeof expiresAt === 'string' && WITHOUT_OFFSET.test(expiresAt);
  const end = new Date(inUtc ? `${expiresAt}Z` : expiresAt).getTime();
  return Number.isNaN(end) ? Number.NEGATIVE_INFINITY : end;
}
