/**
 * Faults: answers of 400 and above, thrown where the mistake is found and rendered by the app around it.
 *
 * Nothing below a renderer formats an error page: a Router renders what is thrown inside it, else the nearest of
 * fault_wrapper, catch_errors and Server does, each in the style of the API (`fault-style.ts`).
 */
import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';
import { isObject, PorticoError, withCode } from '../errors/index.js';

/** One part of a request that a check has refused. */
export interface FaultIssue {
  /** The part of the request that was checked. */
  readonly where: 'body' | 'query' | 'params' | 'headers';
  /** Names and indexes, from the part to the value that is refused: `['server', 'tags', 0]`. Empty: all of it. */
  readonly path: readonly (string | number)[];
  /** The mistake, as the end of a sentence that begins with the name of the value: `is required`, `must be string`. */
  readonly message: string;
  /** Name of the broken rule in the schema's library: `required` of JSON Schema, `too_small` of Zod. */
  readonly keyword: string;
}

/** Parts of a fault, apart from its status. */
export interface FaultDetails {
  /** For the client: what is wrong, in one sentence. Default: the title. */
  readonly message?: string | undefined;
  /** A few words for the kind of fault. Default: the usual ones for the status, `Not Found`. */
  readonly title?: string | undefined;
  /** Response headers that belong to the fault: `Retry-After`, `Allow`, `WWW-Authenticate`. */
  readonly headers?: Readonly<OutgoingHttpHeaders> | undefined;
  /** Everything that a check has refused. Default: none. */
  readonly issues?: readonly FaultIssue[] | undefined;
  /** The URI of the kind of fault, for the style `problem` (RFC 9457 §3.1.1). Default: `about:blank`. */
  readonly type?: string | undefined;
  /** False keeps the message out of the answer: the client sees the title alone. Default true. */
  readonly safe?: boolean | undefined;
  /** Cause; for the log, never sent. */
  readonly cause?: unknown;
}

/** An error response with a status from 400 to 599: `throw new Fault(404, { message: 'No such book.' })`. */
export class Fault extends PorticoError {
  readonly status: number;
  readonly title: string;
  readonly headers: Readonly<OutgoingHttpHeaders>;
  /** Whether the message may be shown to the client. */
  readonly safe: boolean;
  readonly issues: readonly FaultIssue[];
  readonly type: string | undefined;

  /** Throws a `RangeError` for a status outside 400..599: those are answers, not faults. */
  constructor(status: number, details: FaultDetails = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw withCode(
        new RangeError(`the status of a Fault must be from 400 to 599, not ${String(status)}`),
        'PORTICO_FAULT_STATUS',
      );
    }
    const title = details.title ?? titleOf(status);
    super('PORTICO_FAULT', { message: details.message ?? title, cause: details.cause });
    this.status = status;
    this.title = title;
    this.headers = details.headers ?? {};
    this.safe = details.safe ?? true;
    this.issues = details.issues ?? NONE;
    this.type = details.type;
  }

  /** The same as `status`, by the name that Express, Fastify and their packages look for. */
  get statusCode(): number {
    return this.status;
  }
}

/**
 * Anything thrown, as a fault. A `Fault` is itself. An error with a `statusCode` or `status` of 400 and above, as those of
 * Fastify, `http-errors` and their packages have one, keeps it. Below 500 its message is shown where `expose` is true, or where
 * the status is its `statusCode` and `expose` is absent: clients of other services have `status` alone, and messages for a log. Of
 * its headers those are kept that belong to a failure (`Retry-After`, `Allow`, `WWW-Authenticate`, rate limits): clients of other
 * services carry the headers of a whole response. All else is a 500 that tells the client nothing.
 */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const { statusCode, status, expose, headers } = (error instanceof Error ? error : {}) as SaysStatus;
  const said = [statusCode, status].find((one) => Number.isInteger(one) && Number(one) >= 400 && Number(one) <= 599);
  if (said === undefined) return new Fault(500, { safe: false, cause: error });
  return new Fault(Number(said), {
    message: (error as Error).message || undefined,
    headers: isObject(headers) ? headersOfFailure(headers as OutgoingHttpHeaders) : undefined,
    safe: Number(said) < 500 && (expose === undefined ? said === statusCode : expose === true),
    cause: error,
  });
}

/** An error of another library that may have a status. */
interface SaysStatus {
  readonly statusCode?: unknown;
  readonly status?: unknown;
  /** Of `http-errors`: whether the message is for the client. */
  readonly expose?: unknown;
  readonly headers?: unknown;
}

/** Fields that an error of another library may set. */
const OF_FAILURE =
  /^(?:retry-after|allow|(?:www|proxy)-authenticate|accept-.+|content-range|(?:x-)?ratelimit(?:-.+)?)$/i;

function headersOfFailure(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => OF_FAILURE.test(name)));
}

const NONE: readonly FaultIssue[] = Object.freeze([]);

/** Titles that API clients know better than the newer names in Node's table. */
const TITLES: ReadonlyMap<number, string> = new Map([[413, 'Request Entity Too Large']]);

function titleOf(status: number): string {
  return TITLES.get(status) ?? STATUS_CODES[status] ?? (status < 500 ? 'Bad Request' : 'Internal Server Error');
}
