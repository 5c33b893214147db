/** Spans of the filters of a pipeline, each within that of the filter around it. */
import { afterResponse, environ, Fault, type Filter } from '../../app/index.js';
import { traceOf } from '../../app/internal.js';
import { boolean, type Config, defineOptions } from '../../config/index.js';
import type { PipelineProbes } from '../api/filter-times.js';
import { RequestSpan } from './request-span.js';

/** `[trace]`. */
export const traceOptions = defineOptions({
  filters: boolean({
    default: false,
    help: 'Makes a span of each filter, and of the application behind them, within the span of the request. Spans are made where an OpenTelemetry SDK is registered.',
  }),
});

/** What a configuration wants around the filters of each pipeline; undefined: nothing. */
export function filterSpans(config: Config): PipelineProbes | undefined {
  if (!config.group('trace', traceOptions).filters) return undefined;
  return (pipeline, filters) => [
    ...filters.map((filter) => spanAround(filter, { 'portico.pipeline': pipeline, 'portico.filter': filter })),
    spanAround('application', { 'portico.pipeline': pipeline }),
  ];
}

function spanAround(name: string, attributes: Readonly<Record<string, string>>): Filter {
  return (app) => (req, res) => {
    const request = traceOf(environ(req));
    if (!(request instanceof RequestSpan)) return app(req, res);
    const { activeContext, maker } = request;
    const { context, SpanStatusCode, trace } = maker.api;
    const span = maker.attempt(() => maker.tracer.startSpan(name, { attributes }, activeContext));
    if (span === undefined) return app(req, res);
    const end = (): void => maker.attempt(() => span.end());
    const failed = (error: unknown): void => {
      if (!(error instanceof Fault) || error.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      end();
    };
    try {
      const returned: unknown = context.with(trace.setSpan(activeContext, span), () => app(req, res));
      if (returned instanceof Promise) returned.then(end, failed);
      // It answers, or calls what is inside, by and by.
      else if (!res.writableEnded) afterResponse(res, end);
      else end();
      return returned as void | Promise<void>;
    } catch (error) {
      failed(error);
      throw error;
    }
  };
}
