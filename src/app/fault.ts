/**
 * Faults: answers of 400 and above, thrown where the mistake is found and rendered by the app around it.
 *
 * Nothing below a renderer formats an error page, so one API speaks one format: a Router renders what is thrown inside
 * it, else the nearest of fault_wrapper, catch_errors and Server does.
 */
import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Config, defineOptions, oneOf } from '../config/index.js';
import { PorticoError, withCode } from '../errors/index.js';
import { abortResponse, type ResponseOutcome } from './after-response.js';
import { environ, exchangeOf } from './exchange.js';
import { usableHeaders } from './headers.js';
import { preferredType } from './negotiate.js';
import { resetBody } from './response-body.js';

/** What a fault is made of, apart from its status. */
export interface FaultDetails {
  /** For the client: what is wrong, in one sentence. Default: the title. */
  readonly message?: string | undefined;
  /** A few words for the kind of fault. Default: the usual ones for the status, `Not Found`. */
  readonly title?: string | undefined;
  /** Response headers that belong to the fault: `Retry-After`, `Allow`, `WWW-Authenticate`. */
  readonly headers?: Readonly<OutgoingHttpHeaders> | undefined;
  /** False keeps the message out of the answer: the client sees the title alone. Default true. */
  readonly safe?: boolean | undefined;
  /** What led to it; for the log, never sent. */
  readonly cause?: unknown;
}

/** An answer of 400 to 599, to be thrown. */
export class Fault extends PorticoError {
  readonly status: number;
  readonly title: string;
  readonly headers: Readonly<OutgoingHttpHeaders>;
  /** Whether the message may be shown to the client. */
  readonly safe: boolean;

  /** Throws a `RangeError` for a status outside 400..599: those are answers, not faults. */
  constructor(status: number, details: FaultDetails = {}) {
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw withCode(
        new RangeError(`a Fault needs a status from 400 to 599, not ${String(status)}`),
        'PORTICO_FAULT_STATUS',
      );
    }
    const title = details.title ?? titleOf(status);
    super('PORTICO_FAULT', { message: details.message ?? title, cause: details.cause });
    this.status = status;
    this.title = title;
    this.headers = details.headers ?? {};
    this.safe = details.safe ?? true;
  }

  /** The same as `status`, by the name that Express, Fastify and their packages look for. */
  get statusCode(): number {
    return this.status;
  }
}

/**
 * The status that logs and metrics have of a response: that of its head; 499 where the client has left before, 500 or that of
 * a fault where the answer was broken off.
 */
export function answeredStatus(res: ServerResponse, { completed, error }: ResponseOutcome): number {
  if (completed) return res.statusCode;
  if (error !== undefined) return error instanceof Fault ? error.status : 500;
  return res.headersSent ? res.statusCode : 499;
}

/** Anything thrown, as a fault: a `Fault` is itself, all else a 500 that tells the client nothing. */
export function asFault(error: unknown): Fault {
  return error instanceof Fault ? error : new Fault(500, { safe: false, cause: error });
}

/** How faults are written: Portico's own JSON, or the one OpenStack's compute API has. */
export type FaultStyle = 'portico' | 'openstack';

/** An answer to a fault, as far as a style decides it. */
export interface RenderedFault {
  /** The media type of the body. */
  readonly type: string;
  /** Besides those of the fault itself. */
  readonly headers?: Readonly<OutgoingHttpHeaders>;
  readonly body: string;
}

/** Writes faults: what a style is. Status, the fault's own headers and the length are not its affair. */
export type FaultRenderer = (fault: Fault, request: IncomingMessage) => RenderedFault;

/**
 * Answers a request with a fault.
 *
 * `portico` is `{"error": {"code", "title", "message", "request_id"}}`; or `application/problem+json` (RFC 9457) for a
 * client that prefers it, `text/plain` for one that accepts neither. `openstack` is `{"<name>": {"code", "message"}}`,
 * always JSON. HEAD gets the headers only. Headers that were set for the body that failed are removed, and from 500 on
 * those about the answer that failed: how long to keep it, where it leads, its cookies. All others stay. When the head is out already the connection is destroyed, so that a truncated body cannot look complete.
 */
