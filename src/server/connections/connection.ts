/**
 * One accepted connection: its requests, and what becomes of its input. Requests that are not taken leave no object behind.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Exchange as AppExchange } from '../../app/internal.js';
import { headReceiver, holdBody, isLastAnswer } from '../../wire/index.js';
import { after, type ConnectionEvent, type ConnectionState } from './connection-state.js';
import type { Refusal } from './refusal.js';

/** Most requests of one connection that wait for the one in progress. */
const MOST_WAITING = 32;

/** Most fields of all requests that wait: each is some texts and an entry in memory, a hundred bytes for one that has four. */
const MOST_FIELDS = 320;

/** Most bytes that are read after the last request of a connection while responses are in progress. */
const DISCARDED = 64 * 1024;

/** Ends a message for Node's parser, which then reads no more of this input as requests; the value is llhttp's for an upgrade. */
const NOT_TAKEN = 2;

/** One request in progress: accepted, and its response not complete. */
export interface Exchange extends AppExchange {
  readonly res: ServerResponse;
  ofConnection: Connection;
}

/** A received request that waits for the one before it. */
interface Waiting {
  readonly req: IncomingMessage;
  /** Begins it. */
  readonly begin: () => void;
}

/** Activity of a connection as last seen by the timeouts. */
interface Movement {
  readonly requests: number;
  readonly received: number;
  readonly sent: number;
  readonly unsent: number;
  readonly since: number;
  /** Time since which unsent bytes have waited; undefined if none wait. */
  readonly stalledSince: number | undefined;
}

export class Connection {
  /** Only {@link move} assigns it. */
  readonly state: ConnectionState = 'open';
  /** The accepted socket. */
  readonly raw: Socket;
  /** Socket used for HTTP: the accepted socket, or TLS over it. */
  socket: Socket;
  /** Time of its last use by `performance.now()`: accepted, or, if `keepTimes` is set, response complete. */
  lastUseAt = performance.now();
  /**
   * Order of last use. Grows with each new connection and each completed response: among idle ones, the smallest has
   * been idle longest.
   */
  lastUse = 0;
  /** Number of requests after which it was seen idle, and that time by `performance.now()`. */
  idleAfter = 0;
  idleSince = 0;
  /** Bytes received when its last response ended; if that was early, when the timeouts saw the rest of the body. */
  bytesBefore = 0;
  /** True if its last response ended before the body of the request. */
  endedEarly = false;
  /** Activity as last seen by the timeouts. */
  movement: Movement | undefined = undefined;
  /** Number of requests received. Before the first it may be silent, in a handshake, or within headers. */
  requests = 0;
  /** Place among sixteen connections accepted one after another, 0 to 15. */
  place = 0;
  /** True: it ends with its next response behind which no request waits, and that response announces it. */
  leaving = false;
  /** True if reading was stopped deliberately. */
  readingStopped = false;
  /** Received requests after the one in progress, and a function that runs work in the connection's own async context. */
  waiting: Waiting[] | undefined;
  #inItsContext: (<T>(work: () => T) => T) | undefined;
  /** Bytes received when the first of them arrived. */
  #waitsFrom = 0;
  /** Bytes received when discarding began; undefined if no unwanted input is known or expected. */
  #discardedFrom: number | undefined;
  /** The refusal of a connection that is refused. */
  refusal: Refusal | undefined;
  /** Time by `performance.now()` since which the filters around refusals have a refusal of it. */
  refusedAt: number | undefined;
  /** Reads HTTP on its socket again, after an upgrade that no app took. */
  readAgain: ((socket: Socket) => unknown) | undefined;
  /** Error of Node's parser or its timer: code that holds the socket of a request gets it from its `error` event. */
  cause: Error | undefined;
  /**
   * Its last request, while it or its response is in progress. If it were kept longer, the request and its objects
   * would survive collections of the young generation, which then take twice as long, and cost memory for each idle
   * connection.
   */
  latest: IncomingMessage | undefined;
  /** The request in progress; later ones of a client that pipelines wait until its response has ended. */
  exchange: Exchange | undefined;

  constructor(raw: Socket) {
    this.raw = raw;
    this.socket = raw;
  }

