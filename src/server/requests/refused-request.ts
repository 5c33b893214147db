/**
 * The app of requests that a server refuses by itself: no pipeline sees them, but filters that only name a request or add headers.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, Fault, type Filter } from '../../app/index.js';
import { answerFailure, catching, type FailureOptions } from '../../app/internal.js';
import type { Refuse } from '../connections/broken-connections.js';
import type { Refusal } from '../connections/refusal.js';

/** Answers refused requests, in the form of the API; never throws. */
export function refusing(filters: readonly Filter[], failures: FailureOptions): Refuse {
  const refusals = new WeakMap<IncomingMessage, Refusal>();
  const refuse: App = (req) => {
    const { status, reason } = refusals.get(req)!;
    throw new Fault(status, { message: reason });
  };
  const app = filters.reduceRight((inner, filter) => filter(inner), refuse);
  return (req: IncomingMessage, res: ServerResponse, refused: Refusal): void => {
    refusals.set(req, refused);
    res.setHeader('connection', 'close');
    void catching(app, req, res, (error) => answerFailure(error, req, res, failures));
  };
}
