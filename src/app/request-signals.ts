/** Signals of a request: that its response is no longer needed, and that its server is about to close. */
import type { IncomingMessage, ServerResponse } from 'node:http';
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
  exchange.offeredSignal = isFirst ? make : () => followed(exchange.res, [made ?? offered!(), make()]);
}

function followed(res: ServerResponse | undefined, sources: readonly AbortSignal[]): AbortSignal {
  const abort = new AbortController();
  for (const source of sources) followSignal(res, abort, source);
  return abort.signal;
}

/**
 * Aborts `abort` with a signal, until the response has closed. Not `AbortSignal.any`: Node 20 keeps what that makes for ever, if it has a
 * listener. `reason`: instead of the signal's own.
 */
export function followSignal(
  res: ServerResponse | undefined,
  abort: AbortController,
  source: AbortSignal,
  reason: () => unknown = () => source.reason,
): void {
  const end = (): void => abort.abort(reason());
  if (source.aborted) end();
  if (source.aborted || res?.closed === true) return;
  source.addEventListener('abort', end);
  // Later in this turn: a source may be aborted because the response has closed.
  res?.once('close', () => process.nextTick(() => source.removeEventListener('abort', end)));
}

/** Returns the reason of an aborted signal. It has the name by which `fetch`, timers and streams of Node call an end of their work. */
export function abortError(message: string): Error {
  return new DOMException(message, 'AbortError');
}

/**
 * Returns the signal that is aborted when the server of a request is asked to stop, before `drain_delay`, or replaces the app. Endless
 * responses, such as event streams, should end then. Undefined for a server without this state, such as plain `node:http`.
 */
export function closingOf(req: IncomingMessage): AbortSignal | undefined {
  return exchangeOf(req).closingSignal;
}
