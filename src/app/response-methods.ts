/**
 * Common part of all that replaces methods of a response.
 */
import { OutgoingMessage, type ServerResponse } from 'node:http';

/** Callback of a write. */
export type Callback = (error?: Error | null) => void;

/** On a method: the method itself, so that a wrapper to which other code has copied all properties is not taken for it. */
const OWN: unique symbol = Symbol('portico.ownPatch');

/** Marks a method that this directory puts in the place of a response's. */
export function ownPatch<T extends object>(method: T): T {
  // Not kept in a WeakSet: some are closures, and adding those took longer than making them.
  (method as { [OWN]?: object })[OWN] = method;
  return method;
}

/** Whether a method of a response was put there by this directory, and not by other code; for `lint`. */
export function isOwnPatch(method: object): boolean {
  const own = (method as { [OWN]?: object } | undefined)?.[OWN];
  return own !== undefined && own === method;
}

/** The callback among the arguments of a `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((argument) => typeof argument === 'function') as Callback | undefined;
}

/** Whether a response with this status, to this request, may have a body (RFC 9110 §6.4.1). */
export function mayHaveBody({ req, statusCode }: ServerResponse): boolean {
  return req.method !== 'HEAD' && statusCode >= 200 && statusCode !== 204 && statusCode !== 304;
}

/** Bytes of what is given to `write` or `end`. */
export function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string')
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}

/** Node's own `headersSent`, to be called on a response: `@fastify/express` puts a property in its place that says something else. */
export const headSent = Object.getOwnPropertyDescriptor(OutgoingMessage.prototype, 'headersSent')!.get as (
  this: ServerResponse,
) => boolean;
