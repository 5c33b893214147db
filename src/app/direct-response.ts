/**
 * Node's response, with a short way for what nearly every answer is: a head of plain fields, a text behind it, and both in
 * one write.
 *
 * Node looks at each field for what it may mean to the framing, makes a list of head and text, and hands that list to the
 * system. Here fields that mean nothing are written down as they are, the lines that all answers of a second share are
 * kept, and the socket gets one text: the same bytes. Whatever else there is Node writes itself.
 */
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** For `createServer({ ServerResponse: DirectResponse })`. */
export class DirectResponse extends ServerResponse {
  override writeHead(status: number, message?: string | Headers, headers?: Headers): this {
    const given = typeof message === 'object' && message !== null && headers === undefined ? message : undefined;
    if (given !== undefined && writeUsualHead(this, status, given)) return this;
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
}

/** What Node's own methods work with; it has no documented names. */
interface Parts {
  _header: string | null;
  _headerSent: boolean;
  _contentLength: number | null;
  readonly _hasBody: boolean;
  readonly _keepAliveTimeout: number;
  readonly _defaultKeepAlive: boolean;
  readonly _removedConnection: boolean;
  readonly _removedContLen: boolean;
  readonly _expect_continue: boolean;
  readonly outputData: readonly unknown[];
  readonly maxRequestsOnConnectionReached: boolean;
  readonly _maxRequestsPerSocket?: number;
  finished: boolean;
  _implicitHeader(): void;
  _finish(): void;
}

const { writeHead: NODES_WRITE_HEAD, end: NODES_END } = ServerResponse.prototype;

/** What the parts of a new response are. */
const FRESH: Readonly<Record<string, unknown>> = {
  _header: null,
  _headerSent: false,
  _contentLength: null,
  _hasBody: true,
  _keepAliveTimeout: 0,
  _defaultKeepAlive: true,
  _removedConnection: false,
  _removedContLen: false,
  _expect_continue: false,
  finished: false,
  maxRequestsOnConnectionReached: false,
};

/** Where Node keeps headers that were set one by one: null until the first. */
const { SET_HEADERS, IS_KNOWN } = (() => {
  const one = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never);
  const parts = one as unknown as Record<string | symbol, unknown>;
  const headers = Object.getOwnPropertySymbols(one).find(({ description }) => description === 'kOutHeaders');
  const isFresh = Object.keys(FRESH).every((name) => parts[name] === FRESH[name]) && Array.isArray(parts.outputData);
  const isWhole = ['_implicitHeader', '_finish'].every((name) => typeof parts[name] === 'function');
  // Words that only Node's own text has: tracing tools wrap these methods before anything else is loaded.
  const isOwn = String(NODES_WRITE_HEAD).includes('kOutHeaders') && String(NODES_END).includes('kCorked');
  const known = isFresh && isWhole && isOwn && headers !== undefined && parts[headers] === null;
  return { SET_HEADERS: headers ?? Symbol('none'), IS_KNOWN: known };
})();

/**
 * This is a Node whose parts are known, and nobody has wrapped the methods of all responses, as tracing tools do: else Node
 * writes everything itself.
 */
function isUnwatched(): boolean {
  const { writeHead, end } = ServerResponse.prototype;
  return IS_KNOWN && writeHead === NODES_WRITE_HEAD && end === NODES_END;
}

/** Whether a `writeHead` writes what it is given and nobody else sees it: Node's, or that of {@link DirectResponse}. */
export function isPlainWriteHead(method: unknown): boolean {
  return method === NODES_WRITE_HEAD || (method === DirectResponse.prototype.writeHead && isUnwatched());
}

