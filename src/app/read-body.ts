/**
 * A request's body as one buffer, for handlers that want it whole.
 */
import type { IncomingMessage } from 'node:http';
import { PorticoError } from '../errors.js';
import { Fault } from './fault.js';

/** How {@link readBody} reads. */
export interface ReadBodyOptions {
  /** The largest body accepted, in bytes. Default: 114688 (112 KiB), as the sizelimit filter's. */
  readonly limit?: number;
}

/**
 * Reads the request's body, as it came: no content decoding.
 *
 * Rejects with a 413 `Fault` when it is larger than the limit, before reading when that is declared; with
 * `PORTICO_REQUEST_ABORTED` when the client leaves before its end, so a short body is never taken for a whole one; with
 * `PORTICO_BODY_CONSUMED` when somebody has read it already.
 */
export function readBody(req: IncomingMessage, { limit = 114_688 }: ReadBodyOptions = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(req.headers['content-length'] ?? 0) > limit) {
      reject(tooLarge(limit));
      return;
    }
    if (req.destroyed && !req.complete) {
      reject(aborted());
      return;
    }
    if (req.readableEnded || req.destroyed) {
      reject(consumed());
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void): void => {
      req.off('data', onData);
      req.off('end', onEnd);
      req.off('error', onError);
      req.off('close', onClose);
      act();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= limit) {
        chunks.push(chunk);
        return;
      }
      req.pause();
      settle(() => reject(tooLarge(limit)));
    };
    const onEnd = (): void => settle(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    const onError = (error: Error): void => settle(() => reject(error instanceof Fault ? error : aborted(error)));
    const onClose = (): void => settle(() => reject(aborted()));
    req.on('data', onData);
    req.on('end', onEnd);
    req.on('error', onError);
    req.on('close', onClose);
  });
}

/** The refusal of a body over a limit of so many bytes; the connection ends with it, for the rest is not read. */
export function tooLarge(limit: number): Fault {
  return new Fault(413, {
    message: `The request body is larger than the limit of ${limit} bytes.`,
    headers: { connection: 'close' },
  });
}

function aborted(cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_REQUEST_ABORTED', {
    message: 'the client left before the end of its request body',
    cause,
  });
}

function consumed(): PorticoError {
  return new PorticoError('PORTICO_BODY_CONSUMED', {
    message: 'the request body has been read already',
    hint: 'Read it once, and hand on what was read.',
  });
}
