/**
 * App for requests that the server refuses by itself: only filters that name a request or add headers see them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, Fault, type Filter } from '../../app/index.js';
import { answerFailure, catching, type FailureOptions } from '../../app/internal.js';
import type { Refuse } from '../connections/broken-connections.js';
import type { Refusal } from '../connections/refusal.js';

/**
 * Answers refused requests in the API's format; never throws. A failing filter is logged, and the refusal does not
 * change.
 */
export function refusing(filters: readonly Filter[], failures: FailureOptions): Refuse {
  const refusals = new WeakMap<IncomingMessage, Fault>();
  const refuse: App = (req) => {
    throw refusals.get(req)!;
  };
  const filtered = filters.reduceRight((inner, filter) => filter(inner), refuse);
  const app = catching(filtered, (error, req, res) => {
    const refusal = refusals.get(req)!;
    if (error !== refusal)
      failures.log.error({ ...failures.facts(req, res), err: error }, 'a filter around a refusal failed');
    answerFailure(refusal, req, res, { ...failures, faultOf: () => refusal });
  });
  return (req: IncomingMessage, res: ServerResponse, { status, reason }: Refusal): void => {
    refusals.set(req, new Fault(status, { message: reason }));
    res.setHeader('connection', 'close');
    void app(req, res);
  };
}
