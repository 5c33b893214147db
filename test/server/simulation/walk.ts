/**
 * Random input for a server: a client that sends whole and broken requests to applications which read all, a part or nothing of it, and
 * which leaves at any moment. A seed makes the same walk again.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { takeUpgrade } from 'portico/app';
import { Random } from '../../simulation/random.js';

type Listener = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

async function leave(req: IncomingMessage, how: string): Promise<void> {
  for await (const chunk of req) {
    if (how === 'return') return;
    if (how === 'break') break;
    throw new Error(`left after ${(chunk as Buffer).length}`);
  }
}

async function read(req: IncomingMessage): Promise<number> {
  let size = 0;
  for await (const chunk of req) size += (chunk as Buffer).length;
  return size;
}

/** The applications, by path. Each ends by itself, and does the same on any server. */
const APPS: Readonly<Record<string, Listener>> = {
  '/read': async (req, res) => void res.end(`read ${await read(req)}`),
  '/none': (_req, res) => void res.end('none'),
  '/return': async (req, res) => {
    await leave(req, 'return');
    res.end('returned');
  },
  '/break': async (req, res) => {
    await leave(req, 'break');
    await turn();
    res.end('broke');
  },
  '/throw': async (req, res) => {
    await leave(req, 'throw');
    res.end('empty');
  },
  '/pipeline': async (req, res) => {
    await pipeline(req, new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) }));
    res.end('kept');
  },
  '/late': async (_req, res) => {
    res.write('begun');
    await turn();
    throw new Error('after the head');
  },
  '/destroy': (_req, res) => void res.destroy(),
  '/stream': async (_req, res) => {
    for (let part = 0; part < 4; part++) {
      res.write(`part ${part}\n`);
      await turn();
    }
    res.end();
  },
  '/large': (_req, res) => void res.end('x'.repeat(300_000)),
  '/wait': async (_req, res) => {
    for (let turns = 0; turns < 20; turns++) await turn();
    res.end('waited');
  },
  '/flow': (req, res) => void req.on('end', () => res.end('flowed')).resume(),
  '/close': (_req, res) => void res.setHeader('connection', 'close').end('closed'),
};
const PATHS = Object.keys(APPS);
/** They leave a body early, or fail: where bytes are left, a connection may end, and messages differ. */
const LEAVING = /^\/(?:return|break|throw|pipeline|late|destroy|close)/;

/** Requests that an application of the server under test has got, by the name of their client. */
export const runs = new Map<string, number>();

/** The application of a server under test. */
export const listener: Listener = (req, res) => {
  const client = `${req.socket.localPort} ${req.socket.remotePort}`;
  runs.set(client, (runs.get(client) ?? 0) + 1);
  const path = (req.url ?? '').split('?', 1)[0]!;
  const upgraded = path === '/upgrade' ? takeUpgrade(req) : undefined;
  if (upgraded !== undefined) {
    upgraded.socket
      .on('error', () => undefined)
      .end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbye');
    upgraded.socket.resume();
    return undefined;
  }
  return (APPS[path] ?? APPS['/none']!)(req, res);
};

/** The acts of one client. */
export interface Plan {
  readonly seed: number;
  /** Pieces to write, each after some turns of the event loop. */
  readonly pieces: readonly string[];
  /** Methods of its requests, while it has sent only such as any server accepts; undefined if it has sent others. */
  readonly methods: readonly string[] | undefined;
  /** A response may end its connection before the others. */
  readonly mayEnd: boolean;
  /** Its responses can be counted: none is to a HEAD, or an upgrade. */
  readonly counts: boolean;
  /** How it leaves: after its responses, at once, by a reset, by ending its side, or when the server closes. */
  readonly leaves: 'answered' | 'destroy' | 'reset' | 'half' | 'waits';
  /** Pieces after which it stops and starts to read; -1: never. */
  readonly pausesAt: number;
}

interface Sent {
  readonly text: string;
  readonly method: string;
  readonly isPlain: boolean;
  readonly mayEnd: boolean;
  readonly counts?: boolean;
}

