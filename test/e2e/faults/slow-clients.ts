/**
 * Clients that take their time, in the numbers a hostile one can afford, all at once.
 */
import { connect, type Socket } from 'node:net';
import { LARGE_BYTES, pause } from './target.js';

/** One group of slow connections. */
export interface SlowGroup {
  /** Settles once each has connected, and has sent what it sends at first. */
  readonly begun: Promise<unknown>;
  /** How long each lived before the server ended it, in milliseconds from its begin. */
  readonly endedAfter: number[];
  /** What each received first: a status, or nothing. */
  readonly statuses: string[];
  /** How many bytes each has received. */
  received(): number[];
  /** Ends those that are left. */
  close(): void;
  /** Reads again, where reading was put off. */
  resume(): void;
}

/** Heads that come a byte every half second. */
export function slowHeads(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET / HTTP/1.1\r\nhost: x\r\nx-padding: ', (socket) => trickle(socket));
}

/** Bodies that come a byte every half second. */
export function slowBodies(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n', (socket) =>
    trickle(socket),
  );
}

/** Bodies that come with 600 bytes a second, which `min_body_rate` lets pass. */
export function steadyBodies(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n', (socket) =>
    trickle(socket, 300),
  );
}

/** Clients that ask for eight MiB and take nothing, until they are told to. */
export function stoppedReaders(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', (socket) => {
    socket.pause();
  });
}

/** Clients that ask for eight MiB and take them bit by bit. */
export function slowReaders(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', (socket) => {
    let taken = 0;
    socket.on('data', (chunk: Buffer) => {
      taken += chunk.length;
      if (taken < 512 * 1024) return;
      taken = 0;
      socket.pause();
      setTimeout(() => socket.resume(), 100);
    });
  });
}

/** Connections that have had one answer and ask nothing more. */
export function idleConnections(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', () => undefined);
}

/** True when what was received is the head of an answer and eight MiB. */
export function isWholeAnswer(bytes: number): boolean {
  return bytes > LARGE_BYTES && bytes < LARGE_BYTES + 2000;
}

function slowGroup(port: number, count: number, text: string, after: (socket: Socket) => void): SlowGroup {
  const endedAfter: number[] = [];
  const statuses: string[] = [];
  const bytes: number[] = Array.from({ length: count }, () => 0);
  const sockets: Socket[] = [];
  const begin = async (index: number): Promise<void> => {
    // One after the other, so that the backlog of the listener is not what is tested.
    await pause(index * 2);
    const socket = connect(port, '127.0.0.1');
    const begun = performance.now();
    sockets.push(socket);
    let status = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      if (status === '') status = chunk.subarray(9, 12).toString();
      bytes[index]! += chunk.length;
    });
    socket.on('close', () => {
      endedAfter.push(performance.now() - begun);
      statuses.push(status);
    });
    await new Promise<void>((settle) => {
      socket.once('close', settle);
      socket.once('connect', () => socket.write(text, () => settle()));
    });
    after(socket);
  };
  return {
    begun: Promise.all(Array.from({ length: count }, (_, index) => begin(index))),
    endedAfter,
    statuses,
    received: () => bytes,
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
    resume: () => {
      for (const socket of sockets) socket.resume();
    },
  };
}

function trickle(socket: Socket, bytes = 1): void {
  const timer = setInterval(() => socket.write('x'.repeat(bytes)), 500);
  socket.once('close', () => clearInterval(timer));
  if (socket.destroyed) clearInterval(timer);
}
