/**
 * Responses to requests that do not reach the app: those that the server refuses, and `OPTIONS *`. Only filters that name a request or add
 * headers see them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, compose, Fault, type Filter } from '../../app/index.js';
import { answerFailure, answering, catching, type FailureOptions } from '../../app/internal.js';
import type { Refuse } from '../connections/broken-connections.js';
import type { Refusal } from '../connections/refusal.js';

/** Both never throw. */
export interface Refusals {
  /** Answers a refused request in the API's format. A failing filter is logged, and the refusal does not change. */
  readonly refuse: Refuse;
  /** Answers `OPTIONS *`, a question about the server itself. It has no `Allow`, because methods belong to paths. */
  readonly answerOptions: App;
}

/** Makes the responses behind these filters, outermost first. */
export function aroundRefusals(filters: readonly Filter[], failures: FailureOptions): Refusals {
  const refusals = new WeakMap<IncomingMessage, Fault>();
  const refuse: App = (req) => {
    throw refusals.get(req)!;
  };
  const app = catching(compose(filters, refuse), (error, req, res) => {
    const refusal = refusals.get(req)!;
    if (error !== refusal)
      failures.log.error({ ...failures.facts(req, res), err: error }, 'a filter around a refusal failed');
    answerFailure(refusal, req, res, { ...failures, faultOf: () => refusal });
  });
  const about: App = (_req, res) => void res.writeHead(204).end();
  return {
    refuse: (req: IncomingMessage, res: ServerResponse, { status, reason }: Refusal): void => {
      refusals.set(req, new Fault(status, { message: reason }));
      res.setHeader('connection', 'close');
      void app(req, res);
    },
    answerOptions: answering(compose(filters, about), failures),
  };
}
