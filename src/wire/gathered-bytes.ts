/**
 * Bytes that come in pieces. Small pieces are copied together: kept as the buffers they came in they take a hundred times
 * their length.
 */
import type { IncomingMessage } from 'node:http';

/** A piece of so many bytes is kept, or handed on, as it is. */
const LARGE = 1024;
const LARGEST_BLOCK = 65_536;

/** Takes pieces, and gives the whole. It holds at most twice the bytes it was given, plus 1 KiB. */
export class GatheredBytes {
  /** How many bytes there are. */
  size = 0;
  readonly #pieces: Buffer[] = [];
  /** Block for small pieces, and the filled part of it. */
  #block: Buffer | undefined;
  #filled = 0;

  /** Keeps a piece, or a copy of it: it may not be changed afterwards. */
  add(piece: Buffer): void {
    this.size += piece.length;
    const rest = this.#block === undefined ? piece : this.#fill(this.#block, piece);
    if (rest.length === 0) return;
    // The only piece, which it nearly always is, is given back as it came.
    if (rest.length >= LARGE || this.#pieces.length === 0) this.#pieces.push(rest);
    else {
      this.#block = Buffer.allocUnsafeSlow(Math.min(Math.max(this.size, LARGE), LARGEST_BLOCK));
      this.#filled = 0;
      this.#fill(this.#block, rest);
    }
  }

  /** All of it. */
  whole(): Buffer {
    if (this.#block === undefined && this.#pieces.length === 1) return this.#pieces[0]!;
    return Buffer.concat(this.pieces(), this.size);
  }

  /** All of it, in pieces. */
  pieces(): Buffer[] {
    if (this.#block === undefined) return this.#pieces;
    return [...this.#pieces, this.#block.subarray(0, this.#filled)];
  }

  /** Forgets it all. */
  clear(): void {
    this.size = 0;
    this.#pieces.length = 0;
    this.#block = undefined;
  }

  /** Copies what fits; gives the rest. */
  #fill(block: Buffer, piece: Buffer): Buffer {
    const copied = piece.copy(block, this.#filled);
    this.#filled += copied;
    if (this.#filled === block.length) {
      this.#pieces.push(block);
      this.#block = undefined;
    }
    return piece.subarray(copied);
  }
}

type Push = (chunk: Buffer | null) => boolean;

/**
 * Joins small chunks of a request body that come in one read of the socket. The first one of a turn of the loop is handed on at once, those behind it in one piece at the
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
    // By this way also goes what a limit throws away, into its own stream.
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
