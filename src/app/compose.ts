/** Filters around an app: a pipeline in code, like one in a paste file. */
import { PorticoError, whatItIs } from '../errors/index.js';
import type { App, Filter } from './app.js';
import { connectApp } from './host/from-connect.js';
import { canTry, knowsTrials } from './request-trial.js';
import { takesOwnSlot, withSlot } from './slot.js';

/**
 * Wraps an app in filters; the first filter is the outermost. The server counts only requests that have reached the app, not requests
 * that wait in a filter. Throws `PORTICO_PIPELINE` if a filter or the app is not a function.
 */
export function compose(filters: readonly Filter[], app: App): App {
  if (!Array.isArray(filters)) throw noPipeline(`the filters are a list, not ${whatItIs(filters)}`);
  for (const filter of filters as readonly unknown[]) {
    if (typeof filter !== 'function') throw noPipeline(`a filter must be a function, not ${whatItIs(filter)}`);
  }
  if (typeof app !== 'function') throw noPipeline(`the app must be a function, not ${whatItIs(app)}`);
  const placed = withSlot(connectApp(app));
  const composed = filters.reduceRight((inner, filter) => filter(inner), placed);
  if (composed === placed) return app;
  if (typeof composed !== 'function') return composed;
  return takesOwnSlot(canTry(app) ? knowsTrials(composed) : composed);
}

function noPipeline(message: string): PorticoError {
  return new PorticoError('PORTICO_PIPELINE', { message, hint: 'Write compose([outer, inner], app).' });
}
