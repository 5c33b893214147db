/**
 * Makes spans of requests, filters and remote calls, where the program has registered an SDK of OpenTelemetry.
 * Without one nothing is imported.
 */
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Span, Tracer } from '@opentelemetry/api';
import type { Logger } from '../log/index.js';
import { ownVersion } from '../modules/index.js';
import { maskUris } from '../text/index.js';

/** Key under which the API holds an SDK, for all copies of its major version: `global-utils.ts` of @opentelemetry/api. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** Methods of an SDK's provider that the interface of the API lacks. */
export interface Provider {
  forceFlush?(options: { readonly timeoutMillis: number }): Promise<void>;
  shutdown?(): Promise<void>;
}

/** The tracer provider of the SDK; undefined where none is registered. */
export function registeredProvider(): Provider | undefined {
  const { [REGISTERED]: registered } = globalThis as {
    [REGISTERED]?: { readonly trace?: Provider & { getDelegate?(): Provider } };
  };
  return registered?.trace?.getDelegate?.() ?? registered?.trace;
}

/** Whether there is a tracer provider. */
export function isRegistered(): boolean {
  return registeredProvider() !== undefined;
}

/** How long a stop waits for spans to be exported, in milliseconds: a collector that is away must not hold up a restart. */
const FLUSH_MS = 5000;

/** Makes spans. */
export class SpanMaker {
  readonly api: typeof OpenTelemetry;
  readonly tracer: Tracer;
  /** Of what instrumentations of HTTP servers and of routers tell each other in a context: `RPCMetadata` of @opentelemetry/core. */
  readonly metadataKey: symbol;
  readonly #log: Logger;
  #hasFailed = false;

  private constructor(api: typeof OpenTelemetry, log: Logger) {
    this.api = api;
    this.tracer = api.trace.getTracer('portico', ownVersion());
    this.metadataKey = api.createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');
    this.#log = log;
  }

  /** Undefined where no tracer provider is registered, and, with a warning, where the package is not found. */
  static async find(log: Logger): Promise<SpanMaker | undefined> {
    if (!isRegistered()) return undefined;
    const api = await import('@opentelemetry/api').catch((error: unknown): undefined => {
      log.warn('An OpenTelemetry SDK is registered, but there are no traces: npm install @opentelemetry/api', {
        err: error,
      });
      return undefined;
    });
    return api && new SpanMaker(api, log);
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

  /**
   * Has the SDK export what has ended: the process may be next to end, and tells no SDK of that. Settles after five seconds
   * at the latest, or when `signal` is raised; never rejects.
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
      // The provider of an SDK rejects with a list: what each of its processors has to say.
      const [first] = [error].flat();
      this.#log.warn('The last spans could not be exported', { err: first });
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
