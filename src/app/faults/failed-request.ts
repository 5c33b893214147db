/** Handling of failed requests: the `Server`, `catch_errors` and Routers log them and respond here. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { LogFields, Logger } from '../../log/index.js';
import { expectBody } from '../../wire/index.js';
import { type App, catching } from '../app.js';
import { exchangeOf } from '../exchange.js';
import { asFault, Fault, reasonPhrase } from '../fault.js';
import type { FaultStyle } from '../fault-form.js';
import { joinVary, usableHeaders } from '../header-fields.js';
import { abortResponse, destroyReason } from '../response/after-response.js';
import { resetBody } from '../response/response-body.js';
import { dropHeader, sendWhole } from '../response/served-response.js';
import type { ResponseOutcome } from '../response-methods.js';
import { isUpgraded } from '../server-state.js';
import { slotOf } from '../slot.js';
import { faultFormOf, renderedAs } from './fault-style.js';

/** Options of {@link answerFailure}. */
export interface FailureOptions {
  readonly log: Logger;
  /** Default: the style of the request's API. */
  readonly style?: FaultStyle | undefined;
  /** The log message for an error that is not a fault. */
  readonly message: string;
  /** Returns fields of the request for that log line. */
  readonly facts: (req: IncomingMessage, res: ServerResponse) => LogFields;
  /** Default: {@link asFault}. */
  readonly faultOf?: ((error: unknown, req: IncomingMessage) => Fault) | undefined;
  /** Whether causes of faults of 500 and above are logged too. Default: false. */
  readonly logsCauses?: boolean;
}

/** Returns an app that responds to the failures of `app`. */
export function answering(app: App, options: FailureOptions): App {
  return catching(app, (error, req, res) => answerFailure(error, req, res, options));
}

/**
 * Responds to a request that failed with any error, and never throws. A fault is rendered. Any other error gets its own status, else
 * 500, and is logged once with its stack if the status is at least 500. If the headers have already been sent, the error is logged too and
 * the connection is destroyed: a truncated response must not look complete.
 */
export function answerFailure(
  error: unknown,
  req: IncomingMessage,
  res: ServerResponse,
  options: FailureOptions,
): void {
  const { log, style, message, facts, faultOf = asFault, logsCauses = false } = options;
  // For example `pipeline` destroys the response with its error. The Server logs that error when the response closes.
  if (error instanceof Error && exchangeOf(req).ofConnection !== undefined && destroyReason(res) === error) return;
  const fault = faultOf(error, req);
  // Node sets the socket of a request to null if its body is left early. A `Server` keeps it.
  const socket = req.socket as Socket | null;
  const isGone = (res.destroyed || socket?.destroyed === true) && !res.writableFinished;
  const isLogged =
    error instanceof Fault
      ? logsCauses && error.status >= 500 && error.cause !== undefined
      : fault.status >= 500 || res.headersSent;
  if (isLogged) {
    const told = { ...facts(req, res), err: error instanceof Fault ? error.cause : (fault.cause ?? error) };
    if (isGone) log.debug(told, `${message} after its client disconnected`);
    else log.error(told, message);
  }
  if (isUpgraded(req) && socket?.destroyed === false) socket.destroy();
  else if (!res.closed && !isGone) {
    const onFailure = (err: unknown): void =>
      log.error({ ...facts(req, res), err }, 'the error response to a failed request failed');
    answerFault(req, res, fault, { style, onFailure, faultOf });
  }
}

/** Options of {@link answerFault}. */
interface AnswerFaultOptions {
  /** The style of the body. Default: the style of the request's API. */
  readonly style?: FaultStyle | undefined;
  /** Called, for the log, if the response itself fails: in the renderer, or in a `beforeHead` listener. */
  readonly onFailure: (error: unknown, req: IncomingMessage) => void;
  /** Returns the fault to send if the response itself has failed. Default: {@link asFault}, which gives 500. */
  readonly faultOf?: ((error: unknown, req: IncomingMessage) => Fault) | undefined;
}

