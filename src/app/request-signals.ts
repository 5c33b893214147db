/** Signals of a request: that its response is no longer needed, and that its server is about to close. */
import type { IncomingMessage } from 'node:http';
import type { Environ } from './environ.js';
import { type Exchange, exchangeOf } from './exchange.js';

/**
 * Makes `signal` available, created on first access, which few requests need: an AbortSignal costs more than a whole filter. A signal
 * that was set or offered before aborts this one too.
 */
export function offerSignal(env: Environ, make: () => AbortSignal): void {
  const exchange = env as Exchange;
  const { madeSignal: made, offeredSignal: offered } = exchange;
  const isFirst = made === undefined && offered === undefined;
  exchange.madeSignal = undefined;
  exchange.offeredSignal = isFirst ? make : () => AbortSignal.any([made ?? offered!(), make()]);
}

/**
 * Returns the signal that is aborted when the server of a request begins to stop or replaces the app. Endless responses, such as event
 * streams, should end then. Undefined for a server without this state, such as plain `node:http`.
 */
export function closingOf(req: IncomingMessage): AbortSignal | undefined {
  return exchangeOf(req).closingSignal;
}
