/**
 * Small chunks of a request body, joined.
 */
import type { IncomingMessage } from 'node:http';
import { GatheredBytes } from '../../app/internal.js';

/** A chunk of so many bytes is handed on as it comes. */
const LARGE = 1024;

type Push = (chunk: Buffer | null) => boolean;

/**
 * Joins small chunks that come in one read of the socket: each is a buffer of its own, which takes a hundred times its length
 * wherever bodies are kept. The first one of a turn of the loop is handed on at once, those behind it in one piece at the
 * turn's end.
 */
export function joinChunks(req: IncomingMessage): void {
  const carrier = req as unknown as { push: Push };
  const below = carrier.push;
  let small: GatheredBytes | undefined;
  const handOn = (): boolean => {
    const bytes = small?.size ? small.whole() : undefined;
    small = undefined;
    return bytes === undefined || (Reflect.apply(below, req, [bytes]) as boolean);
  };
  // As the parser does when a stream has enough.
  const turnOver = (): void => void (handOn() || req.socket.pause());
  carrier.push = function push(this: unknown, chunk): boolean {
    // By this way also goes what a limit throws away, into a stream of its own.
    if (this !== req) return Reflect.apply(below, this, [chunk]) as boolean;
    if (chunk !== null && chunk.length < LARGE) {
      if (small !== undefined) {
        small.add(chunk);
        return true;
      }
      small = new GatheredBytes();
      setImmediate(turnOver);
    } else handOn();
    return Reflect.apply(below, req, [chunk]) as boolean;
  };
}
