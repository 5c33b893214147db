/**
 * A span for each request of a server, and optionally for each of its filters, if the application has registered an
 * OpenTelemetry SDK: by the stable semantic conventions for HTTP servers
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import {
  type App,
  afterResponse,
  environ,
  Fault,
  type Filter,
  type ResponseOutcome,
  remoteOf,
} from '../../app/index.js';
import {
  connectionAddress,
  exchangeOf,
  observed,
  type RequestTrace,
  runInRequest,
  type TraceIds,
} from '../../app/internal.js';
import { boolean, type Config, defineOptions } from '../../config/index.js';
import { workerAssignment } from '../../config/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import { exceptionOf, idsOf, type SpanMaker } from '../../spans/internal.js';
import type { PipelineProbes } from './filter-times.js';

/** RFC 9110, RFC 5789: clients may send any other. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']);

/** Value for a unix socket in place of an address. */
const UNIX = 'unix';

/**
 * Metadata by which instrumentations of HTTP servers and routers exchange the route: `RPCMetadata` of
 * @opentelemetry/core.
 */
interface ServerMetadata {
  readonly type: 'http';
  readonly span: Span;
  route?: string;
}

/** Returns the app of an API with a span for each request, active while it runs. */
export function withRequestSpans(app: App, api: string, maker: SpanMaker): App {
  const worker = workerAssignment()?.index;
  const facts: Attributes = { 'portico.api': api, ...(worker !== undefined && { 'portico.worker': worker }) };
  return (req, res) => {
    const span = maker.attempt(() => new RequestSpan(maker, req, facts));
    if (span === undefined) return app(req, res);
    const exchange = exchangeOf(req);
    exchange.requestTrace = span;
    afterResponse(res, (outcome) => maker.attempt(() => span.end(req, res, outcome)));
    return maker.api.context.with(span.context, () => runInRequest(exchange, app, req, res));
  };
}

/**
 * Server span of a request: a new one, or the one that an instrumentation of `node:http` has made. That one is ended by the
 * instrumentation, and gets the route and the failure here.
 */
class RequestSpan implements RequestTrace {
  /** Context in which the span is active. */
  readonly context: Context;
  readonly maker: SpanMaker;
  readonly #span: Span;
  readonly #metadata: ServerMetadata;
  readonly #isOwn: boolean;
  readonly #method: string;
  #failure: unknown;

