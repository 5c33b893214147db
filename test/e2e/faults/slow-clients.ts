/** Slow clients, in the numbers that one attacker can afford. */
import { connect, type Socket } from 'node:net';
import { LARGE_BYTES, pause } from './target.js';

/** One group of slow connections. */
export interface SlowGroup {
  /** Settles once each client has connected and sent its first bytes. */
  readonly begun: Promise<unknown>;
  /** Lifetime of each connection until the server closed it, in milliseconds. */
  readonly endedAfter: number[];
  /** The first status each client received, or an empty string. */
  readonly statuses: string[];
  /** The number of bytes each client has received. */
  received(): number[];
  /** Closes the remaining connections. */
  close(): void;
  /** Resumes clients that paused reading. */
  resume(): void;
}

/** Headers sent at one byte every half second. */
export function slowHeads(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET / HTTP/1.1\r\nhost: x\r\nx-padding: ', (socket) => trickle(socket));
}

/** Bodies sent at one byte every half second. */
export function slowBodies(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n', (socket) =>
    trickle(socket),
  );
}

/** Bodies sent at 600 bytes a second, which `min_body_rate` allows. */
export function steadyBodies(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n', (socket) =>
    trickle(socket, 300),
  );
}

/** Clients that request eight MiB and read nothing until `resume()`. */
export function stoppedReaders(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n', (socket) => {
    socket.pause();
  });
}

/** Clients that request eight MiB and read them in small steps. */
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

/** Connections that received one response and send no more requests. */
export function idleConnections(port: number, count: number): SlowGroup {
  return slowGroup(port, count, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', () => undefined);
}

/** Reports whether the count is the headers of a response plus eight MiB. */
export function isWholeAnswer(bytes: number): boolean {
  return bytes > LARGE_BYTES && bytes < LARGE_BYTES + 2000;
}

function slowGroup(port: number, count: number, text: string, after: (socket: Socket) => void): SlowGroup {
  const endedAfter: number[] = [];
  const statuses: string[] = [];
  const bytes: number[] = Array.from({ length: count }, () => 0);
  const sockets: Socket[] = [];
  const begin = async (index: number): Promise<void> => {
    // One after the other, so that the listener's backlog is not part of the test.
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
