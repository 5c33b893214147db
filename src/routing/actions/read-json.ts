/**
 * The body of a request, read up to a limit and parsed as JSON.
 */
import type { Readable } from 'node:stream';
import { collectBody, Fault } from '../../app/index.js';
import { parseJsonBody } from './json-body.js';

/** Told of the value and how many bytes it was, or of what went wrong. */
export type BodyDone = (error: Error | null, body: unknown, size: number) => void;

/**
 * Reads a body: 413 when it is larger than `limit` bytes, before reading where the length is declared; 400 when it does
 * not arrive whole, or is not JSON; `PORTICO_BODY_CONSUMED` when somebody has read it already.
 */
export function readJson(payload: Readable, limit: number, done: BodyDone): void {
  collectBody(payload, limit, (error, bytes) => {
    if (error === null) parseInto(bytes!, done);
    else if (!isAborted(error)) done(error, undefined, 0);
    else done(new Fault(400, { message: 'The body did not arrive whole.', cause: error }), undefined, 0);
  });
}

function isAborted(error: Error): boolean {
  return (error as { code?: unknown }).code === 'PORTICO_REQUEST_ABORTED';
}

function parseInto(bytes: Buffer, done: BodyDone): void {
  let value: unknown;
  try {
    value = parseJsonBody(bytes);
  } catch (error) {
    done(error as Error, undefined, 0);
    return;
  }
  done(null, value, bytes.length);
}
