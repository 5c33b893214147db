/** The filter by which a part of an app is seen in trials of requests. */
import type { IncomingMessage } from 'node:http';
import type { Filter } from './app.js';
import { exchangeOf } from './exchange.js';
import type { TrialNode } from './request-trial.js';

/** Returns a filter that notes for a trial that the request enters a part of the app, with a note on it. */
export function entering(node: TrialNode | ((req: IncomingMessage) => TrialNode), note?: string): Filter {
  return (app) => (req, res) => {
    const exchange = exchangeOf(req);
    exchange.trial?.enter(typeof node === 'function' ? node(req) : node, exchange);
    if (note !== undefined) exchange.trial?.note(note);
    return app(req, res);
  };
}