  constructor(maker: SpanMaker, req: IncomingMessage, facts: Attributes) {
    const { context, propagation, ROOT_CONTEXT, SpanKind, trace } = maker.api;
    this.maker = maker;
    this.#method = req.method !== undefined && METHODS.has(req.method) ? req.method : 'HTTP';
    const around = context.active();
    const given = around.getValue(maker.metadataKey) as ServerMetadata | undefined;
    this.#isOwn = given === undefined;
    if (given !== undefined) {
      this.#span = given.span;
      this.#span.setAttributes(facts);
      this.#metadata = given;
      this.context = around;
    } else {
      // Not the active one: a span of the application's start would be the parent of all requests.
      const parent = propagation.extract(ROOT_CONTEXT, req.headers);
      const attributes = remoteAttributes(req, { ...facts, ...requestAttributes(req) });
      this.#span = maker.tracer.startSpan(this.#method, { kind: SpanKind.SERVER, attributes }, parent);
      this.#metadata = { type: 'http', span: this.#span };
      this.context = trace.setSpan(parent, this.#span).setValue(maker.metadataKey, this.#metadata);
    }
  }

  get ids(): TraceIds {
    return idsOf(this.#span);
  }

  get activeIds(): TraceIds {
    const active = this.maker.api.trace.getActiveSpan();
    return active === undefined ? this.ids : idsOf(active);
  }

  /** Context of the calling code, if it belongs to this trace. */
  get activeContext(): Context {
    const { context, trace } = this.maker.api;
    return trace.getActiveSpan() === undefined ? this.context : context.active();
  }

  headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    this.maker.attempt(() => this.maker.api.propagation.inject(this.activeContext, headers));
    return headers;
  }

  routed(template: string): void {
    this.#metadata.route = template;
  }

  failed(error: unknown): void {
    const cause = error instanceof Fault ? (error.cause ?? error) : error;
    // A response that breaks off has the same error.
    if (this.#failure === cause) return;
    this.#failure = cause;
    // The thrown value may be anything; the response must not depend on it.
    if (this.#span.isRecording()) ignoreErrors(() => this.#span.recordException(exceptionOf(cause)));
  }

  /** Ends the span with the outcome of the response. */
  end(req: IncomingMessage, res: ServerResponse, { completed, error }: ResponseOutcome): void {
    if (!completed && error !== undefined && !isClientsFault(error)) this.failed(error);
    const span = this.#span;
    const { requestId } = environ(req);
    if (requestId !== undefined) span.setAttribute('portico.request_id', requestId);
    if (!this.#isOwn) return;
    if (environ(req).remote !== undefined) span.setAttributes(remoteAttributes(req, {}));
    const { route } = this.#metadata;
    if (route !== undefined) {
      span.setAttribute('http.route', route);
      span.updateName(`${this.#method} ${route}`);
    }
    if (res.headersSent) span.setAttribute('http.response.status_code', res.statusCode);
    if (this.#failure !== undefined || (res.headersSent && res.statusCode >= 500)) {
      span.setStatus({ code: this.maker.api.SpanStatusCode.ERROR });
      span.setAttribute('error.type', this.#errorType(res));
    }
    span.end();
  }

  #errorType({ headersSent, statusCode }: ServerResponse): string {
    const failure = this.#failure;
    if (failure instanceof Error && !(failure instanceof Fault)) return failure.name;
    return headersSent ? String(statusCode) : '_OTHER';
  }
}

/** No query, which may hold secrets. */
function requestAttributes(req: IncomingMessage): Attributes {
  const { method = '', url = '/', httpVersion, socket } = req;
  const isKnown = METHODS.has(method);
  const query = url.indexOf('?');
  const attributes: Attributes = {
    'http.request.method': isKnown ? method : '_OTHER',
    'url.path': query < 0 ? url : url.slice(0, query),
    'network.protocol.version': httpVersion,
  };
  if (!isKnown) attributes['http.request.method_original'] = method;
  const address = connectionAddress(req);
  if (address !== UNIX) attributes['network.peer.address'] = address;
  if (socket.remotePort !== undefined) attributes['network.peer.port'] = socket.remotePort;
  const agent = req.headers['user-agent'];
  if (agent !== undefined) attributes['user_agent.original'] = agent;
  return attributes;
}

/** Adds client and server, as reported by proxies after a filter has read their headers. */
function remoteAttributes(req: IncomingMessage, attributes: Attributes): Attributes {
  const { address, scheme, host } = remoteOf(req);
  attributes['url.scheme'] = scheme;
  if (address !== UNIX) attributes['client.address'] = address;
  const [, name, port] = HOST.exec(host ?? '') ?? [];
  if (name !== undefined) attributes['server.address'] = name;
  if (port !== undefined) attributes['server.port'] = Number(port);
  return attributes;
}

/** A name or an address, in brackets if it has colons, and a port. */
const HOST = /^\[?([^[\]]+?)\]?(?::(\d+))?$/;

function isClientsFault(error: unknown): boolean {
  return error instanceof Fault && error.status < 500;
}

/** Returns spans around the filters of each pipeline; undefined: none. */
export function filterSpans(config: Config): PipelineProbes | undefined {
  if (!config.group('trace', traceOptions).filters) return undefined;
  return (pipeline, filters) => [
    ...filters.map(({ name }) => spanAround(name, { 'portico.pipeline': pipeline.name, 'portico.filter': name })),
    spanAround('application', { 'portico.pipeline': pipeline.name }),
  ];
}

function spanAround(name: string, attributes: Readonly<Record<string, string>>): Filter {
  return (app) => (req, res) => {
    const request = exchangeOf(req).requestTrace;
    if (!(request instanceof RequestSpan)) return app(req, res);
    const { activeContext, maker } = request;
    const { context, SpanStatusCode, trace } = maker.api;
    const span = maker.attempt(() => maker.tracer.startSpan(name, { attributes }, activeContext));
    if (span === undefined) return app(req, res);
    const end = (): void =>
      maker.attempt(() => {
        // A Router responds to the errors of its actions.
        if (res.headersSent && res.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
    const left = (failure?: { readonly error: unknown }): void => {
      if (failure !== undefined && !isClientsFault(failure.error)) span.setStatus({ code: SpanStatusCode.ERROR });
      // One that returned before it has responded does so later, whatever it returned.
      if (failure !== undefined || res.writableEnded) end();
      else afterResponse(res, end);
    };
    return context.with(trace.setSpan(activeContext, span), () => observed(app, req, res, left));
  };
}

// Options of spans.

/** `[trace]`. */
const traceOptions = defineOptions('trace', {
  filters: boolean({
    default: false,
    help: 'Record a span for each filter and the application. Requires a registered OpenTelemetry SDK.',
  }),
});
