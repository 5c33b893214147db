/**
 * Faults for an application's own error classes, declared for a router.
 */
import type { IncomingMessage } from 'node:http';
import { Fault } from '../app/index.js';
import { asFault, isAsync } from '../app/internal.js';
import { PorticoError, whatItIs } from '../errors/index.js';

/** A class of errors. */
// biome-ignore lint/suspicious/noExplicitAny: classes take what they like
export type ErrorClass<E extends Error = Error> = abstract new (...args: any) => E;

/**
 * Maps errors of an application to faults: pairs of a class and a status, of which the first match applies; or a function, which returns
 * undefined for unknown errors.
 *
 * With a status below 500, the client gets the message of the error; from 500 on only the log does.
 */
export type FaultMapping =
  | readonly (readonly [error: ErrorClass, status: number])[]
  | ((error: unknown, request: IncomingMessage) => Fault | undefined);

/** Returns a function that gives the fault of a thrown value. Throws `PORTICO_ROUTER_OPTION` for an invalid mapping. */
export function faultsBy(mapping: FaultMapping | undefined): (error: unknown, req: IncomingMessage) => Fault {
  if (mapping === undefined) return asFault;
  if (isAsync(mapping)) refuse('an async function');
  const map = typeof mapping === 'function' ? mapping : byClass(mapping);
  return (error, req) => {
    if (error instanceof Fault) return error;
    try {
      const fault: unknown = map(error, req);
      if (fault instanceof Fault) return fault;
      if (fault === undefined) return asFault(error);
      // A rejection without a handler must not end the process.
      Promise.resolve(fault).catch(() => {});
      throw new TypeError(`the function in faults of a Router returned ${whatItIs(fault)}, not a Fault or undefined`);
    } catch (cause) {
      // The mapping failed: a bare 500, with both errors in the log.
      return new Fault(500, {
        safe: false,
        cause: new AggregateError([cause, error], 'the faults of a Router failed'),
      });
    }
  };
}

function refuse(what: string): never {
  throw new PorticoError('PORTICO_ROUTER_OPTION', {
    message: `the faults of a Router are ${what}`,
    hint: 'Write faults: [[NotFoundError, 404]], or a function (error, request) => Fault | undefined.',
  });
}

function byClass(
  pairs: readonly (readonly [error: ErrorClass, status: number])[],
): (error: unknown) => Fault | undefined {
  if (!Array.isArray(pairs)) return refuse(`a list or a function, not ${whatItIs(pairs)}`);
  for (const pair of pairs as readonly unknown[]) {
    if (!Array.isArray(pair)) return refuse(`pairs, and one is ${whatItIs(pair)}`);
    const [error, status] = pair as readonly unknown[];
    if (typeof error !== 'function') return refuse(`pairs of a class and a status, and a class is ${whatItIs(error)}`);
    if (!Number.isInteger(status) || Number(status) < 400 || Number(status) > 599) {
      return refuse(`pairs of a class and a status from 400 to 599, and that of ${error.name} is ${whatItIs(status)}`);
    }
  }
  return (error) => {
    const found = pairs.find(([kind]) => error instanceof kind);
    if (found === undefined) return undefined;
    const [, status] = found;
    const { message } = error as Error;
    return new Fault(status, { message: message || undefined, safe: status < 500, cause: error });
  };
}
