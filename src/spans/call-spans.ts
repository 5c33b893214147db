/**
 * Spans of remote calls, by the semantic conventions for RPC (https://opentelemetry.io/docs/specs/semconv/rpc/): one for the client, and
 * within it one for the server. Without a registered OpenTelemetry SDK nothing is imported.
 */
import type { Context, Span } from '@opentelemetry/api';
import { ignoreErrors } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { exceptionOf, idsOf, SpanMaker } from './span-maker.js';

/** A call waits for a response, a cast does not. */
export type SendKind = 'call' | 'cast';

/** Headers of the sender's span in a message: `traceparent`, as written by propagators. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** Returns the ids of the span that is active in the calling code. */
export type ActiveTrace = () => { readonly trace_id: string; readonly span_id: string; readonly trace_flags: string };

/** Spans of the calls of a process. */
export class CallSpans {
  readonly #maker: SpanMaker;

  private constructor(maker: SpanMaker) {
    this.#maker = maker;
  }

  /** Returns undefined if no SDK is registered. */
  static async find(log: Logger): Promise<CallSpans | undefined> {
    const maker = await SpanMaker.find(log);
    return maker === undefined ? undefined : new CallSpans(maker);
  }

  /** Runs `send` in a span within the active one, which is that of the current request; `send` gets the headers to send along. */
  async sent<T>(
    kind: SendKind,
    topic: string,
    method: string,
    {
      send,
      isFailure,
    }: {
      readonly send: (trace: TraceHeaders | undefined) => Promise<T>;
      readonly isFailure: (error: unknown) => boolean;
    },
  ): Promise<T> {
    const { context, propagation, SpanKind } = this.#maker.api;
    const parent = context.active();
    const span = this.#start(kind === 'call' ? SpanKind.CLIENT : SpanKind.PRODUCER, topic, method, parent);
    if (span === undefined) return send(undefined);
    const headers: Record<string, string> = {};
    const inner = this.#maker.api.trace.setSpan(parent, span);
    this.#maker.attempt(() => propagation.inject(inner, headers));
    return this.#within(span, inner, () => send(headers), isFailure);
  }

  /** Runs a method in a span within the sender's span. */
  async served<T>(
    kind: SendKind,
    topic: string,
    method: string,
    {
      trace,
      run,
      isFailure,
    }: {
      readonly trace: TraceHeaders | undefined;
      readonly run: (active: ActiveTrace | undefined) => Promise<T>;
      readonly isFailure: (error: unknown) => boolean;
    },
  ): Promise<T> {
    const { propagation, ROOT_CONTEXT, SpanKind, trace: traces } = this.#maker.api;
    const parent = this.#maker.attempt(() => propagation.extract(ROOT_CONTEXT, trace ?? {})) ?? ROOT_CONTEXT;
    const span = this.#start(kind === 'call' ? SpanKind.SERVER : SpanKind.CONSUMER, topic, method, parent);
    if (span === undefined) return run(undefined);
    const active: ActiveTrace = () => idsOf(traces.getActiveSpan() ?? span);
    return this.#within(span, traces.setSpan(parent, span), () => run(active), isFailure);
  }

  /** As `SpanMaker.flush`. */
  flush(signal?: AbortSignal): Promise<void> {
    return this.#maker.flush(signal);
  }

  #start(kind: number, topic: string, method: string, parent: Context): Span | undefined {
    const attributes = { 'rpc.system': 'portico', 'rpc.service': topic, 'rpc.method': method };
    return this.#maker.attempt(() => this.#maker.tracer.startSpan(`${topic}/${method}`, { kind, attributes }, parent));
  }

  async #within<T>(
    span: Span,
    inner: Context,
    work: () => Promise<T>,
    isFailure: (error: unknown) => boolean,
  ): Promise<T> {
    const { context, SpanStatusCode } = this.#maker.api;
    try {
      return await context.with(inner, work);
    } catch (error) {
      if (isFailure(error)) {
        ignoreErrors(() => span.recordException(exceptionOf(error)));
        const type = error instanceof Error ? error.name : typeof error;
        this.#maker.attempt(() => span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', type));
      }
      throw error;
    } finally {
      this.#maker.attempt(() => span.end());
    }
  }
}
