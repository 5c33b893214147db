/**
 * Node's response, with a short way to write the head that nearly every answer has: plain fields, one of which is the length.
 *
 * Node looks at each field for what it may mean to the framing. Here fields that mean nothing are written as they are, and
 * the lines that all answers of a second share are kept: the same bytes. Whatever else there is Node writes itself.
 */
import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { fastPaths } from './node-internals.js';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/**
 * For `createServer({ ServerResponse: DirectResponse })`. What is laid over a response, the outermost first: `writeHead`:
 * `src/app/before-head.ts`, then this class, then Node; `end`: `src/app/response-patches.ts` for streams,
 * `src/app/response-length.ts`, then Node.
 */
export class DirectResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override writeHead(status: number, message?: string | Headers, headers?: Headers): this {
    const fields = typeof message === 'object' && message !== null && headers === undefined ? message : undefined;
    if (fields !== undefined && writeFastHead(this, status, fields)) return this;
    return super.writeHead(status, message as string, headers);
  }
}

/** Whether a `writeHead` writes what it is given and nothing else sees it: Node's, or that of {@link DirectResponse}. */
export function isPlainWriteHead(method: unknown): boolean {
  if (method === DirectResponse.prototype.writeHead) return isUnwatched();
  return IS_NODES && method === NODES_WRITE_HEAD;
}

/** What Node's own methods work with; it has no documented names. */
interface Parts {
  _header: string | null;
  _headerSent: boolean;
  _contentLength: number | null;
  readonly _keepAliveTimeout: number;
  readonly _defaultKeepAlive: boolean;
  readonly _removedConnection: boolean;
  readonly _removedContLen: boolean;
  readonly _expect_continue: boolean;
  readonly maxRequestsOnConnectionReached: boolean;
  readonly _maxRequestsPerSocket?: number;
}

const { writeHead: NODES_WRITE_HEAD, end: NODES_END } = ServerResponse.prototype;

/** Tracing tools wrap these methods before anything else is loaded; then they lack words that only Node's own text has. */
const IS_NODES = String(NODES_WRITE_HEAD).includes('kOutHeaders') && String(NODES_END).includes('kCorked');

/** Where Node keeps headers that were set one by one: null until the first. */
const SET_HEADERS = Object.getOwnPropertySymbols(
  new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never),
).find(({ description }) => description === 'kOutHeaders');

/** The methods of all responses are not wrapped, as tracing tools do that: else Node writes everything itself. */
function isUnwatched(): boolean {
  const { writeHead, end } = ServerResponse.prototype;
  return IS_NODES && writeHead === NODES_WRITE_HEAD && end === NODES_END;
}

/** Writes down a head that says its length and nothing else about framing or connection. False, and nothing is written, for any other. */
function writeFastHead(res: ServerResponse, status: number, headers: Headers): boolean {
  const parts = res as unknown as ServerResponse & Parts;
  if (!isUsual(parts, status)) return false;
  const fields = new Fields();
  if (!Array.isArray(headers)) {
    for (const name of Object.keys(headers)) if (!fields.add(name, headers[name])) return false;
  } else {
    if (headers.length % 2 !== 0) return false;
    for (let at = 0; at < headers.length; at += 2) if (!fields.add(headers[at], headers[at + 1])) return false;
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
    fastPaths.heads &&
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
    SET_HEADERS !== undefined &&
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
