/**
 * Node's response, with a short way for what nearly every answer is: a head of plain fields, a text behind it, and both in
 * one write.
 *
 * Node looks at each field for what it may mean to the framing, makes a list of head and text, and hands that list to the
 * system. Here fields that mean nothing are written down as they are, the lines that all answers of a second share are
 * kept, and the socket gets one text: the same bytes. Whatever else there is Node writes itself.
 */
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse, STATUS_CODES } from 'node:http';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** For `createServer({ ServerResponse: DirectResponse })`. */
export class DirectResponse extends ServerResponse {
  override writeHead(status: number, message?: string | Headers, headers?: Headers): this {
    if (typeof message === 'object' && headers === undefined && writeUsualHead(this, status, message)) return this;
    return super.writeHead(status, message as string, headers);
  }

  override end(chunk?: unknown, encoding?: unknown, callback?: unknown): this {
    if (typeof chunk === 'string' && encoding === undefined && callback === undefined && endWithText(this, chunk)) {
      return this;
    }
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
  readonly _expect_continue: boolean;
  readonly outputData: readonly unknown[];
  readonly maxRequestsOnConnectionReached: boolean;
  finished: boolean;
  _implicitHeader(): void;
  _finish(): void;
}

const { writeHead: NODES_WRITE_HEAD, end: NODES_END } = ServerResponse.prototype;

/** A Node that names them otherwise writes everything itself, and so does one whose methods somebody has wrapped. */
const IS_KNOWN = (() => {
  const wrapped = [NODES_WRITE_HEAD, NODES_END].some(
    (method) => !String(method).startsWith(`function ${method.name}(`),
  );
  if (wrapped) return false;
  const one = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never);
  const expected: Record<string, unknown> = {
    _header: null,
    _headerSent: false,
    _contentLength: null,
    _hasBody: true,
    _keepAliveTimeout: 0,
    _defaultKeepAlive: true,
    _removedConnection: false,
    _expect_continue: false,
    finished: false,
    maxRequestsOnConnectionReached: false,
  };
  const parts = one as unknown as Record<string, unknown>;
  const methods = ['_implicitHeader', '_finish'].every((name) => typeof parts[name] === 'function');
  return methods && Array.isArray(parts.outputData) && Object.keys(expected).every((n) => parts[n] === expected[n]);
})();

/** Nobody who watches all responses of the process, as tracing tools do, has come since. */
function isUnwatched(): boolean {
  const { writeHead, end } = ServerResponse.prototype;
  return IS_KNOWN && writeHead === NODES_WRITE_HEAD && end === NODES_END;
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
    STATUS_CODES[status] !== undefined &&
    status >= 200 &&
    status !== 204 &&
    status !== 304 &&
    !res.statusMessage &&
    res.shouldKeepAlive &&
    res.sendDate &&
    res._defaultKeepAlive &&
    !res._removedConnection &&
    !res._expect_continue &&
    !res.maxRequestsOnConnectionReached &&
    res.getHeaderNames().length === 0
  );
}

/** Fields of a head as text; `length` is what they say of the body, -1 while they say nothing. */
class Fields {
  text = '';
  length = -1;

  /** False for a field that Node is to judge. */
  add(name: unknown, value: unknown): boolean {
    if (typeof name !== 'string') return false;
    const field = known.get(name) ?? know(name);
    if (field.kind === FRAMING) return false;
    if (field.kind === LENGTH) {
      if (this.length >= 0 || (typeof value === 'string' && !DIGITS.test(value))) return false;
      this.length = Number(value);
      if (!Number.isSafeInteger(this.length) || this.length < 0) return false;
      this.text += `${name}: ${value as string | number}\r\n`;
      return true;
    }
    if (typeof value !== 'string') return false;
    // Most values are the same each time.
    if (value !== field.good) {
      if (!PLAIN_TEXT.test(value)) return false;
      field.good = value;
    }
    this.text += `${name}: ${value}\r\n`;
    return true;
  }
}

const PLAIN_TEXT = /^[\t\x20-\x7e]*$/;
const DIGITS = /^\d{1,15}$/;
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

const PLAIN = 0;
const LENGTH = 1;
/** It says something about framing or connection, or is no name. */
const FRAMING = 2;

interface Field {
  readonly kind: number;
  /** The value that it last had. */
  good: string;
}

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
const MOST_KNOWN = 500;
const known = new Map<string, Field>();

function know(name: string): Field {
  const lower = name.toLowerCase();
  const isFraming = FRAMING_NAMES.has(lower) || !TOKEN.test(name);
  const field = { kind: lower === 'content-length' ? LENGTH : isFraming ? FRAMING : PLAIN, good: '' };
  if (known.size < MOST_KNOWN) known.set(name, field);
  return field;
}

let shared = '';
let sharedTimeout = -1;

/** The end of each head in one second: when it was, and that the connection stays open. */
function sharedLines(timeout: number): string {
  if (shared !== '' && timeout === sharedTimeout) return shared;
  const now = Date.now();
  if (shared === '') {
    const forget = (): void => {
      shared = '';
    };
    setTimeout(forget, 1000 - (now % 1000)).unref();
  }
  sharedTimeout = timeout;
  const hint = timeout === 0 ? '' : `Keep-Alive: timeout=${Math.floor(timeout / 1000)}\r\n`;
  shared = `Date: ${new Date(now).toUTCString()}\r\nConnection: keep-alive\r\n${hint}\r\n`;
  return shared;
}

/** Ends a response that has sent nothing yet with a text, in one write. False, and nothing is sent: that is not the way. */
function endWithText(res: ServerResponse, text: string): boolean {
  const parts = res as unknown as ServerResponse & Parts;
  const { socket } = parts;
  if (!isUnwatched() || text === '' || parts.finished || socket === null || parts.outputData.length > 0) return false;
  if (!parts._header) {
    parts._contentLength = Buffer.byteLength(text);
    parts._implicitHeader();
  }
  const isWhole = !parts._headerSent && parts._hasBody && !parts.chunkedEncoding && !parts.strictContentLength;
  if (!isWhole || !parts._header || !socket.writable || socket.writableCorked > 0) return false;
  parts._headerSent = true;
  socket.write(parts._header + text, 'utf8', () => {
    if ((socket as { _hadError?: boolean })._hadError !== true) res.emit('finish');
  });
  parts.finished = true;
  parts._finish();
  return true;
}
