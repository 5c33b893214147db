/**
 * The app of requests that a server refuses by itself: no pipeline sees them, but filters that only name a request or add headers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, Fault, type Filter } from '../../app/index.js';
import { answerFailure, catching, type FailureOptions } from '../../app/internal.js';
import type { Refuse } from '../connections/broken-connections.js';
import type { Refusal } from '../connections/refusal.js';

/** Answers refused requests, in the form of the API; never throws. A filter that fails is logged, and the refusal stays what it is. */
export function refusing(filters: readonly Filter[], failures: FailureOptions): Refuse {
  const refusals = new WeakMap<IncomingMessage, Fault>();
  const refuse: App = (req) => {
    throw refusals.get(req)!;
  };
  const app = filters.reduceRight((inner, filter) => filter(inner), refuse);
  return (req: IncomingMessage, res: ServerResponse, { status, reason }: Refusal): void => {
    const refusal = new Fault(status, { message: reason });
    refusals.set(req, refusal);
    res.setHeader('connection', 'close');
    void catching(app, req, res, (error) => {
      if (error !== refusal)
        failures.log.error('a filter around a refusal failed', { ...failures.facts(req, res), err: error });
      answerFailure(refusal, req, res, { ...failures, faultOf: () => refusal });
    });
  };
}