/**
 * Responds to a request with a fault, and never throws. If the renderer fails, `onFailure` is called and the fault is rendered in
 * Portico's own style. If the response fails in another way, `onFailure` is called and the fault of `faultOf` is sent instead, which is
 * a 500 by default. If that fails too, the connection is destroyed, so that the client does not wait forever.
 *
 * HEAD gets only the headers. Headers of the discarded body are removed; from 500 on, headers that apply only to the discarded response
 * are removed too: its caching, redirects, cookies. All others stay. If the headers have already been sent, the connection is destroyed, so
 * that a truncated body cannot look complete.
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
  const { trial } = exchangeOf(req);
  if (trial !== undefined) trial.fault = fault;
  if (fault.status >= 500) {
    exchangeOf(req).requestTrace?.failed(fault);
    slotOf(req).firstFailure ??= fault;
  }
  if (res.headersSent) {
    if (!res.writableEnded) abortResponse(res, fault.cause ?? fault);
    return;
  }
  resetBody(res);
  expectBody(res);
  removeHeaders(res, fault.status);
  let rendered: ReturnType<typeof renderedAs>;
  try {
    rendered = renderedAs(style, fault, req);
  } catch (error) {
    onFailure(error, req);
    rendered = renderedAs('portico', fault, req);
  }
  const { type, headers, body } = rendered;
  const { vary, ...own } = headers;
  for (const [name, value] of usableHeaders({ ...own, ...fault.headers })) {
    if (!FRAMES_BODY.test(name)) res.setHeader(name, value);
  }
  for (const [name, value] of usableHeaders({ vary })) {
    res.setHeader(name, joinVary(res.getHeader(name), [value].flat().map(String)));
  }
  res.statusMessage = reasonPhrase(fault.status) ?? fault.title.replace(/[^\x20-\x7e]/g, ' ');
  const fields = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  sendWhole(res, fault.status, fields, req.method === 'HEAD' ? undefined : body);
}

/** Headers of the body's encoding and framing, which the response sets itself (RFC 9112 §6). */
const FRAMES_BODY = /^(?:content-(?:length|encoding)|transfer-encoding|trailer|keep-alive)$/i;

/** Headers that describe the discarded representation; the fault's body has its own. A content security policy is not among them. */
const DESCRIBES_BODY =
  /^(?:content-(?!security-policy).*|etag|last-modified|accept-ranges|transfer-encoding|trailer|expires|(?:repr-)?digest)$/;

/**
 * Headers of the discarded response that would be wrong for a failure: a cache would store it, a client or proxy would follow it.
 * Headers that filters add to every response (request ids, CORS, security) are not among them.
 */
const DESCRIBES_ANSWER =
  /^(?:(?:.+-)?cache-control|surrogate-control|age|location|refresh|link|set-cookie|x-accel-redirect|x-accel-expires|x-sendfile)$/;

function removeHeaders(res: ServerResponse, status: number): void {
  for (const name of res.getHeaderNames()) {
    if (DESCRIBES_BODY.test(name) || (status >= 500 && DESCRIBES_ANSWER.test(name) && !forbidsStoring(res, name))) {
      dropHeader(res, name);
    }
  }
}

/** `no-store` is meant for any response, so it stays. */
function forbidsStoring(res: ServerResponse, name: string): boolean {
  return name.endsWith('cache-control') && /(?:^|,)\s*no-store\s*(?:,|$)/i.test(String(res.getHeader(name)));
}

/**
 * Returns the status of a response for logs and metrics: the status of its headers; 499 if the client disconnected before the headers; if the
 * server aborted the response, the status of the fault (503 at the deadline of a stop), else 500.
 */
export function answeredStatus(res: ServerResponse, { completed, error }: ResponseOutcome): number {
  if (completed) return res.statusCode;
  if (error !== undefined) return error instanceof Fault ? error.status : 500;
  return res.headersSent ? res.statusCode : 499;
}
