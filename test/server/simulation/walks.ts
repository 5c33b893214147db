/** Many walks at once, and the comparison of each with bare `node:http`. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { compose, type Filter } from 'portico/app';
import {
  catchErrors,
  compression,
  cors,
  etag,
  healthcheckFilter,
  proxyHeaders,
  requestId,
  securityHeaders,
  sizelimit,
} from 'portico/middleware';
import { Server, type ServerOptions } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { portOf } from '../raw-client.js';
import { drainWalk } from './drain-walk.js';
import { type Answer, listener, type Performed, type Plan, perform, planOf } from './walk.js';

/** Every limit that ends a connection without a request at work is a few seconds: longer than a busy machine pauses. */
const LIMITS: ServerOptions = {
  backlog: 2048,
  headersTimeout: 5,
  requestTimeout: 5,
  keepAliveTimeout: 1,
  bodyGrace: 5,
  lingeringTime: 2,
  lingeringTimeout: 1,
  sendTimeout: 5,
  queueTimeout: 20,
  // Nothing may need it.
  clientSocketTimeout: 600,
};
/** Time for a connection to end when its client has left, in milliseconds: more than all limits together. */
const ENDS_MS = 120_000;
const BARE_MS = 20_000;
const AT_ONCE = 300;
/** Each has its own server. */
const DRAINS_AT_ONCE = 50;
/** Walks after which nothing may be left. */
const ROUND = 10_000;

const NINE = [
  catchErrors,
  requestId,
  proxyHeaders,
  securityHeaders,
  cors,
  compression,
  etag,
  sizelimit,
  healthcheckFilter,
];

/** A fault that a walk has found. */
export class WalkFailed extends Error {
  constructor(what: string, seeds: readonly number[]) {
    super(
      `${what}; npm run t -- server/simulation --seed ${seeds[0]} repeats it${seeds.length > 1 ? ` (or one of ${seeds.join(', ')})` : ''}`,
    );
  }
}

/** Performs the walks of `count` seeds from `first` on, on a server without filters and one with nine. Throws {@link WalkFailed}. */
export async function walks(first: number, count: number): Promise<void> {
  const bare = await bareServer();
  const clients = new Set<Socket>();
  bare.on('connection', (client) => void clients.add(client.once('close', () => clients.delete(client))));
  const nine: Filter[] = [];
  for (const factory of NINE) nine.push((await buildFilter(factory)).made);
  // Without a limit of slots: requests would wait for it, and for the bodies of others.
  const plain = new Server('plain', listener, { ...LIMITS, defaultPoolSize: 0 });
  const reloading = new Server('reloading', listener, { ...LIMITS, defaultPoolSize: 0 });
  const servers = [plain, new Server('nine', compose(nine, listener), { ...LIMITS, defaultPoolSize: 20 }), reloading];
  for (const server of servers) await server.start();
  const reloads = new Reloads(reloading);
  const running = new Set<number>();
  const thrown: string[] = [];
  const onThrown = (error: unknown): void => {
    thrown.push(`${(error as Error)?.stack ?? String(error)}`);
  };
  process.on('uncaughtException', onThrown).on('unhandledRejection', onThrown);
  try {
    const before = resources();
    let next = first;
    for (let end = first; end < first + count; ) {
      end = Math.min(end + ROUND, first + count);
      const one = async (): Promise<void> => {
        while (next < end && thrown.length === 0) {
          const seed = next++;
          running.add(seed);
          await walk(planOf(seed), servers, portOfBare(bare), reloads);
          running.delete(seed);
        }
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, end - next) }, one));
      if (thrown.length > 0) throw new WalkFailed(`the process would have ended: ${thrown[0]}`, [...running]);
      // Those that it has forgotten.
      for (const client of clients) client.destroy();
      await nothingIsLeft(servers, before, next - Math.min(ROUND, count));
    }
  } finally {
    process.off('uncaughtException', onThrown).off('unhandledRejection', onThrown);
    bare.closeAllConnections();
    bare.close();
    await reloads.end();
    for (const server of servers) await server.stop({ graceful: false });
  }
}

/** Performs `count` walks of clients around the drain of a server. Throws {@link WalkFailed}. */
export async function drains(first: number, count: number): Promise<void> {
  let next = first;
  const one = async (): Promise<void> => {
    while (next < first + count) {
      const seed = next++;
      const wrong = await drainWalk(seed, LIMITS);
      if (wrong !== undefined) throw new WalkFailed(`while the server drains: ${wrong}`, [seed]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(DRAINS_AT_ONCE, count) }, one));
}

/** Reloads of a server, one after another: old requests and connections go on beside those of the next server of Node. */
class Reloads {
  readonly #server: Server;
  #next: Promise<void>;
  #isOver = false;