/** Writes down a head that says its length and nothing else about framing or connection. False: it is none. */
function writeUsualHead(res: ServerResponse, status: number, headers: Headers): boolean {
  const parts = res as unknown as ServerResponse & Parts;
  if (!isUsual(parts, status)) return false;
  const fields = new Fields();
  if (Array.isArray(headers)) {
    if (headers.length % 2 !== 0) return false;
    for (let at = 0; at < headers.length; at += 2) if (!fields.add(headers[at], headers[at + 1])) return false;
  } else {
    for (const name of Object.keys(headers)) if (!fields.add(name, headers[name])) return false;
  }
  if (fields.length < 0) return false;
  const message = STATUS_CODES[status]!;
  res.statusCode = status;
  res.statusMessage = message;
  parts._contentLength = fields.length;
  parts._header = `HTTP/1.1 ${status} ${message}\r\n${fields.text}${sharedLines(parts._keepAliveTimeout)}`;
  parts._headerSent = false;
  return true;
}

/** Nothing has been said of the head yet, and nothing about the connection is out of the ordinary. */
function isUsual(res: ServerResponse & Parts, status: number): boolean {
  return (
    isUnwatched() &&
    !res._header &&
    typeof status === 'number' &&
    STATUS_CODES[status] !== undefined &&
    status >= 200 &&
    status !== 204 &&
    status !== 304 &&
    !res.statusMessage &&
    res.shouldKeepAlive &&
    res.sendDate &&
    res._defaultKeepAlive &&
    !res._removedConnection &&
    !res._removedContLen &&
    !res._expect_continue &&
    !res.maxRequestsOnConnectionReached &&
    !res._maxRequestsPerSocket &&
    (res as unknown as Record<symbol, unknown>)[SET_HEADERS] === null
  );
}

/** Fields of a head as text; `length` is what they say of the body, -1 while they say nothing. */
class Fields {
  text = '';
  length = -1;

  /** False for a field that Node is to judge. */
  add(name: unknown, value: unknown): boolean {
    if (typeof name !== 'string') return false;
    const kind = kinds.get(name) ?? kindOf(name);
    if (kind === FRAMING) return false;
    if (kind === LENGTH) {
      if (this.length >= 0 || !isLength(value)) return false;
      this.length = Number(value);
    } else if (typeof value !== 'string') return false;
    else if (kind === PLAIN || value !== knownType) {
      if (!PLAIN_TEXT.test(value)) return false;
      if (kind === TYPE && value.length < 100) knownType = value;
    }
    this.text += `${name}: ${value}\r\n`;
    return true;
  }
}

const PLAIN_TEXT = /^[\t\x20-\x7e]*$/;
const DIGITS = /^\d{1,15}$/;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** The type of most answers is that of the one before. */
let knownType = 'application/json';

function isLength(value: unknown): value is string | number {
  if (typeof value === 'string') return DIGITS.test(value);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

const PLAIN = 0;
const TYPE = 1;
const LENGTH = 2;
/** It says something about framing or connection, or is no name. */
const FRAMING = 3;

const FRAMING_NAMES = new Set([
  'connection',
  'date',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** An application has few names; what it makes of a client's words is not kept. */
const MOST_KINDS = 500;
const LONGEST_NAME = 60;
const kinds = new Map<string, number>();

function kindOf(name: string): number {
  const lower = name.toLowerCase();
  let kind = lower === 'content-length' ? LENGTH : lower === 'content-type' ? TYPE : PLAIN;
  if (FRAMING_NAMES.has(lower) || !TOKEN.test(name)) kind = FRAMING;
  if (kinds.size < MOST_KINDS && name.length <= LONGEST_NAME) kinds.set(name, kind);
  return kind;
}

/** Real time, whatever a test makes of the clock later: as Node's own. */
const { now: realTime } = Date;

let shared = '';
let sharedSecond = -1;
let sharedTimeout = -1;

/** The end of each head in one second: when it was, and that the connection stays open. */
function sharedLines(timeout: number): string {
  const second = Math.floor(realTime() / 1000);
  if (second === sharedSecond && timeout === sharedTimeout) return shared;
  sharedSecond = second;
  sharedTimeout = timeout;
  const hint = timeout === 0 ? '' : `Keep-Alive: timeout=${Math.floor(timeout / 1000)}\r\n`;
  shared = `Date: ${new Date(second * 1000).toUTCString()}\r\nConnection: keep-alive\r\n${hint}\r\n`;
  return shared;
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
    if (parts.finished) return true;
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
