/**
 * A span for each request of a server, where the program has registered an OpenTelemetry SDK. Where it has not, nothing is
 * put around an app.
 */
import { type App, afterResponse, environ } from '../../app/index.js';
import { runInRequest, setTrace } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { type OpenTelemetry, openTelemetry } from './open-telemetry.js';
import { RequestSpan, SpanMaker } from './request-span.js';

/** How long a stop waits for spans to be exported, in milliseconds: a collector that is away must not hold up a restart. */
const FLUSH_MS = 5000;

export class RequestSpans {
  readonly #api: OpenTelemetry;
  readonly #log: Logger;

  constructor(api: OpenTelemetry, log: Logger) {
    this.#api = api;
    this.#log = log;
  }

  /** Undefined where no SDK is registered. */
  static async find(log: Logger): Promise<RequestSpans | undefined> {
    const api = await openTelemetry(log);
    return api === undefined ? undefined : new RequestSpans(api, log);
  }

  /** The app, each request of which has a span that is active while it works. */
  around(app: App): App {
    const api = this.#api;
    const maker = new SpanMaker(api, this.#log);
    return (req, res) => {
      const span = maker.attempt(() => new RequestSpan(maker, req));
      if (span === undefined) return app(req, res);
      const env = environ(req);
      setTrace(env, span);
      afterResponse(res, (outcome) => maker.attempt(() => span.end(req, res, outcome)));
      return api.context.with(span.context, () => runInRequest(env, () => app(req, res)));
    };
  }

  /**
   * Has the SDK export what has ended: the process may be next to end, and tells no SDK of that. Settles after five seconds
   * at the latest, or when `signal` is raised; never rejects.
   */
  async flush(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const provider = this.#api.trace.getTracerProvider() as Flushable & { getDelegate?(): Flushable };
    const over = AbortSignal.any([signal, AbortSignal.timeout(FLUSH_MS)]);
    const late = new Promise<void>((_resolve, reject) => {
      over.addEventListener('abort', () => reject(new Error('it took too long')), { once: true });
    });
    try {
      await Promise.race([(provider.getDelegate?.() ?? provider).forceFlush?.({ timeoutMillis: FLUSH_MS }), late]);
    } catch (error) {
      // The provider of an SDK rejects with a list: what each of its processors has to say.
      const [first] = [error].flat();
      this.#log.warn('The last spans could not be exported', { err: first });
    }
  }
}

/** What the provider of an SDK can do, and the interface of the API does not have. */
interface Flushable {
  forceFlush?(options: { readonly timeoutMillis: number }): Promise<void>;
}