  constructor(server: Server) {
    this.#server = server;
    this.#next = this.#reload();
  }

  /** Settles after a reload that begins later. */
  readonly passed = async (): Promise<void> => {
    await this.#next;
    await this.#next;
  };

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#next;
  }

  async #reload(): Promise<void> {
    await sleep(20);
    if (this.#isOver) return;
    const stopped = this.#server.stop({ graceful: true, reason: 'reload', deadlineMs: 600_000 });
    stopped.catch(() => undefined);
    await this.#server.start();
    this.#next = this.#reload();
  }
}

async function walk(
  plan: Plan,
  [plain, nine, reloading]: readonly Server[],
  barePort: number,
  reloads: Reloads,
): Promise<void> {
  const isCompared = plan.methods !== undefined && plan.leaves === 'answered';
  const [ours, behind, across, expected] = await Promise.all([
    performed(plan, portOf(plain!)),
    performed(plan, portOf(nine!)),
    // A client that stops to read does so during a reload.
    performed(plan, portOf(reloading!), reloads.passed),
    // Node's own server may forget a client: 20.19 does so after a body that is left early.
    isCompared ? perform(plan, barePort, BARE_MS) : undefined,
  ]);
  for (const each of [ours, behind, across]) noneRanInVain(plan, each);
  if (expected === undefined) return;
  compare(plan, ours.answers, expected.answers);
  // A reload ends a kept connection with its next response, and says so.
  const isEnded = across.answers.at(-1)?.isLast === true;
  compare({ ...plan, mayEnd: plan.mayEnd || isEnded }, across.answers, expected.answers);
}

async function performed(plan: Plan, port: number, pause?: () => Promise<void>): Promise<Performed> {
  const done = await perform(plan, port, ENDS_MS, pause);
  if (done === undefined)
    throw new WalkFailed('a client that has sent all is neither answered nor closed', [plan.seed]);
  return done;
}

/** Throws if a request has run behind a last response: its client sends it again (RFC 9112 §9.6). */
function noneRanInVain({ seed, counts }: Plan, { answers, ran }: Performed): void {
  if (counts && answers.at(-1)?.isLast === true && ran > answers.length)
    throw new WalkFailed(`${ran} requests have run, and response ${answers.length} was the last`, [seed]);
}

/** Throws if a response differs from that of `node:http`, or is missing although none has announced the end of its connection. */
function compare({ seed, mayEnd }: Plan, answers: readonly Answer[], expected: readonly Answer[]): void {
  for (const [at, { status, body }] of expected.entries()) {
    const ours = answers[at];
    if (ours === undefined) {
      if (mayEnd) return;
      throw new WalkFailed(`response ${at} of ${expected.length} is missing, node:http has ${status}`, [seed]);
    }
    // Messages of faults are Portico's own.
    // Bytes behind a last request make Node end a body that only the end of the connection delimits.
    const isCut = mayEnd && at === expected.length - 1 && ours.body.startsWith(body);
    const isSame = ours.status === status && (status >= 400 || ours.body === body || isCut);
    if (!isSame)
      throw new WalkFailed(
        `response ${at} is ${ours.status} ${ours.body.slice(0, 80)}, of node:http ${status} ${body.slice(0, 80)}`,
        [seed],
      );
  }
}

/** The same application on Node's own server. */
async function bareServer(): Promise<HttpServer> {
  const run = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    try {
      await listener(req, res);
    } catch {
      if (res.headersSent) res.destroy();
      else res.writeHead(500).end();
    }
  };
  const server = createServer((req, res) => void run(req, res));
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen({ port: 0, host: '127.0.0.1', backlog: 2048 });
  await once(server, 'listening');
  return server;
}

const portOfBare = (server: HttpServer): number => (server.address() as AddressInfo).port;

/** Descriptors of files and sockets, where the system tells. */
function resources(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}

async function nothingIsLeft(servers: readonly Server[], before: number, from: number): Promise<void> {
  const left = (): string[] => [
    ...servers.flatMap((server) => {
      const { open } = server.connections;
      const { inFlight: requests, queued, abandoned } = server;
      const counts = { connections: open, requests, queued, slots: abandoned.length };
      return Object.entries(counts).flatMap(([what, count]) =>
        count > 0 ? [`${count} ${what} of ${server.name}`] : [],
      );
    }),
    ...(resources() > before + 4 ? [`${resources() - before} descriptors`] : []),
  ];
  for (const until = performance.now() + ENDS_MS; left().length > 0 && performance.now() < until; ) await sleep(20);
  if (left().length > 0) {
    const work = servers.flatMap((server) => server.describeWork()).slice(0, 5);
    throw new WalkFailed(`after all clients have left there are ${left().join(', ')}: ${work.join('; ')}`, [from]);
  }
}
