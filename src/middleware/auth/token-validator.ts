/**
 * The interface through which auth_token validates tokens.
 */
import type { Config } from '../../config/index.js';
import { type Origin, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { Awaitable } from '../../service/index.js';
import type { AuthTokenOptions } from './auth-token-options.js';

/** Something with an id and a name, such as a domain. */
export interface Named {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** One kind of request that a token allows its bearer. */
export interface AccessRule {
  readonly service: string;
  readonly method: string;
  /** `*` and `{name}` are one segment of a path, `**` is anything. */
  readonly path: string;
}

/** An application credential that a token was made with. */
export interface AppCredential {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly restricted?: boolean | undefined;
  /** Absent: the token may be used for everything. Empty: for nothing. */
  readonly accessRules?: readonly AccessRule[] | undefined;
}

/** Facts of a valid token. At most one of project, domain and system is its scope. */
export interface TokenInfo {
  readonly userId?: string | undefined;
  readonly userName?: string | undefined;
  readonly userDomain?: Named | undefined;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  readonly projectDomain?: Named | undefined;
  readonly domain?: Named | undefined;
  /** `all` for a token of the whole system. */
  readonly systemScope?: string | undefined;
  /** Names. */
  readonly roles: readonly string[];
  readonly isAdminProject?: boolean | undefined;
  /** Absent: never, as far as the validator can tell. Text is read as a date. */
  readonly expiresAt?: Date | string | undefined;
  readonly issuedAt?: Date | string | undefined;
  readonly auditIds?: readonly string[] | undefined;
  readonly methods?: readonly string[] | undefined;
  readonly appCredential?: AppCredential | undefined;
  readonly catalog?: readonly unknown[] | undefined;
  /** Bindings of the token, by kind: `x509` and the thumbprint of a certificate. */
  readonly bind?: Readonly<Record<string, unknown>> | undefined;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
}

/** A token that is bad, and why. */
export interface RefusedToken {
  /** For the log, in a few words, and never the token: `expired`, `its issuer is not the one expected`. */
  readonly refused: string;
}

/** Settings of a validator. */
export interface ValidatorSettings {
  /** The options of the filter. */
  readonly options: AuthTokenOptions;
  /** The service configuration; files are read through it, so that workers see what their parent accepted. */
  readonly config: Config;
  /** The log of the filter. */
  readonly log: Logger;
  /** The section of the filter, for errors. */
  readonly origin: Origin;
  /** Place of an option of auth_token, by its name in files, for errors; the section of the filter where no file has it. */
  readonly originOf: (option: string) => Origin;
}

/** How a token is to be looked at. */
export interface ValidateOptions {
  /** A token that is over counts as well, if it was not revoked. */
  readonly allowExpired: boolean;
  /** Fires when the filter is closed. */
  readonly signal: AbortSignal;
}

/** Says what tokens are worth. Named as `module:export`; those that ship have names of their own. */
export interface TokenValidator {
  /** Before the first token; a throw refuses the configuration. Acquires nothing that `stop` does not release. */
  start?(settings: ValidatorSettings): Awaitable<void>;
  /** Releases everything; once. */
  stop?(): Awaitable<void>;
  /**
   * The `WWW-Authenticate` for callers without a token. auth_token adds `error="invalid_token"` (RFC 6750 §3.1) to that of the
   * scheme Bearer where there was one.
   */
  challenge?(): string;
  /** For a token that is bad why it is, or null. Throws {@link ValidatorUnavailable} when it cannot be told. */
  validate(token: string, options: ValidateOptions): Promise<TokenInfo | RefusedToken | null>;
  /** The next question about this token is asked anew. */
  forget?(token: string): void;
}

/** Nothing is known about the token: the request gets 503 and not 401, since its sender did nothing wrong. */
export class ValidatorUnavailable extends PorticoError {
  constructor(message: string, cause?: unknown) {
    super('PORTICO_VALIDATOR_UNAVAILABLE', { message, cause });
  }
}

/** By code: a validator of another package may have another copy of the class. */
export function isUnavailable(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: unknown }).code === 'PORTICO_VALIDATOR_UNAVAILABLE';
}

/** Whether an answer about a token is that it is bad. */
export function isRefused(answer: TokenInfo | RefusedToken): answer is RefusedToken {
  return 'refused' in answer;
}

/** When a token ends, in milliseconds since 1970. A text that is not a date counts as passed. */
export function endOf({ expiresAt }: TokenInfo): number {
  if (expiresAt === undefined || expiresAt === null) return Number.POSITIVE_INFINITY;
  const end = new Date(expiresAt).getTime();
  return Number.isNaN(end) ? Number.NEGATIVE_INFINITY : end;
}
