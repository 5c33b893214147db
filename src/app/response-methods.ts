/** Common code of all modules that replace methods of a response. */
import { OutgoingMessage, type ServerResponse } from 'node:http';

/** The callback of a write. */
export type Callback = (error?: Error | null) => void;

/** On a method: the method itself, so that a wrapper with copied properties is not mistaken for it. */
const OWN: unique symbol = Symbol('portico.ownPatch');

/** Marks a method with which this directory replaces one of a response. */
export function ownPatch<T extends object>(method: T): T {
  // Not in a WeakSet: some methods are closures, and adding them took longer than creating them.
  (method as { [OWN]?: object })[OWN] = method;
  return method;
}

/** Reports whether a method of a response was set by this directory, not by other code; for `lint`. */
export function isOwnPatch(method: object): boolean {
  const own = (method as { [OWN]?: object } | undefined)?.[OWN];
  return own !== undefined && own === method;
}

/** Returns the callback among the arguments of `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((argument) => typeof argument === 'function') as Callback | undefined;
}

/** Reports whether a response with this status to this request may have a body (RFC 9110 §6.4.1). */
export function mayHaveBody({ req, statusCode }: ServerResponse): boolean {
  return req.method !== 'HEAD' && statusCode >= 200 && statusCode !== 204 && statusCode !== 304;
}

/** Returns the size in bytes of a chunk given to `write` or `end`. */
export function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string')
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}

/** Node's own `headersSent`, to be called on a response: `@fastify/express` replaces the property with a different one. */
export const headSent = Object.getOwnPropertyDescriptor(OutgoingMessage.prototype, 'headersSent')!.get as (
  this: ServerResponse,
) => boolean;
