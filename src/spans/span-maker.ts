/**
 * What makes spans: of requests, of filters, of remote calls.
 */
import type { Span, Tracer } from '@opentelemetry/api';
import type { Logger } from '../log/index.js';
import { maskUris } from '../text/index.js';
import type { OpenTelemetry } from './open-telemetry.js';

/** What spans are made with. */
export class SpanMaker {
  readonly api: OpenTelemetry;
  readonly tracer: Tracer;
  /** Of what instrumentations of HTTP servers and of routers tell each other in a context: `RPCMetadata` of @opentelemetry/core. */
  readonly metadataKey: symbol;
  readonly #log: Logger;
  #hasFailed = false;

  constructor(api: OpenTelemetry, log: Logger) {
    this.api = api;
    this.tracer = api.trace.getTracer('portico');
    this.metadataKey = api.createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');
    this.#log = log;
  }

  /**
   * Calls the SDK: samplers, processors and propagators of the program run in that call, and what they throw must neither
   * fail the request nor end the worker. Undefined where they throw; the first time is logged, since others are alike.
   */
  attempt<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn('The OpenTelemetry SDK has thrown: spans are missing', { err: error });
      this.#hasFailed = true;
      return undefined;
    }
  }
}

/** As lines of the log name them. */
export function idsOf(span: Span): { trace_id: string; span_id: string; trace_flags: string } {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags.toString(16).padStart(2, '0') };
}

/** As the log shows it. */
export function exceptionOf(error: unknown): { name: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: maskUris(String(error)) };
  const { name, message, stack } = error;
  return { name, message: maskUris(message), ...(stack === undefined ? {} : { stack: maskUris(stack) }) };
}
