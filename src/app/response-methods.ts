/** Common code of the modules that send a response. */
import { OutgoingMessage, type ServerResponse } from 'node:http';
import type { HeadersArgument } from './headers.js';

/** The callback of a write. */
export type Callback = (error?: Error | null) => void;

/** The methods that send a response: of Node, or of other code that has replaced them. */
export interface Methods {
  writeHead(status: number, reason?: string | HeadersArgument, headers?: HeadersArgument): ServerResponse;
  write(chunk?: unknown, encoding?: unknown, callback?: unknown): boolean;
  end(chunk?: unknown, encoding?: unknown, callback?: unknown): ServerResponse;
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