export function renderFault(
  req: IncomingMessage,
  res: ServerResponse,
  fault: Fault,
  style: FaultStyle | FaultRenderer,
): void {
  if (fault.status >= 500) exchangeOf(req).trace?.failed(fault);
  if (res.headersSent) {
    if (!res.writableEnded) abortResponse(res, fault.cause ?? fault);
    return;
  }
  resetBody(res);
  removeHeaders(res, fault.status);
  const { type, headers = {}, body } = (typeof style === 'function' ? style : RENDERERS[style])(fault, req);
  for (const [name, value] of usableHeaders({ ...headers, ...fault.headers })) res.setHeader(name, value);
  res.statusCode = fault.status;
  res.statusMessage = STATUS_CODES[fault.status] ?? fault.title.replace(/[^\x20-\x7e]/g, ' ');
  res.setHeader('content-type', type);
  res.setHeader('content-length', Buffer.byteLength(body));
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** Headers about the representation that is not sent after all; the fault's body has its own. */
const DESCRIBES_BODY =
  /^(?:content-.*|etag|last-modified|accept-ranges|transfer-encoding|trailer|expires|(?:repr-)?digest)$/;

/**
 * Headers of an answer that could not be given, which would be untrue of a failure: a cache would keep it, a client or a
 * proxy follow it. Those of filters for every answer (request ids, CORS, security) are not among them.
 */
const DESCRIBES_ANSWER =
  /^(?:(?:.+-)?cache-control|surrogate-control|age|location|refresh|link|set-cookie|x-accel-redirect|x-accel-expires|x-sendfile)$/;

function removeHeaders(res: ServerResponse, status: number): void {
  for (const name of res.getHeaderNames()) {
    if (DESCRIBES_BODY.test(name) || (status >= 500 && DESCRIBES_ANSWER.test(name) && !forbidsStoring(res, name))) {
      res.removeHeader(name);
    }
  }
}

/** `no-store` says of any answer what is meant for this one. */
function forbidsStoring(res: ServerResponse, name: string): boolean {
  return name.endsWith('cache-control') && /(?:^|,)\s*no-store\s*(?:,|$)/i.test(String(res.getHeader(name)));
}

/** Titles that API clients know better than the newer names in Node's table. */
const TITLES: ReadonlyMap<number, string> = new Map([[413, 'Request Entity Too Large']]);

function titleOf(status: number): string {
  return TITLES.get(status) ?? STATUS_CODES[status] ?? (status < 500 ? 'Bad Request' : 'Internal Server Error');
}

const PORTICO_TYPES = ['application/json', 'application/problem+json'] as const;

const renderPortico: FaultRenderer = (fault, req) => {
  const { status, title } = fault;
  const message = fault.safe ? fault.message : title;
  const requestId = environ(req).requestId;
  const id = requestId === undefined ? {} : { request_id: requestId };
  const type = preferredType(req, PORTICO_TYPES);
  if (type === 'application/json') {
    return { type, body: JSON.stringify({ error: { code: status, title, message, ...id } }) };
  }
  if (type === 'application/problem+json') {
    return { type, body: JSON.stringify({ type: 'about:blank', title, status, detail: message, ...id }) };
  }
  const lines = [`${status} ${title}`, ...(message === title ? [] : [message]), ...(requestId ? [requestId] : [])];
  return { type: 'text/plain; charset=utf-8', body: `${lines.join('\n')}\n` };
};

/** The names nova gives to its faults; clients read them. */
const OPENSTACK_NAMES: ReadonlyMap<number, string> = new Map([
  [400, 'badRequest'],
  [401, 'unauthorized'],
  [403, 'forbidden'],
  [404, 'itemNotFound'],
  [405, 'badMethod'],
  [409, 'conflictingRequest'],
  [413, 'overLimit'],
  [415, 'badMediaType'],
  [429, 'overLimit'],
  [501, 'notImplemented'],
  [503, 'serviceUnavailable'],
]);

const renderOpenstack: FaultRenderer = (fault) => {
  const name = OPENSTACK_NAMES.get(fault.status) ?? 'computeFault';
  const message = fault.safe ? fault.message : fault.title;
  const retryAfter = usableHeaders(fault.headers).find(([header]) => header.toLowerCase() === 'retry-after')?.[1];
  const retry = name === 'overLimit' && retryAfter !== undefined ? { retryAfter: String(retryAfter) } : {};
  return { type: 'application/json', body: JSON.stringify({ [name]: { code: fault.status, message, ...retry } }) };
};

const RENDERERS: Readonly<Record<FaultStyle, FaultRenderer>> = { portico: renderPortico, openstack: renderOpenstack };

/** Options of `[DEFAULT]` for whatever renders faults. */
export const faultOptions = defineOptions({
  fault_style: oneOf(['portico', 'openstack'], {
    default: 'portico',
    help: "How error answers are written: Portico's own JSON, or the form OpenStack's compute API has.",
  }),
});

/** An option of the same name for a section that renders faults itself: it overrides the one of `[DEFAULT]`. */
export const ownFaultStyle = oneOf(['portico', 'openstack'], {
  help: 'How error answers are written here. Default: the fault_style of [DEFAULT].',
});

/** The style a renderer uses: its section's own, else that of `[DEFAULT]`. */
export function faultStyleOf(config: Config, own?: FaultStyle): FaultStyle {
  return own ?? config.group('DEFAULT', faultOptions).faultStyle;
}

/** How {@link answerFault} answers. */
export interface AnswerFaultOptions {
  /** How the body is written. */
  readonly style: FaultStyle | FaultRenderer;
  /** Told, for the log, that the answer itself has failed: a listener of `beforeHead` threw. */
  readonly onFailure: (error: unknown, req: IncomingMessage) => void;
}

/**
 * Renders a fault and never throws. An answer that fails is a failure of the server: it is answered with 500 instead, as
 * a success that fails is. When that fails too the connection is destroyed, so that the client does not wait for ever.
 */
export function answerFault(
  req: IncomingMessage,
  res: ServerResponse,
  fault: Fault,
  { style, onFailure }: AnswerFaultOptions,
): void {
  try {
    renderFault(req, res, fault, style);
  } catch (error) {
    onFailure(error, req);
    try {
      renderFault(req, res, asFault(error), style);
    } catch (again) {
      abortResponse(res, again);
    }
  }
}
