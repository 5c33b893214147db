/**
 * The proof of the fast paths: exchanges in memory, once with them and once with Node's own methods. A fast path is used only
 * if all that can be seen of the exchanges is the same.
 */
import { channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Duplex, finished, type Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { countBody } from './count-body.js';
import { fastPaths } from './node-internals.js';
import { emitMissedEnd, endEmptyBody } from './request-end.js';
import { takeBody } from './take-body.js';

type FastPath = keyof typeof fastPaths;

const FAST_PATHS = Object.keys(fastPaths) as FastPath[];

let proof: Promise<void> | undefined;

/**
 * Proves the fast paths, once in a process; before that, and where the proof fails, Node does everything itself. So it does where the
 * environment says `PORTICO_WIRE=node`, and where a program listens to the channels of `node:http` before its first server. Never
 * rejects. To be called before a server listens.
 */
export function proveWire(): Promise<void> {
  proof ??= process.env.PORTICO_WIRE === 'node' || isObserved() ? Promise.resolve() : prove();
  return proof;
}

/** Whether a program subscribes to the channels of `node:http`: it would be told of the requests of the proof. */
function isObserved(): boolean {
  return ['request.start', 'response.created', 'response.finish'].some(
    (name) => channel(`http.server.${name}`).hasSubscribers,
  );
}

async function prove(): Promise<void> {
  const expected = await seenOf([]);
  if (isDeepStrictEqual(await seenOf(FAST_PATHS), expected)) {
    enable(FAST_PATHS);
    return;
  }
  const proven: FastPath[] = [];
  for (const path of FAST_PATHS) if (isDeepStrictEqual(await seenOf([path]), expected)) proven.push(path);
  enable(proven);
}

function enable(paths: readonly FastPath[]): void {
  for (const path of FAST_PATHS) fastPaths[path] = paths.includes(path);
}

/** What a client and a handler see of a server with these fast paths; an exception counts as well. */
async function seenOf(paths: readonly FastPath[]): Promise<unknown> {
  enable(paths);
  try {
    return await exchange();
  } catch (error) {
    return String(error);
  } finally {
    enable([]);
  }
}

/** A connection without a system. */
class Line extends Duplex {
  sent = '';

  constructor() {
    // As a socket: texts stay texts.
    super({ decodeStrings: false });
  }

  override _read(): void {}

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: () => void): void {
    this.sent += typeof chunk === 'string' ? Buffer.from(chunk, encoding).toString('latin1') : chunk.toString('latin1');
    done();
  }

  override _writev(parts: Parameters<NonNullable<Writable['_writev']>>[0], done: () => void): void {
    for (const { chunk, encoding } of parts) this._write(chunk as string, encoding, () => {});
    done();
  }
}

const ask = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (length: number): string =>
  ask(`/body`, 'POST').replace('\r\n\r\n', `\r\nContent-Length: ${length}\r\n\r\n`);

/** What comes on the connection, some turns of the loop after one another; the last body stays without its end. */
const PIECES = [
  ...['/plain', '/heard', '/late', '/pieces', '/text', '/empty'].map((path) => ask(path)),
  ask('/plain', 'HEAD'),
  ask('/plain') + ask('/late') + ask('/plain'),
  `${post(5)}hello${post(6)}`,
  'abc',
  'def',
  `${post(4)}ab`,
];
const TURNS = 4;

const TEXT = { 'Content-Type': 'text/plain', 'content-length': 4 };

/** Ways to answer. */
const ANSWERS: Readonly<Record<string, (res: ServerResponse, told: (error?: unknown) => void) => void>> = {
  '/plain': (res) => void res.writeHead(200, TEXT).end('tail'),
  '/heard': (res, told) => void res.writeHead(201, TEXT).end('tail', told),
  '/late': (res, told) => {
    res.writeHead(404, TEXT);
    setImmediate(() => res.end('tail', 'latin1', told));
  },
  '/pieces': (res, told) => {
    res.writeHead(200, TEXT).write('ta');
    res.write('');
    res.write(Buffer.from('i'), told);
    res.end('l');
  },
  '/text': (res, told) => void res.end('text', told),
  '/empty': (res, told) => void res.writeHead(200, { 'content-length': '0' }).end(told),
};

/** All that can be seen of these requests and their answers, each apart from the others: how they fall together may differ. */
async function exchange(): Promise<unknown> {
  const seen: unknown[][] = [];
  const server = createServer((req, res) => {
    const ofRequest: unknown[] = [req.method, req.url];
    const ofAnswer: unknown[] = [];
    seen.push(ofRequest, ofAnswer);
    res.on('close', () => emitMissedEnd({ req, res }));
    const told = (error?: unknown): void =>
      void ofAnswer.push('told', (error as NodeJS.ErrnoException | undefined)?.code);
    for (const event of ['prefinish', 'finish', 'close']) {
      res.on(event, () => ofAnswer.push(event, stateOfAnswer(res)));
    }
    res.on('close', () => {
      finished(res, (error) => ofAnswer.push('finished', error?.code));
      res.end(told);
      setImmediate(() => ofRequest.push(stateOf(req)));
    });
    if (req.method === 'POST') {
      countBody(req, { received: 0, declared: Number(req.headers['content-length']) });
      read(req, (text) => {
        listen(req, ofRequest);
        ofRequest.push(text);
        res.end(text, told);
      });
      return;
    }
    endEmptyBody(req);
    if (req.url === '/heard') listen(req, ofRequest);
    if (req.url === '/late') res.on('finish', () => listen(req, ofRequest));
    ANSWERS[req.url!]!(res, told);
    ofAnswer.push(stateOfAnswer(res));
  });
  // Past what tracing tools put in the place of a server's own: these requests are no client's.
  server.emit = EventEmitter.prototype.emit;
  const line = new Line();
  server.emit('connection', line);
  for (const piece of PIECES) {
    line.push(piece);
    for (let count = 0; count < TURNS; count++) await turn();
  }
  line.destroy();
  for (let count = 0; count < TURNS; count++) await turn();
  return [seen, line.sent.replaceAll(/^Date: .*$/gm, '')];
}

/** Reads a body, past its stream where that is a way to go. */
function read(req: IncomingMessage, done: (text: string) => void): void {
  const readStream = (): void => {
    const chunks: Buffer[] = [];
    let isOver = false;
    const settle = (text: string): void => {
      if (!isOver) done(text);
      isOver = true;
    };
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.once('end', () => settle(String(Buffer.concat(chunks))));
    req.once('error', (error: NodeJS.ErrnoException) => settle(String(error.code)));
  };
  const settle = (error: Error | null | undefined, bytes?: Buffer): void =>
    done(String(error === null ? bytes : (error as NodeJS.ErrnoException | undefined)?.code));
  if (!takeBody(req, { limit: 100, done: settle, readStream })) readStream();
}

function listen(req: IncomingMessage, seen: unknown[]): void {
  for (const event of ['data', 'end', 'close', 'error']) req.on(event, () => seen.push(event));
}

function stateOf(req: IncomingMessage): unknown {
  const { complete, readableEnded, readableDidRead, readableAborted, readableLength, destroyed, closed } = req;
  return [complete, readableEnded, readableDidRead, readableAborted, readableLength, destroyed, closed];
}

function stateOfAnswer(res: ServerResponse): unknown {
  const { headersSent, writableEnded, writableFinished, writableLength, statusCode, statusMessage, destroyed } = res;
  return [headersSent, writableEnded, writableFinished, writableLength, statusCode, statusMessage, destroyed];
}
