/**
 * Pipelined requests of a connection. Node's parser creates objects for all requests in one read of the socket, and its
 * server and ours some more: a hundred times the bytes on the wire. Beyond a few requests only the heads are kept, as
 * text, until earlier requests are answered.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { fillHeaders, type HeadReceiver, headReceiver, joinChunks } from '../../wire/index.js';

/** Most requests of one connection in progress at once. Fifty are usual for clients that pipeline. */
export const AT_WORK = 64;
/** Bytes of waiting text after which the connection is not read further. */
const FULL = 64 * 1024;
/**
 * Most waiting requests with bodies from one read of the socket: they stay objects, because their bodies are read into
 * them.
 */
const MOST_BODIES = 64;

type Take = HeadReceiver['onIncoming'];

/** Object that the parser creates, and fills in under this name. */
type Parsed = IncomingMessage & { upgrade: boolean };
type Made = new (socket: Socket) => Parsed;

/** A request without a body is a text with lines for method, target, version, keep-alive, names and values. */
type Waiting = string | { readonly req: IncomingMessage; keepAlive: boolean };

/** The part of a connection that a backlog uses. */
interface Pipelined {
  readonly socket: Socket;
  readonly exchanges: { readonly length: number };
  readonly ended: boolean;
  lingers: boolean;
  stopReading(): void;
  readOn(): void;
  discard(): void;
}

/** Waiting requests of one connection. */
export class Backlog {
  readonly #connection: Pipelined;
  readonly #begin: Take;
  readonly #inItsContext = AsyncLocalStorage.snapshot();
  #waiting: Waiting[] = [];
  #length = 0;
  #bodies = 0;
  #made: Made | undefined;
  #goesOn = false;
  #discards = false;

  private constructor(connection: Pipelined, begin: Take) {
    this.#connection = connection;
    this.#begin = begin;
  }

  /** Returns undefined for a Node version with another parser. Must be called while the parser runs. */
  static of(connection: Pipelined): Backlog | undefined {
    const receiver = headReceiver(connection.socket);
    return receiver && new Backlog(connection, receiver.onIncoming);
  }

  /** Reports whether requests wait. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Stores the requests that arrive from now on. */
  keep(): void {
    if (!this.#discards) this.#divert((req, keepAlive) => this.#keep(req, keepAlive));
  }

  /** Discards requests that arrive from now on; `onRequest` is called for each. Waiting requests are still begun. */
  discard(onRequest: () => void): void {
    this.#discards = true;
    this.#divert((req) => {
      req.resume();
      onRequest();
    });
  }

  /** Drops the last waiting request if the rest of its body will never arrive. */
  forgetIncomplete(): void {
    const last = this.#waiting.at(-1);
    if (typeof last !== 'object' || last.req.complete) return;
    this.#waiting.pop();
    this.#bodies--;
  }

  /** Begins the next requests; called after a response of the connection was sent. */
  goOn(): void {
    if (this.#goesOn || this.#waiting.length === 0 || this.#connection.exchanges.length > AT_WORK / 2) return;
    this.#goesOn = true;
    // Deferred: the parser may be running, within another request.
    setImmediate(() => {
      this.#goesOn = false;
      this.#inItsContext(() => this.#beginNext());
    });
  }

  #beginNext(): void {
    const connection = this.#connection;
    while (connection.exchanges.length < AT_WORK && this.waits) {
      if (connection.socket.destroyed) return;
      if (connection.ended) break;
      const waiting = this.#waiting.shift()!;
      if (typeof waiting === 'string') this.#beginAgain(waiting);
      else {
        this.#bodies--;
        this.#begin(waiting.req, waiting.keepAlive);
      }
    }
    if (connection.ended && this.waits) {
      this.#waiting = [];
      this.#bodies = 0;
      this.#discardRest();
      return;
    }
    if (!this.waits && !this.#discards) this.#divert(undefined);
    if (this.#length <= FULL && this.#bodies === 0) connection.readOn();
    this.goOn();
  }

  #keep(req: Parsed, keepAlive: boolean): void {
    if (this.#connection.ended) {
      req.resume();
      this.#discardRest();
      return;
    }
    const { rawHeaders, method, url, httpVersionMajor, httpVersionMinor } = req;
    if (hasField(rawHeaders, BODY)) {
      this.#bodies++;
      // It is read further when the request has begun and has listeners.
      this.#connection.stopReading();
      joinChunks(req);
      const isLast = this.#bodies === MOST_BODIES;
      this.#waiting.push({ req, keepAlive: keepAlive && !isLast });
      if (isLast) this.#discardRest();
    } else {
      this.#made = req.constructor as Made;
      const text = [method, url, httpVersionMajor, httpVersionMinor, keepAlive ? 1 : 0, ...rawHeaders].join('\n');
      this.#waiting.push(text);
      this.#length += text.length;
      if (this.#length > FULL) this.#connection.stopReading();
    }
    if (!keepAlive || hasField(rawHeaders, UPGRADE)) this.#discardRest();
    this.goOn();
  }

  /** Requests after the last one get no response; the client may still be sending. */
  #discardRest(): void {
    this.#connection.lingers = true;
    this.#connection.discard();
  }

  /** Repeats the parser's calls for a head, and for the end of its message. */
  #beginAgain(text: string): void {
    this.#length -= text.length;
    const [method, url, major, minor, keepAlive, ...fields] = text.split('\n') as [string, string, ...string[]];
    const req = new this.#made!(this.#connection.socket);
    req.method = method;
    req.url = url;
    req.httpVersionMajor = Number(major);
    req.httpVersionMinor = Number(minor);
    req.httpVersion = `${major}.${minor}`;
    req.upgrade = false;
    fillHeaders(req, fields);
    this.#begin(req, keepAlive === '1');
    req.complete = true;
    req.push(null);
  }

  /** Passes the parser's heads to `take`; undefined: to Node again. */
  #divert(take: ((req: Parsed, keepAlive: boolean) => void) | undefined): void {
    const receiver = headReceiver(this.#connection.socket);
    if (receiver === undefined) return;
    if (take === undefined) receiver.onIncoming = this.#begin;
    else {
      receiver.onIncoming = (req, keepAlive) => {
        // As Node does without upgrades; otherwise it would hand the connection over here.
        (req as Parsed).upgrade = false;
        take(req as Parsed, keepAlive);
        return 0;
      };
    }
  }
}

const BODY = /^(?:content-length|transfer-encoding)$/i;
const UPGRADE = /^upgrade$/i;

function hasField(fields: readonly string[], name: RegExp): boolean {
  return fields.some((text, at) => at % 2 === 0 && name.test(text));
}
