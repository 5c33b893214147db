/**
 * Requests that a connection sends ahead. Node's parser makes objects of all requests in one read of the socket, and its server and
 * ours some more, which take a hundred times the bytes they came in. Of those beyond a few only the heads are kept, as text,
 * until those before them are answered.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { fillHeaders, type HeadReceiver, headReceiver, joinChunks } from '../../wire/index.js';

/** Requests of one connection that are at work at once. Fifty are nothing unusual for clients that pipeline. */
export const AT_WORK = 64;
/** How much text may wait before the connection is read no further. */
const FULL = 64 * 1024;
/** How many requests with bodies may wait, of one read of the socket: these stay the objects that their bodies come into. */
const MOST_BODIES = 64;

type Take = HeadReceiver['onIncoming'];

/** Object that the parser makes, and fills in by this name. */
type Parsed = IncomingMessage & { upgrade: boolean };
type Made = new (socket: Socket) => Parsed;

/** A request without body is a text: lines for method, target, version, whether its connection goes on, names and values. */
type Waiting = string | { readonly req: IncomingMessage; keepAlive: boolean };

/** The part of a connection that it uses. */
interface Pipelined {
  readonly socket: Socket;
  readonly exchanges: { readonly length: number };
  readonly ended: boolean;
  lingers: boolean;
  stopReading(): void;
  readOn(): void;
  discard(): void;
}

/** The requests of one connection that wait. */
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

  /** Undefined for a Node whose parser is made otherwise. To be called in the course of the parser's work. */
  static of(connection: Pipelined): Backlog | undefined {
    const receiver = headReceiver(connection.socket);
    return receiver && new Backlog(connection, receiver.onIncoming);
  }

  /** Requests wait. */
  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Keeps the requests that come from now on. */
  keep(): void {
    if (!this.#discards) this.#divert((req, keepAlive) => this.#keep(req, keepAlive));
  }

  /** Throws away what comes from now on; `onRequest` is called for each. Waiting requests are still begun. */
  discard(onRequest: () => void): void {
    this.#discards = true;
    this.#divert((req) => {
      req.resume();
      onRequest();
    });
  }

  /** Forgets the last that waits if the rest of its body will never come. */
  forgetIncomplete(): void {
    const last = this.#waiting.at(-1);
    if (typeof last !== 'object' || last.req.complete) return;
    this.#waiting.pop();
    this.#bodies--;
  }

  /** To be called when an answer of the connection is out: begins the next requests. */
  goOn(): void {
    if (this.#goesOn || this.#waiting.length === 0 || this.#connection.exchanges.length > AT_WORK / 2) return;
    this.#goesOn = true;
    // Not now: this may be in the middle of the parser's work, and is in the course of another request.
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
      // It is read on once the request is at work, and has listeners.
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

  /** Nothing behind the last request is answered; its client may still be sending. */
  #discardRest(): void {
    this.#connection.lingers = true;
    this.#connection.discard();
  }

  /** As the parser does with a head, and with the end of a message behind it. */
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

  /** Gives the parser's heads to `take`; undefined: to Node again. */
  #divert(take: ((req: Parsed, keepAlive: boolean) => void) | undefined): void {
    const receiver = headReceiver(this.#connection.socket);
    if (receiver === undefined) return;
    if (take === undefined) receiver.onIncoming = this.#begin;
    else {
      receiver.onIncoming = (req, keepAlive) => {
        // As Node does where upgrades are not offered; else it would hand the connection over here.
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
