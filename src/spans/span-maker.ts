/**
 * Creates spans of requests, filters and remote calls if the application has registered an OpenTelemetry SDK. Otherwise nothing is imported.
 */
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import type { Logger } from '../log/index.js';
import { ownVersion } from '../modules/index.js';
import { maskUris } from '../text/index.js';
import { isRegistered, registeredProvider } from './registered-provider.js';

/** Milliseconds that a stop waits for the export of spans, so that an unavailable collector does not delay a restart. */
const FLUSH_MS = 5000;

/** Creates spans. */
export class SpanMaker {
  readonly api: typeof OpenTelemetry;
  readonly tracer: Tracer;
  /** Context key for data exchanged by instrumentations of HTTP servers and routers: `RPCMetadata` of @opentelemetry/core. */
  readonly metadataKey: symbol;
  readonly #log: Logger;
  #hasFailed = false;

  private constructor(api: typeof OpenTelemetry, log: Logger) {
    this.api = api;
    this.tracer = api.trace.getTracer('portico', ownVersion());
    this.metadataKey = api.createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');
    this.#log = log;
  }

  /** Creates a SpanMaker. Resolves with undefined if no tracer provider is registered, or, with a warning, if the package is not found. */
  static async find(log: Logger): Promise<SpanMaker | undefined> {
    if (!isRegistered()) return undefined;
    const api = await import('@opentelemetry/api').catch((error: unknown): undefined => {
      log.warn(
        { err: error },
        'An OpenTelemetry SDK is registered, but there are no traces: npm install @opentelemetry/api',
      );
      return undefined;
    });
    return api && new SpanMaker(api, log);
  }

  /**
   * Calls the SDK. Samplers, span processors and propagators of the application run in that call, and their errors must neither fail the request
   * nor end the worker. Returns undefined if the call throws; only the first error is logged, because others are usually alike.
   */
  attempt<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!this.#hasFailed) this.#log.warn({ err: error }, 'The OpenTelemetry SDK has thrown: spans are missing');
      this.#hasFailed = true;
      return undefined;
    }
  }

  /**
   * Makes the SDK export ended spans, because the process may end next without notice to the SDK. Settles after at most five seconds, or
   * when `signal` is aborted; never rejects.
   */
  async flush(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return;
    const over = AbortSignal.any([...(signal === undefined ? [] : [signal]), AbortSignal.timeout(FLUSH_MS)]);
    const late = new Promise<void>((_resolve, reject) => {
      over.addEventListener('abort', () => reject(new Error('it took too long')), { once: true });
    });
    try {
      await Promise.race([registeredProvider()?.forceFlush?.({ timeoutMillis: FLUSH_MS }), late]);
    } catch (error) {
      // The provider of an SDK rejects with an array of the errors of its span processors.
      const [first] = [error].flat();
      this.#log.warn({ err: first }, 'The last spans could not be exported');
    }
  }
}

/** Returns the ids of a span, under their names in log lines. */
export function idsOf(span: Span): { trace_id: string; span_id: string; trace_flags: string } {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { trace_id: traceId, span_id: spanId, trace_flags: traceFlags.toString(16).padStart(2, '0') };
}

/** Returns an error for `recordException` of a span, with masked passwords and secrets in URIs. */
export function exceptionOf(error: unknown): { name: string; message: string; stack?: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: maskUris(String(error)) };
  const { name, message, stack } = error;
  return { name, message: maskUris(message), ...(stack === undefined ? {} : { stack: maskUris(stack) }) };
}
