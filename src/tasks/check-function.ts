/**
 * What is to run later is looked at now, where the mistake is.
 */
import { PorticoError, whatItIs } from '../errors/index.js';

/** Throws `PORTICO_NOT_A_FUNCTION` for what cannot be called; `what` is how the message calls it. */
export function checkFunction(fn: unknown, what: string): void {
  if (typeof fn === 'function') return;
  throw new PorticoError('PORTICO_NOT_A_FUNCTION', { message: `${what} is a function, not ${whatItIs(fn)}` });
}
