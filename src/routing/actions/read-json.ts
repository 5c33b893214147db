/**
 * A body without a type, read as JSON up to a limit.
 */
import type { IncomingMessage } from 'node:http';
import { Fault } from '../../app/index.js';
import { parseJsonBody } from './json-body.js';

/** Told of the value, or of what went wrong. */
export type BodyDone = (error: Error | null, body?: unknown) => void;

/** Reads a body; 413 when it is larger than `limit` bytes, before reading where the length is declared. */
export function readJson(payload: IncomingMessage, limit: number, done: BodyDone): void {
  const fail = (status: number, message: string, cause?: Error): void => done(new Fault(status, { message, cause }));
  if (Number(payload.headers['content-length'] ?? 0) > limit) {
    fail(413, TOO_LARGE);
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const stop = (): void => {
    payload.off('data', onData).off('end', onEnd).off('error', onError);
  };
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    chunks.push(chunk);
    if (length <= limit) return;
    stop();
    fail(413, TOO_LARGE);
  };
  const onEnd = (): void => {
    stop();
    parseInto(Buffer.concat(chunks), done);
  };
  const onError = (cause: Error): void => {
    stop();
    fail(400, 'The body did not arrive whole.', cause);
  };
  payload.on('data', onData).on('end', onEnd).on('error', onError);
}

/** Parses a whole body. */
export function parseInto(bytes: Buffer, done: BodyDone): void {
  let value: unknown;
  try {
    value = parseJsonBody(bytes);
  } catch (error) {
    done(error as Error);
    return;
  }
  done(null, value);
}

/** The message of a 413. */
export const TOO_LARGE = 'The request body is too large.';