function chunked(random: Random, size: number, isPlain: boolean): string {
  let text = '';
  // More extensions than the server reads, each of which its parser takes: the refusal comes while there is more input.
  if (!isPlain && random.chance(0.5)) {
    text = `1;${'e'.repeat(900)}\r\nc\r\n`.repeat(30);
    return random.chance(0.5) ? text : `${text}0\r\n\r\n`;
  }
  for (let left = size; left > 0; ) {
    const length = Math.min(left, 1 + random.below(Math.max(1, Math.ceil(size / 2))));
    const extension = random.chance(0.2) ? `;ext=${'e'.repeat(random.below(30))}` : '';
    text += `${length.toString(16)}${extension}\r\n${'c'.repeat(length)}\r\n`;
    left -= length;
  }
  if (!isPlain && random.chance(0.3)) return `${text}zz\r\n`;
  return `${text}0\r\n${random.chance(0.2) ? 'trailer: t\r\n' : ''}\r\n`;
}

function request(random: Random): Sent {
  const path = random.pick(PATHS);
  const method = random.weighted({ GET: 5, POST: 6, PUT: 2, HEAD: 1, OPTIONS: 1 });
  const fields = ['host: a'];
  let isPlain = true;
  let mayEnd = LEAVING.test(path);
  let body = '';
  let version = '1.1';
  if (method === 'POST' || method === 'PUT') {
    const size = random.pick([0, 1, 4, 4, 1000, 20_000, 70_000]);
    isPlain = random.chance(0.95);
    if (random.chance(0.5)) {
      fields.push(`content-length: ${size}`);
      body = 'b'.repeat(isPlain ? size : random.below(size + 1));
    } else {
      fields.push('transfer-encoding: chunked');
      body = chunked(random, size, isPlain);
    }
    if (random.chance(0.1)) {
      fields.push('expect: 100-continue');
      // A response without a reader of the body ends the connection.
      if (!/^\/(?:read|flow)/.test(path)) mayEnd = true;
    }
    // A body that nobody reads may cost the connection.
    if (size > 60_000 && !/^\/(?:read|flow)/.test(path)) mayEnd = true;
  }
  const kind = random.weighted({
    plain: 30,
    close: 1,
    old: 1,
    upgrade: 2,
    expects: 1,
    connect: 0.5,
    garbage: 1,
    star: 0.5,
    hostless: 0.5,
  });
  if (kind === 'close') fields.push('connection: close');
  else if (kind === 'old') version = '1.0';
  else if (kind === 'expects') fields.push('expect: 100-continue');
  else if (kind === 'hostless') fields.shift();
  if (kind === 'upgrade') {
    fields.push('connection: upgrade', 'upgrade: x');
    const taken = random.chance(0.5) ? '/upgrade' : path;
    return {
      text: `${method} ${taken} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`,
      method,
      isPlain: false,
      mayEnd,
      counts: false,
    };
  }
  if (kind === 'connect') return { text: 'CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n', method, isPlain: false, mayEnd };
  if (kind === 'garbage')
    return {
      text: random.pick(['\0\0\r\n\r\n', 'GET\r\n\r\n', '@@ bad\r\n\r\n', '\r\n\r\n']),
      method,
      isPlain: false,
      mayEnd,
    };
  if (kind === 'star') return { text: 'OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n', method, isPlain: false, mayEnd };
  if (kind === 'close' || kind === 'old') mayEnd = true;
  // HTTP/1.0 has no chunks.
  if (kind === 'old' && fields.includes('transfer-encoding: chunked')) isPlain = false;
  const text = `${method} ${path} HTTP/${version}\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
  return { text, method, isPlain: isPlain && kind !== 'hostless' && kind !== 'expects', mayEnd };
}

/** Draws the walk of a seed. */
export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const count = random.weighted({ 1: 3, 2: 4, 3: 4, 5: 2, 12: 1, 40: 0.3 });
  const sent = Array.from({ length: Number(count) }, () => request(random));
  let text = sent.map((each) => each.text).join('');
  const isCut = random.chance(0.1);
  if (isCut) text = text.slice(0, random.below(text.length) + 1);
  const pieces: string[] = [];
  // Half of them arrive whole, as one read.
  for (let cuts = random.chance(0.5) ? 0 : random.below(4); cuts > 0; cuts--) {
    const at = random.below(text.length);
    pieces.push(text.slice(0, at));
    text = text.slice(at);
  }
  pieces.push(text);
  return {
    seed,
    pieces: pieces.filter((piece) => piece !== ''),
    methods: !isCut && sent.every((each) => each.isPlain) ? sent.map((each) => each.method) : undefined,
    mayEnd: sent.some((each) => each.mayEnd) || sent.length > 30,
    counts: sent.every((each) => each.method !== 'HEAD' && each.counts !== false),
    leaves: random.weighted({ answered: 12, destroy: 4, reset: 3, half: 2, waits: 0.3 }),
    pausesAt: random.chance(0.1) ? random.below(pieces.length) : -1,
  };
}

/** One response as a client reads it. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly isLast: boolean;
}

/** Responses that a client has received. */
export interface Performed {
  readonly answers: readonly Answer[];
  /** Requests that the application of a server under test has got from it. */
  readonly ran: number;
}

/** Reads the whole responses in a text; `methods` are those of the requests. */
export function answersIn(text: string, methods: readonly string[], isClosed: boolean): Answer[] {
  const answers: Answer[] = [];
  for (let rest = text; ; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return answers;
    const head = rest.slice(0, end);
    const status = Number(head.slice(9, 12));
    rest = rest.slice(end + 4);
    if (status < 200) continue;
    let body = '';
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (methods[answers.length] !== 'HEAD' && status !== 204 && status !== 304) {
      if (length !== undefined) {
        if (rest.length < Number(length)) return answers;
        body = rest.slice(0, Number(length));
        rest = rest.slice(Number(length));
      } else if (/\r\ntransfer-encoding: chunked/i.test(head)) {
        for (let size = -1; size !== 0; ) {
          const line = rest.indexOf('\r\n');
          if (line < 0) return answers;
          size = Number.parseInt(rest.slice(0, line), 16);
          if (rest.length < line + 4 + size) return answers;
          body += rest.slice(line + 2, line + 2 + size);
          rest = rest.slice(line + 4 + size);
        }
      } else {
        if (!isClosed) return answers;
        body = rest;
        rest = '';
      }
    }
    answers.push({ status, body, isLast: /\r\nconnection: close/i.test(head) });
  }
}

/**
 * Performs a walk. Settles with the responses when the client's side of the connection is closed; undefined if that takes longer than
 * `endsMs` from its last piece on. `pause`: the time for which it does not read; default: some turns of the event loop.
 */
export async function perform(
  plan: Plan,
  port: number,
  endsMs: number,
  pause: () => Promise<void> = async () => undefined,
): Promise<Performed | undefined> {
  const socket: Socket = connect(port, '127.0.0.1');
  let text = '';
  let isClosed = false;
  let isReset = false;
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isClosed = true;
      resolve();
    });
  });
  const methods = plan.methods ?? [];
  socket
    .setEncoding('latin1')
    .on('error', () => {
      isReset = true;
    })
    .on('data', (piece: string) => {
      text += piece;
      if (plan.leaves !== 'answered') return;
      if (answersIn(text, methods, false).length >= Math.max(1, methods.length)) socket.end();
    });
  const random = new Random(plan.seed + 1);
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed]);
  const name = `${port} ${socket.localPort}`;
  runs.delete(name);
  for (const [at, piece] of plan.pieces.entries()) {
    if (isClosed) break;
    socket.write(piece, 'latin1');
    if (at === plan.pausesAt) socket.pause();
    for (let turns = random.below(6); turns > 0; turns--) await turn();
    if (at !== plan.pausesAt) continue;
    await pause();
    socket.resume();
  }
  if (plan.leaves === 'destroy') socket.destroy();
  else if (plan.leaves === 'reset') socket.resetAndDestroy();
  else if (plan.leaves === 'half') socket.end();
  const late = new AbortController();
  await Promise.race([closed, sleep(endsMs, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
  if (!isClosed) {
    socket.destroy();
    return undefined;
  }
  // The end of a body without a length is not known after a reset.
  return { answers: answersIn(text, methods, !isReset), ran: runs.get(name) ?? 0 };
}
