/**
 * Faults: error responses with a status of 400 or above, thrown where the error is found and rendered by an outer app. An uncaught error
 * becomes one, with status 500.
 *
 * Inner code formats no error page: the nearest renderer does, which is a Router, `fault_wrapper`, `catch_errors` or the Server. It
 * renders in the style of the API (`fault-style.ts`).
 */
import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';
import { isObject, PorticoError, withCode, withFrames } from '../errors/index.js';

/** One part of a request that failed validation. */
export interface FaultIssue {
  /** The checked part of the request. */
  readonly where: 'body' | 'query' | 'params' | 'headers';
  /** Names and indexes from that part to the refused value: `['server', 'tags', 0]`. Empty: the whole part. */
  readonly path: readonly (string | number)[];
  /** The error, as the end of a sentence that begins with the name of the value: `is required`, `must be string`. */
  readonly message: string;
  /** The name of the violated rule in the schema's library: `required` in JSON Schema, `too_small` in Zod. */
  readonly keyword: string;
  /**
   * The refused value; undefined if it is absent. Values that the schema calls `writeOnly`, and those whose names look secret, are masked,
   * also inside it. The built-in styles do not send it.
   */
  readonly value?: unknown;
  /** Facts of the rule: `{ limit: 5 }`, `{ allowedValues: ['a'] }`; in Ajv's form for JSON Schema, else in that of the library. */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
  /** The location of the rule in the schema: `#/properties/name/type`. Undefined for libraries that do not tell. */
  readonly schemaPath?: string | undefined;
}

/** The parts of a fault, apart from its status. */
export interface FaultDetails {
  /** One sentence for the client: what is wrong. Default: the title. */
  readonly message?: string | undefined;
  /** A few words for the kind of fault. Default: the usual title of the status, such as `Not Found`. */
  readonly title?: string | undefined;
  /** Response headers of the fault: `Retry-After`, `Allow`, `WWW-Authenticate`. */
  readonly headers?: Readonly<OutgoingHttpHeaders> | undefined;
  /** All validation errors. Default: none. */
  readonly issues?: readonly FaultIssue[] | undefined;
  /**
   * The kind of fault, for renderers and for `faults`. Portico's own: `route` (no route for the path), `method` (405), `media-type` (415),
   * `body` (one that cannot be read), `input` (refused by a schema), `version`. Default: none.
   */
  readonly kind?: string | undefined;
  /** Facts for renderers: `{ allowed: ['GET'] }` of `method`, `{ taken: ['text/csv'] }` of `media-type`. Default: none. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** The URI of the problem type, for the style `problem` (RFC 9457 §3.1.1). Default: `about:blank`. */
  readonly type?: string | undefined;
  /** Whether the client may see the message. False sends only the title. Default: true. */
  readonly safe?: boolean | undefined;
  /** The cause, for the log; never sent. */
  readonly cause?: unknown;
}

/** An error response with a status from 400 to 599: `throw new Fault(404, { message: 'No such book.' })`. */
export class Fault extends PorticoError {
  /** Status of the response: 400 to 599. */
  readonly status: number;
  /** A few words for the kind of fault. Default: the usual title of the status, such as `Not Found`. */
  readonly title: string;
  /** Response headers of the fault. Default: none. */
  readonly headers: Readonly<OutgoingHttpHeaders>;
  /** Whether the client may see the message. */
  readonly safe: boolean;
  /** All errors of a validation. Default: none. */
  readonly issues: readonly FaultIssue[];
  /** The URI of the problem type, for the style `problem`. Default: `about:blank`. */
  readonly type: string | undefined;
  /** The kind of fault, for renderers. */
  readonly kind: string | undefined;
  /** Facts for renderers. Default: none. */
  readonly data: Readonly<Record<string, unknown>>;

  /** Throws a `RangeError`, `PORTICO_FAULT_STATUS`, for a status outside 400..599. */
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
    this.kind = details.kind;
    this.data = details.data ?? NO_DATA;
  }

  /** The same as `status`, under the name that Express, Fastify and their packages read. */
  get statusCode(): number {
    return this.status;
  }
}

/** Returns the fault of a request that has no app or action. It has no stack, which would take longer than the lookup. */
export function missed(status: 404 | 405, details: FaultDetails): Fault {
  return withFrames(0, () => new Fault(status, details));
}

/**
 * Converts anything thrown to a fault. A `Fault` is returned as it is. An error or other object with a `statusCode` or `status` from 400
 * to 599, as errors of Fastify, `http-errors` and their packages have, keeps it. Below 500 the client sees its message if `expose` is true,
 * or if the status is its `statusCode` and `expose` is absent: HTTP clients set only `status`, and write messages for a log. Only headers
 * of a failure are kept (`Retry-After`, `Allow`, `WWW-Authenticate`, rate limits), because HTTP clients attach the headers of a whole
 * response. Anything else gets 500, and its message is hidden from the client.
 */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const thrown: SaysStatus = isObject(error) ? error : {};
  const { statusCode, status, expose, headers } = thrown;
  const said = [statusCode, status].find((one) => Number.isInteger(one) && Number(one) >= 400 && Number(one) <= 599);
  if (said === undefined) return new Fault(500, { safe: false, cause: error });
  const { message } = thrown;
  return new Fault(Number(said), {
    message: typeof message === 'string' && message !== '' ? message : undefined,
    headers: isObject(headers) ? headersOfFailure(headers as OutgoingHttpHeaders) : undefined,
    safe: Number(said) < 500 && (expose === undefined ? said === statusCode : expose === true),
    cause: error,
  });
}

/** An error of another library that may have a status. */
interface SaysStatus {
  readonly statusCode?: unknown;
  readonly status?: unknown;
  readonly message?: unknown;
  /** Set by `http-errors`: whether the client may see the message. */
  readonly expose?: unknown;
  readonly headers?: unknown;
}

/** Header fields that an error of another library may set. */
const OF_FAILURE =
  /^(?:retry-after|allow|(?:www|proxy)-authenticate|accept-.+|content-range|(?:x-)?ratelimit(?:-.+)?)$/i;

function headersOfFailure(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => OF_FAILURE.test(name)));
}

const NONE: readonly FaultIssue[] = Object.freeze([]);
const NO_DATA: Readonly<Record<string, unknown>> = Object.freeze({});

function titleOf(status: number): string {
  return reasonPhrase(status) ?? (status < 500 ? 'Bad Request' : 'Internal Server Error');
}

/** Names of RFC 9110 §15; Node's table has older ones. */
const RENAMED: ReadonlyMap<number, string> = new Map([
  [413, 'Content Too Large'],
  [422, 'Unprocessable Content'],
]);

/** Returns the name of a status, for status lines and titles; undefined for an unknown one. */
export function reasonPhrase(status: number): string | undefined {
  return RENAMED.get(status) ?? STATUS_CODES[status];
}

/**
 * Returns a 503: the service cannot respond now, through no fault of the request. `retryAfterS`: seconds after which a client may try again;
 * undefined: repeating the request at once would be no better.
 */
export function unavailable(message: string, retryAfterS?: number, details: FaultDetails = {}): Fault {
  const wait = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) };
  return new Fault(503, { ...details, message, headers: { ...details.headers, ...wait } });
}

/** Returns the 503 for a token that may be valid: the caller should retry, not log in again. */
export function unvalidatedToken(): Fault {
  return unavailable('The token cannot be validated at the moment.', 5);
}