  /** Changes its state. */
  move(event: ConnectionEvent): void {
    (this as { state: ConnectionState }).state = after(this.state, event);
  }

  /** Reports whether no request is in progress, and none can be: it may be closed without a loss. */
  get idle(): boolean {
    const { state } = this;
    return this.exchange === undefined && this.waiting === undefined && state !== 'refusing' && state !== 'upgraded';
  }

  /** Reports whether its input is discarded although nothing is in progress: after its end, or the rest of a body that was left early. */
  get discardsInput(): boolean {
    return this.socket.writableEnded || this.latest?.complete === false;
  }

  /**
   * Asks {@link takes} of each request before Node makes a response for it. Called after Node's own listener, which creates the parser.
   * `isUpgradable`: whether a request with `Upgrade` may get the connection; otherwise it is handled as any other.
   */
  askFirst(isUpgradable: (req: IncomingMessage) => boolean): void {
    this.socket.off('resume', this.#resumed).on('resume', this.#resumed);
    const receiver = headReceiver(this.socket);
    if (receiver === undefined) return;
    const { onIncoming } = receiver;
    receiver.onIncoming = (req, keepAlive) => {
      // Nearly all requests.
      if (this.exchange === undefined && this.state === 'open' && keepAlive && !req.upgrade)
        return onIncoming(req, true);
      const isUpgrade = req.upgrade && this.idle && isUpgradable(req);
      // After a request whose upgrade is ignored, Node's parser loses the rest of its input.
      const mayFollow = keepAlive && (isUpgrade || !req.upgrade);
      const isTaken = this.takes(mayFollow, fieldsOf(req));
      req.upgrade = isUpgrade && isTaken;
      if (isTaken) return onIncoming(req, mayFollow);
      // The parser keeps the request.
      req.rawHeaders = [];
      return NOT_TAKEN;
    };
  }

  /** Reports whether a request with this number of fields is taken now; `keepAlive`: whether another may follow it. */
  takes(keepAlive: boolean, fields = 0): boolean {
    if (this.state === 'open') {
      const before = this.exchange?.res;
      const isAnnounced = before?.headersSent === true && isLastAnswer(before);
      if (!isAnnounced && this.#mayWait(fields)) {
        if (!keepAlive) this.move('end');
        return true;
      }
      this.move('end');
      this.announceClose();
    }
    this.discard();
    return false;
  }

  /** Reports whether a request with this number of fields begins now, or may wait beside those that do. */
  #mayWait(fields: number): boolean {
    const { exchange, waiting = [] } = this;
    if (exchange === undefined && waiting.length === 0) return true;
    const ahead = waiting.reduce((sum, { req }) => sum + fieldsOf(req), 0);
    return waiting.length < MOST_WAITING && ahead + fields <= MOST_FIELDS;
  }

