/**
 * Node's response, with a short way for what nearly every answer is: a head of plain fields, a text behind it, and both in
 * one write.
 *
 * Node makes a list of head and text, and hands that list to the system. Here the socket gets one text: the same bytes.
 * Whatever else there is Node writes itself.
 */
import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Head, type HeaderList, headerIn, headersIn, wholeHead } from './flat-head.js';
import { type Headers, isNodesWriteHead, isUnwatched, type Parts, writeUsualHead } from './usual-head.js';

type Lists = readonly HeaderList[];

const NO_LISTS: Lists = [];

/** What was given to `writeHead`, where default headers were written beside it: null until then. */
const GIVEN: unique symbol = Symbol('portico.givenHeaders');
/** The default headers that were written beside it, those of the innermost filter last. */
const LISTS: unique symbol = Symbol('portico.writtenDefaults');

/** Kept by symbols, so that a response behind a proxy, or one made from it, tells its headers too. */
interface Carrier {
  [GIVEN]?: OutgoingHttpHeaders | null;
  [LISTS]?: Lists;
}

/** For `createServer({ ServerResponse: DirectResponse })`. */
export class DirectResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  constructor(...given: ConstructorParameters<typeof ServerResponse<Request>>) {
    super(...given);
    (this as Carrier)[GIVEN] = null;
    (this as Carrier)[LISTS] = NO_LISTS;
  }

  override writeHead(status: number, message?: string | Headers, headers?: Headers): this {
    const given = typeof message === 'object' && message !== null && headers === undefined ? message : undefined;
    if (given !== undefined && writeUsualHead(this, status, given, NO_LISTS)) return this;
    return super.writeHead(status, message as string, headers);
  }

  override end(callback?: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: as Node's types have it.
  override end(chunk: any, callback?: () => void): this;
  // biome-ignore lint/suspicious/noExplicitAny: as Node's types have it.
  override end(chunk: any, encoding: BufferEncoding, callback?: () => void): this;
  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    const done = typeof encoding === 'function' ? encoding : callback;
    const isText = typeof chunk === 'string' && (typeof encoding !== 'string' || encoding === 'utf8');
    if (isText && endWithText(this, chunk, done as (() => void) | undefined)) return this;
    return super.end(chunk, encoding as BufferEncoding, callback as () => void);
  }

  // Node forgets headers that were only given to `writeHead`. Whoever gives default ones sees one head, as where all of them
  // are set one by one.

  override getHeader(name: string): OutgoingHttpHeader | undefined {
    const head = toldHead(this as Carrier);
    return head === null ? super.getHeader(name) : headerIn(head, name);
  }

  override hasHeader(name: string): boolean {
    const head = toldHead(this as Carrier);
    return head === null ? super.hasHeader(name) : headerIn(head, name) !== undefined;
  }

  override getHeaders(): OutgoingHttpHeaders {
    const head = toldHead(this as Carrier);
    return head === null ? super.getHeaders() : headersIn(head);
  }

  override getHeaderNames(): string[] {
    const head = toldHead(this as Carrier);
    return head === null ? super.getHeaderNames() : Object.keys(headersIn(head));
  }
}

/**
 * Writes the head of a {@link DirectResponse} with what the lists say and `given` does not, the last list first, and lets the
 * response tell it all later: the lists are its own from then on. False, and nothing is written, for a response of another
 * class, for an unusual head, and where somebody has put other methods in the place of its own, as Express does.
 */
export function writeWithDefaults(
  res: ServerResponse,
  status: number,
  given: OutgoingHttpHeaders | undefined,
  lists: Lists,
): boolean {
  const carrier = res as Carrier;
  if (carrier[GIVEN] !== null || res.getHeader !== DirectResponse.prototype.getHeader) return false;
  if (!writeUsualHead(res, status, given, lists)) return false;
  // A copy: the application may use its object for the next answer too.
  carrier[GIVEN] = { ...given };
  carrier[LISTS] = lists;
  return true;
}

/** Whether a `writeHead` writes what it is given and nobody else sees it: Node's, or that of {@link DirectResponse}. */
export function isPlainWriteHead(method: unknown): boolean {
  return isNodesWriteHead(method) || (method === DirectResponse.prototype.writeHead && isUnwatched());
}

/** The head that a response tells by itself, for Node does not know it; null where Node does. */
function toldHead(res: Carrier): Head | null {
  const { [GIVEN]: given = null, [LISTS]: lists = NO_LISTS } = res;
  return given === null ? null : wholeHead(given, lists)!;
}

/**
 * Ends a response that has sent nothing yet with a text, in one write; `done` is called when that is out. False, and nothing
 * is sent: that is not the way.
 */
function endWithText(res: ServerResponse, text: string, done: (() => void) | null | undefined): boolean {
  const parts = res as unknown as ServerResponse & Parts;
  const socket = res.socket as (Socket & { _httpMessage?: unknown; _hadError?: boolean }) | null;
  if (!isUnwatched() || text === '' || parts.finished || parts._headerSent || !parts._hasBody) return false;
  if (parts.strictContentLength || parts.outputData.length > 0 || res.destroyed) return false;
  if (socket === null || socket._httpMessage !== res || !socket.writable) return false;
  if (socket.writableCorked > 0) return false;
  if (!parts._header) {
    parts._contentLength = Buffer.byteLength(text);
    parts._implicitHeader();
    // Whoever listens for the head may have answered in its place.
    if (parts.finished) {
      if (typeof done === 'function') res.once('finish', done);
      return true;
    }
  }
  if (!parts._header || parts._headerSent || !parts._hasBody || parts.chunkedEncoding || socket.destroyed) return false;
  if (typeof done === 'function') res.once('finish', done);
  parts._headerSent = true;
  socket.write(parts._header + text, () => {
    if (socket._hadError !== true) res.emit('finish');
  });
  parts.finished = true;
  parts._finish();
  return true;
}
