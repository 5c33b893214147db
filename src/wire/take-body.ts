/**
 * A request's body for one reader that wants it whole, past the stream: it is gathered as the parser brings it.
 *
 * A stream tells of each piece and of its end in ticks of their own, and is then destroyed in two more. Without
 * other listeners none of this is needed, and a POST of 1 KB costs a tenth less.
 */
import { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { type BodyTaker, directCount, divertBody, takerOf } from './count-body.js';
import { GatheredBytes } from './gathered-bytes.js';
import { fastPaths } from './node-internals.js';
import { isListened, isWatched, noteEnd, noteRead } from './request-end.js';

/** Who wants a body. */
export interface BodyReader {
  /** The most it may be, in bytes. */
  readonly limit: number;
  /** Called once, with the whole body, or with what destroyed the request before its end. */
  done(error: Error | null | undefined, bytes?: Buffer): void;
  /** Called in the place of `done` when the body is to be read from the stream after all, all of it. */
  readStream(): void;
}

/**
 * Gathers a body of declared length for `reader`. When other code begins to listen, all of it goes through
 * the stream; until then the stream does not know that it is read. False, and nothing has happened: it is no request of a
 * server that counts bodies, its length is not known or over the limit, its stream was used, or it is there already.
 */
export function takeBody(body: Readable, reader: BodyReader): boolean {
  const req = body as IncomingMessage & Parts;
  const length = directCount(req)?.declared;
  if (!fastPaths.bodies || length === undefined || length > reader.limit || !isUntouched(req)) return false;
  divertBody(req, new Taking(req, reader));
  req._destroy = destroyTaken;
  // As a stream that is read: resumes the parser, and answers `Expect: 100-continue`.
  req._read(0);
  return true;
}

/** By a name that Node documents for those who write streams. */
interface Parts {
  _destroy(error: Error | null, callback: (error?: Error | null) => void): void;
}

const { _destroy: NODES_DESTROY, on: NODES_ON } = IncomingMessage.prototype;

/** Also not by a tool that follows contexts from listener to listener: here is none. */
function isUntouched(req: IncomingMessage & Parts): boolean {
  return (
    req._destroy === NODES_DESTROY &&
    req.on === NODES_ON &&
    takerOf(req) === undefined &&
    !req.complete &&
    req.readableLength === 0 &&
    req.readableEncoding === null &&
    !isWatched(req)
  );
}

class Taking implements BodyTaker {
  readonly #req: IncomingMessage & Parts;
  readonly #reader: BodyReader;
  readonly #gathered = new GatheredBytes();

  constructor(req: IncomingMessage & Parts, reader: BodyReader) {
    this.#req = req;
    this.#reader = reader;
  }

  take(chunk: Buffer | null): boolean {
    const req = this.#req;
    if (isWatched(req)) return this.#giveBack(chunk);
    if (chunk !== null) {
      this.#gathered.add(chunk);
      return true;
    }
    this.#end();
    noteEnd(req, this.#gathered.size > 0);
    try {
      this.#reader.done(null, this.#gathered.whole());
    } catch (error) {
      // Not here: the parser, in the middle of whose work this is, would take no further request.
      process.nextTick(() => {
        throw error;
      });
    }
    // A stream is closed after those that waited for its end have heard of it.
    if (isListened(req)) process.nextTick(tellClose, req);
    return false;
  }

  /** The request is destroyed. */
  fail(error: Error | null): void {
    this.#end();
    if (this.#gathered.size > 0) noteRead(this.#req);
    process.nextTick(() => this.#reader.done(error ?? undefined));
  }

  /** The stream gets what it would have got. */
  #giveBack(chunk: Buffer | null): boolean {
    const req = this.#req;
    this.#end();
    this.#reader.readStream();
    let more = true;
    for (const each of [...this.#gathered.pieces(), chunk]) more = IncomingMessage.prototype.push.call(req, each);
    return more;
  }

  #end(): void {
    const req = this.#req;
    divertBody(req, undefined);
    if (req._destroy === destroyTaken) req._destroy = NODES_DESTROY;
  }
}

function tellClose(req: IncomingMessage): void {
  req.emit('close');
}

function destroyTaken(this: IncomingMessage & Parts, error: Error | null, callback: () => void): void {
  const taking = takerOf(this);
  NODES_DESTROY.call(this, error, callback);
  if (taking instanceof Taking) taking.fail(error);
}
