/**
 * Collects bytes that arrive in pieces. Small pieces are copied together, because the buffers in which they arrive take a hundred times
 * their length.
 */
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** Pieces of at least this size are kept or passed on without a copy. */
const LARGE = 1024;
const LARGEST_BLOCK = 65_536;

/** Collects pieces of bytes. Holds at most twice their size, plus 1 KiB. */
export class GatheredBytes {
  /** Number of bytes collected. */
  size = 0;
  readonly #pieces: Buffer[] = [];
  /** Block for small pieces, and the size of its filled part. */
  #block: Buffer | undefined;
  #filled = 0;

  /** Keeps a piece or a copy of it; the piece must not be changed afterwards. */
  add(piece: Buffer): void {
    this.size += piece.length;
    const rest = this.#block === undefined ? piece : this.#fill(this.#block, piece);
    if (rest.length === 0) return;
    // The first piece is kept without a copy, because it is nearly always the only one.
    if (rest.length >= LARGE || this.#pieces.length === 0) this.#pieces.push(rest);
    else {
      this.#block = Buffer.allocUnsafeSlow(Math.min(Math.max(this.size, LARGE), LARGEST_BLOCK));
      this.#filled = 0;
      this.#fill(this.#block, rest);
    }
  }

  /** Returns all bytes in one buffer. */
  whole(): Buffer {
    if (this.#block === undefined && this.#pieces.length === 1) return this.#pieces[0]!;
    return Buffer.concat(this.pieces(), this.size);
  }

  /** Returns all bytes in pieces. */
  pieces(): Buffer[] {
    if (this.#block === undefined) return this.#pieces;
    return [...this.#pieces, this.#block.subarray(0, this.#filled)];
  }

  /** Discards all bytes. */
  clear(): void {
    this.size = 0;
    this.#pieces.length = 0;
    this.#block = undefined;
  }

  /** Copies the part that fits and returns the rest. */
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
 * Joins small chunks of a request body that arrive in one read of the socket. The first chunk of a turn of the event loop is passed on
 * at once, later ones in one piece at the end of the turn.
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
  // Like the parser when the stream's buffer is full.
  const turnOver = (): void => void (handOn() || req.socket.pause());
  carrier.push = function push(this: unknown, chunk): boolean {
    // A limit passes the bytes that it discards through this function too, into a separate stream.
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

/**
 * Keeps the body of a request that waits for its turn. The result begins the request, then passes on what was kept, as if it arrived after
 * the headers: limits and counters that the request gets when it begins see all of its body.
 */
export function holdBody(req: IncomingMessage): (begin: () => void) => void {
  const carrier = req as unknown as { push?: Push };
  const kept = new GatheredBytes();
  let isWhole = false;
  carrier.push = (chunk) => {
    if (chunk === null) isWhole = true;
    else kept.add(chunk);
    return kept.size < req.readableHighWaterMark;
  };
  return (begin) => {
    delete carrier.push;
    begin();
    for (const piece of kept.size === 0 ? [] : kept.pieces()) req.push(piece);
    if (isWhole) req.push(null);
  };
}

// Counts the bytes of a request's body as they arrive, however the body is read.

/** Number of bytes received of a body. */
interface BodyCount {
  received: number;
}

const COUNT: unique symbol = Symbol('portico.bodyCount');

type Counted = Readable & { [COUNT]?: BodyCount };

/**
 * Counts received bytes in `count`: all of a body enters the request through `push`, however it is read afterwards.
 *
 * Uses one function for all requests. A closure on each request, which holds its variables, keeps dead requests alive: V8's young
 * collections then promote all of them, and a POST of 1 KB costs 100 µs instead of 72.
 */
export function countBody(req: IncomingMessage, count: BodyCount): void {
  const counted = req as Counted;
  counted[COUNT] = count;
  counted.push = countingPush;
}

/** Makes a stream that receives the rest of a request's body count for the request, when the same `push` is called on it. */
export function countFor(req: IncomingMessage, stream: Readable): void {
  const { [COUNT]: count } = req as Counted;
  if (count !== undefined) (stream as Counted)[COUNT] = count;
}

function countingPush(this: Counted, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (chunk !== null) this[COUNT]!.received += (chunk as Buffer).length;
  return IncomingMessage.prototype.push.call(this, chunk, encoding);
}
