/**
 * The answer to a fault: head and body.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { abortResponse, type ResponseOutcome } from './after-response.js';
import { exchangeOf } from './exchange.js';
import { asFault, Fault } from './fault.js';
import type { FaultStyle } from './fault-form.js';
import { faultFormOf, renderedAs } from './fault-style.js';
import { usableHeaders } from './headers.js';
import { resetBody } from './response-body.js';

/** How {@link answerFault} answers. */
export interface AnswerFaultOptions {
  /** How the body is written. Default: as the API of the request has it. */
  readonly style?: FaultStyle | undefined;
  /** Told, for the log, that the answer itself has failed: a renderer, or a listener of `beforeHead`. */
  readonly onFailure: (error: unknown, req: IncomingMessage) => void;
  /** The fault that is answered instead where the answer itself has failed. Default: {@link asFault}, which is 500. */
  readonly faultOf?: ((error: unknown, req: IncomingMessage) => Fault) | undefined;
}

/**
 * Answers a request with a fault, and never throws. A renderer that fails is told to `onFailure`, and the fault is written
 * in Portico's own style. Any other answer that fails is a failure of the server: it is answered with 500, or what `faultOf` says, instead,
 * as a success that fails is. When that fails too the connection is destroyed, so that the client does not wait for ever.
 *
 * HEAD gets the headers only. Headers that were set for the body that failed are removed, and from 500 on those about
 * the answer that failed: how long to keep it, where it leads, its cookies. All others stay. When the head is out already
 * the connection is destroyed, so that a truncated body cannot look complete.
 */
export function answerFault(
  req: IncomingMessage,
  res: ServerResponse,
  fault: Fault,
  options: AnswerFaultOptions,
): void {
  try {
    writeFault(req, res, fault, options);
  } catch (error) {
    options.onFailure(error, req);
    try {
      writeFault(req, res, (options.faultOf ?? asFault)(error, req), options);
    } catch (again) {
      abortResponse(res, again);
    }
  }
}

function writeFault(
  req: IncomingMessage,
  res: ServerResponse,
  fault: Fault,
  { style = faultFormOf(req).style, onFailure }: AnswerFaultOptions,
): void {
  if (fault.status >= 500) exchangeOf(req).trace?.failed(fault);
  if (res.headersSent) {
    if (!res.writableEnded) abortResponse(res, fault.cause ?? fault);
    return;
  }
  resetBody(res);
  removeHeaders(res, fault.status);
  let rendered: ReturnType<typeof renderedAs>;
  try {
    rendered = renderedAs(style, fault, req);
  } catch (error) {
    onFailure(error, req);
    rendered = renderedAs('portico', fault, req);
  }
  const { type, headers, body } = rendered;
  for (const [name, value] of usableHeaders({ ...headers, ...fault.headers })) {
    if (!FRAMES_BODY.test(name)) res.setHeader(name, value);
  }
  res.statusCode = fault.status;
  res.statusMessage = STATUS_CODES[fault.status] ?? fault.title.replace(/[^\x20-\x7e]/g, ' ');
  res.setHeader('content-type', type);
  res.setHeader('content-length', Buffer.byteLength(body));
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** Headers of the body's encoding and framing, which the answer sets itself (RFC 9112 §6). */
const FRAMES_BODY = /^(?:content-(?:length|encoding)|transfer-encoding|trailer|keep-alive)$/i;

/** Headers about the representation that is not sent after all, the policy of a page not among them; the fault's body has its own. */
const DESCRIBES_BODY =
  /^(?:content-(?!security-policy).*|etag|last-modified|accept-ranges|transfer-encoding|trailer|expires|(?:repr-)?digest)$/;

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

/**
 * The status that logs and metrics have of a response: that of its head; 499 where the client has left before, 500 or that of
 * a fault where the answer was broken off.
 */
export function answeredStatus(res: ServerResponse, { completed, error }: ResponseOutcome): number {
  if (completed) return res.statusCode;
  if (error !== undefined) return error instanceof Fault ? error.status : 500;
  return res.headersSent ? res.statusCode : 499;
}
