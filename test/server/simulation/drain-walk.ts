/**
 * Random clients of a server that reloads and then drains: before `drain_delay`, within it, and while it stops. Whatever reaches a connection that
 * it has accepted gets its response, pipelined requests too; an upgrade gets its session and an event stream its events, which are asked to end. A seed makes the same walk
 * again.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { closingOf, takeUpgrade } from 'portico/app';
import { Server, type ServerOptions } from 'portico/server';
import { Random } from '../../simulation/random.js';
import { portOf } from '../raw-client.js';

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const HEAD = 'HTTP/1.1\r\nHost: a\r\n';
const UPGRADE = `GET /session ${HEAD}Connection: Upgrade\r\nUpgrade: x\r\n\r\n`;

/** Sessions last until they are asked to end; other requests take some turns of the event loop. */
async function app(req: IncomingMessage, res: ServerResponse): Promise<void> {
  for (let turns = Number(req.url?.slice('/wait/'.length)) || 0; turns > 0; turns--) await turn();
  if (req.url === '/events') {
    res.write('begun ');
    closingOf(req)!.addEventListener('abort', () => res.end('bye'));
    return;
  }
  const taken = takeUpgrade(req);
  if (taken === undefined) {
    res.end('served');
    return;
  }
  const { socket, closing } = taken;
  socket.on('error', () => undefined).write(SWITCHED);
  closing.addEventListener('abort', () => socket.end('bye'));
}

const turns = async (count: number): Promise<void> => {
  for (let left = count; left > 0; left--) await turn();
};

/** Returns what is wrong with the responses of the seed's clients; undefined if nothing is. */
export async function drainWalk(seed: number, limits: ServerOptions): Promise<string | undefined> {
  const random = new Random(seed);
  // A turn can take long where there is much else to do: no limit of a connection ends one.
  const server = new Server('leaving', app, { ...limits, keepAliveTimeout: 120, defaultPoolSize: 0, drainIdle: 10 });
  await server.start();
  const port = portOf(server);
  let accepts = true;
  const [leavesAt, stopsAfter] = [random.below(30), random.below(30)];
  const reload = random.chance(0.5) ? { at: random.below(40), lasts: random.below(10) } : undefined;
  const plans = Array.from({ length: 1 + random.below(6) }, () => ({
    kind: random.pick([
      'upgrade',
      'request',
      'request then upgrade',
      'events',
      'request then events',
      'slow upgrade',
      'pipelined',
      'request then pipelined',
    ] as const),
    beginsAt: random.below(70),
    between: random.below(40),
  }));
  const clients = plans.map(async ({ kind, beginsAt, between }) => {
    await turns(beginsAt);
    // A client whose connection is refused goes to another server.
    const socket = await opened(port);
    if (socket === undefined) return accepts ? `${kind} was refused while the server accepts connections` : undefined;
    // The system may still have it in the queue of the socket that closes, and reset it.
    const mayBeReset = !accepts;
    if (kind.startsWith('request')) {
      const text = await answered(socket, `GET /wait/${between % 7} ${HEAD}\r\n`, /served/);
      if (text === '' && mayBeReset) return undefined;
      if (!text.startsWith('HTTP/1.1 200 ')) return `${kind} got ${JSON.stringify(text)}`;
      const isLast = /\r\nconnection: close/i.test(text);
      if (kind === 'request' || isLast) {
        socket.destroy();
        return undefined;
      }
      await turns(between);
    }
    if (kind.endsWith('pipelined')) {
      // The first takes a turn, in which the others are read: a response that is sent before cannot know of them.
      const paths = Array.from({ length: 2 + (beginsAt % 5) }, (_, at) => `/wait/${at === 0 ? 1 : (between * at) % 7}`);
      const pipelined = paths.map((path) => `GET ${path} ${HEAD}\r\n`).join('');
      const text = await answered(socket, pipelined, new RegExp(`(?:served.*){${paths.length}}`, 's'));
      socket.destroy();
      if (text === '' && mayBeReset && kind === 'pipelined') return undefined;
      return text.split('HTTP/1.1 200 ').length === paths.length + 1
        ? undefined
        : `${paths.length} ${kind} got ${JSON.stringify(text)}`;
    }
    if (kind.endsWith('events')) {
      const text = await answered(socket, `GET /events ${HEAD}\r\n`, /bye/);
      socket.destroy();
      if (text === '' && mayBeReset && kind === 'events') return undefined;
      return /begun .*bye/s.test(text) ? undefined : `${kind} got ${JSON.stringify(text)}`;
    }
    const upgrade = kind === 'slow upgrade' ? UPGRADE.replace('/session', `/wait/${between}`) : UPGRADE;
    const text = await answered(socket, upgrade, /bye/);
    socket.destroy();
    if (text === '' && mayBeReset && !kind.startsWith('request')) return undefined;
    return text === `${SWITCHED}bye` ? undefined : `${kind} got ${JSON.stringify(text)}`;
  });
  let reloaded: Promise<void> | undefined;
  if (reload !== undefined) {
    await turns(reload.at);
    reloaded = server.stop({ graceful: true, reason: 'reload', deadlineMs: 600_000 });
    await turns(reload.lasts);
    await server.start();
  }
  await turns(leavesAt);
  server.markDraining();
  await turns(stopsAfter);
  accepts = false;
  await Promise.all([server.stop({ graceful: true }), reloaded]);
  return (await Promise.all(clients)).find((wrong) => wrong !== undefined);
}

async function opened(port: number): Promise<Socket | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return socket;
  } catch {
    return undefined;
  }
}

/** Sends a text, and returns what comes until it matches, or the connection ends. */
async function answered(socket: Socket, request: string, whole: RegExp): Promise<string> {
  let text = '';
  if (socket.closed) return text;
  const done = new Promise<void>((resolve) => {
    const take = (piece: Buffer): void => {
      text += piece.toString('latin1');
      if (!whole.test(text)) return;
      socket.off('data', take);
      resolve();
    };
    socket
      .on('data', take)
      .once('close', resolve)
      .on('error', () => resolve());
  });
  socket.write(request);
  await done;
  return text;
}
