/** A web stream as a stream of Node. */
import { Readable } from 'node:stream';

/**
 * Returns a stream that reads a web stream, and cancels it when it is destroyed. Unlike with `Readable.fromWeb`, a chunk of null is an
 * error, not the end: a response would look complete.
 */
export function readableOf(body: ReadableStream<unknown>): Readable {
  const reader = body.getReader();
  const chunks = {
    next: () => reader.read(),
    // Does not wait for a chunk, as the iterator of the web stream would.
    return: async () => ({ done: true, value: await reader.cancel() }),
    [Symbol.asyncIterator]: () => chunks,
  };
  return Readable.from(chunks, { objectMode: false });
}
