// One connection of the load: a request, its response, the next request.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AnswerReader } from './answer-reader.mjs';

const PATIENCE_MS = 20_000;

export class Lane {
  #how;
  #bytes;
  #socket;
  #answered = 0;
  #requests = { left: 0 };
  /** Receives the response times in milliseconds, if set. */
  #times;
  #sentAt = 0;
  /** The callbacks of the work in progress. */
  #waiting;

  /** `fresh`: uses a new connection for each request. `status` and `length` are those that every response must have. */
  constructor({ port, secure, request, fresh, status, length }) {
    this.#how = { port, secure, fresh, status, length };
    this.#bytes = Buffer.from(request ?? '', 'latin1');
  }

  /**
   * Sends requests while any are `left`, a count that all lanes share. Returns the number of responses and adds the time of each to
   * `times`. Rejects at the first unexpected response.
   */
  work(requests, times) {
    this.#times = times;
    this.#answered = 0;
    this.#requests = requests;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#socket === undefined) this.#open();
      else this.#next();
    });
  }

  end() {
    this.#socket?.end();
    this.#socket = undefined;
  }

  #next() {
    if (this.#requests.left-- > 0) {
      if (this.#times !== undefined) this.#sentAt = performance.now();
      this.#socket.write(this.#bytes);
    } else this.#settle();
  }

  #open() {
    const { port, secure } = this.#how;
    const socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket = socket;
    const reader = new AnswerReader((answer) => this.#read(answer));
    socket.on(secure ? 'secureConnect' : 'connect', () => this.#next());
    socket.on('data', (chunk) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.#fail(error, socket);
      }
    });
    socket.setTimeout(PATIENCE_MS, () => this.#fail(new Error('a request was not answered in time'), socket));
    socket.on('error', (error) => this.#fail(error, socket));
    socket.on('close', () => this.#fail(new Error('the server closed a connection in the middle'), socket));
  }

  #read(answer) {
    const { status, length, fresh } = this.#how;
    if (answer.status !== status || answer.length !== length) {
      throw new Error(`expected ${status} with ${length} bytes, got ${answer.status} with ${answer.length}`);
    }
    this.#answered++;
    this.#times?.push(performance.now() - this.#sentAt);
    if (!answer.closes && !fresh) {
      this.#next();
      return;
    }
    this.end();
    if (this.#requests.left > 0) this.#open();
    else this.#settle();
  }

  /** Between orders the server may close the connection. The next order opens another one. */
  #fail(error, socket) {
    socket.destroy();
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(error);
  }

  #settle() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(this.#answered);
  }
}