  /** Keeps a request and its body until the one before it has ended. After a second read of the socket with such requests, reading stops. */
  wait(req: IncomingMessage, begin: () => void): void {
    this.#inItsContext ??= AsyncLocalStorage.snapshot();
    if (this.waiting === undefined) {
      this.waiting = [];
      this.#waitsFrom = this.socket.bytesRead;
    }
    const heldUntil = holdBody(req);
    this.waiting.push({ req, begin: () => heldUntil(begin) });
    if (this.socket.bytesRead > this.#waitsFrom) this.stopReading();
  }

  /** Begins the next waiting request, after the other connections had their turn. */
  beginNext(): void {
    setImmediate(() => this.#inItsContext!(() => this.#beginNext()));
  }

  #beginNext(): void {
    if (this.waiting === undefined || this.exchange !== undefined || this.socket.destroyed) return;
    const { begin } = this.waiting.shift()!;
    if (this.waiting.length === 0) {
      this.waiting = undefined;
      this.readOn();
    }
    begin();
  }

  /**
   * Takes no further requests from a connection whose requests have waited for `lingeringTime`. Drops one that is not complete, and reads
   * on, so that the end of its client is noticed.
   */
  waitsLong(): void {
    // Discards already.
    if (this.#discardedFrom !== undefined) return;
    this.move('end');
    this.#discardRest();
    this.readOn();
    this.announceClose();
  }

  /**
   * Announces that the connection closes: with the response in progress, if its headers are not sent yet, else with the next one; Node then closes it
   * by itself. Nothing after that response is sent: it is not announced while other requests wait.
   */
  announceClose(): void {
    this.leaving = true;
    const { exchange, state, waiting } = this;
    if (exchange === undefined || exchange.res.headersSent || waiting !== undefined || state === 'refused') return;
    const { res } = exchange;
    // Only in place of one that is set: a header would give the last response another shape than all others have, and V8 would discard the code
    // of both.
    if (res.hasHeader('connection')) res.setHeader('connection', 'close');
    res.shouldKeepAlive = false;
  }

  /** Takes no more requests after a refused one, whose client may still be sending. */
  end(): void {
    this.move('end');
    this.refusedAt = performance.now();
    this.discard();
  }

  /** Takes no more requests; the server refuses its input after the responses in progress. */
  refuse(refusal: Refusal): void {
    this.move('break');
    this.refusal = refusal;
    this.#discardRest();
  }

  /** Discards input, with the last waiting request if its rest is missing. */
  #discardRest(): void {
    this.discard();
    const last = this.waiting?.at(-1)?.req;
    if (last?.complete !== false) return;
    last.push = () => true;
    this.waiting!.pop();
    if (this.waiting!.length === 0) this.waiting = undefined;
  }

  /** Discards input from now on. It is read for a while, to detect that the client disconnects. */
  discard(): void {
    this.#discardedFrom ??= this.socket.bytesRead;
    if (this.socket.bytesRead - this.#discardedFrom > DISCARDED) this.stopReading();
  }

  /**
   * Keeps a paused socket from being read. Node reads from the event `resume` until the event `pause`; if a socket is paused between the
   * call and the event of a resume, as its parser does within one read, its own `pause` came too early, and all input would be read.
   */
  readonly #resumed = (): void => {
    if (this.state === 'upgraded') return;
    if (this.socket.isPaused()) this.socket.emit('pause');
    // Node's parser resumes the socket after each message, and so does a reader of a body.
    else if (this.readingStopped) this.socket.pause();
  };

  /** Stops reading from the socket, even if others resume it. */
  stopReading(): void {
    this.readingStopped = true;
    this.socket.pause();
  }

  /** Resumes reading. */
  readOn(): void {
    this.readingStopped = false;
    this.socket.resume();
  }

  /** Ends an open connection behind a body whose rest nothing can read. */
  lingerIfUnread(req: IncomingMessage): void {
    if (this.state === 'open' && this.latest === req && req.destroyed && !req.complete) this.linger();
  }

  /** Makes Node, which closes a connection after its last response by `destroySoon`, wait for a client that may still be sending. */
  closePatiently(): void {
    const { socket } = this;
    socket.destroySoon = () => {
      const mayBeSending = this.#discardedFrom !== undefined || this.latest?.complete === false;
      if (mayBeSending || this.waiting !== undefined) {
        this.linger();
        return;
      }
      // Until the response is sent, the parser may find another request in what it has read.
      this.move('end');
      Socket.prototype.destroySoon.call(socket);
    };
  }

  /**
   * Ends the writing side, and destroys the socket once the client has done the same. If a connection is closed with unread bytes in its
   * buffer, the system resets it, and the reset destroys a response that the client has not read yet (RFC 9112 §9.6). So the rest is read
   * and discarded, without reaching the parser, until the client closes its side or `ConnectionTimeouts` ends the connection.
   */
  linger(): void {
    const { socket } = this;
    this.move('linger');
    this.waiting = undefined;
    if (socket.destroyed || socket.writableEnded) return;
    if (socket.readableEnded) {
      socket.end(() => socket.destroy(this.cause));
      return;
    }
    // A separate listener takes the socket away from the parser, which reads it below the stream; without its own
    // listener the parser gets nothing this way either.
    socket.removeAllListeners('data');
    socket.once('end', () => socket.destroy(this.cause));
    socket.end();
    this.readOn();
    socket.on('data', () => {});
    // Ends the pending read of the stream: the next one makes the system read again, if the parser has stopped that.
    socket.push('');
    socket.resume();
  }
}

function fieldsOf({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.length / 2;
}
