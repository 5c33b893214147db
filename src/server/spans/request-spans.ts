/**
 * A span for each request of a server, where the program has registered an OpenTelemetry SDK. Where it has not, nothing is
 * put around an app.
 */
import { type App, afterResponse, environ } from '../../app/index.js';
import { runInRequest, setTrace } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { flushSpans, type OpenTelemetry, openTelemetry, SpanMaker } from '../../spans/index.js';
import { RequestSpan } from './request-span.js';

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

  /** As {@link flushSpans}. */
  flush(signal: AbortSignal): Promise<void> {
    return flushSpans(this.#api, this.#log, signal);
  }
}
