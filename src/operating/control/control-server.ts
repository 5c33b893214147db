/**
 * The control server: HTTP with JSON on a Unix socket or a port, served by the parent or the single process.
 */
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { HostPort } from '../../config/index.js';
import { describeError, isObject, nearestOrAll, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { within } from '../../tasks/internal.js';
import { type RouteFinder, routeFinder } from '../../text/index.js';
import { listenOnPath } from '../private-socket.js';

/** A request of an operator. */
export interface ControlRequest {
  /** Body, parsed as JSON. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Path variables. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
}

/** A response other than a plain 200 with JSON or text. A `body` of pieces of text is sent while they are made. */
export class ControlAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Returns a document or text. Errors get a status of {@link statusOf}. */
export type ControlHandler = (request: ControlRequest) => unknown;

/** Handlers by method and path in find-my-way's form: `GET /status`. */
export type ControlRoutes = Readonly<Record<string, ControlHandler>>;

/** Largest body in bytes. */
const BODY_BYTES = 65_536;
/** Most connections: the parent keeps descriptors free for its workers. */
const CONNECTIONS = 100;
/** Time that responses in progress have at the end. */
const LAST_ANSWER_MS = 500;
/** Time limits for the headers and for a whole request, in milliseconds. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 30_000 };

/** A request that cannot be carried out: 404 or 409 in place of 400. */
export class ControlRefused extends PorticoError {
  readonly status: number;

  constructor(status: number, code: string, what: { message: string; hint?: string | undefined }) {
    super(code, what);
    this.status = status;
  }
}

export class ControlServer {
  readonly #server: Server;
  readonly #routes: ControlRoutes;
  readonly #log: Logger;
  readonly #guard: (req: IncomingMessage) => void;
  /** Connections, least recently used first; true while the connection's request is in progress. */
  readonly #connections = new Map<Socket, boolean>();
  /** Responses in progress. */
  readonly #open = new Set<Promise<void>>();
  #find: RouteFinder<ControlHandler> | undefined;

  /** `guard` throws for a request that must get no response. */
  constructor(routes: ControlRoutes, log: Logger, guard: (req: IncomingMessage) => void = () => undefined) {
    this.#routes = routes;
    this.#log = log;
    this.#guard = guard;
    this.#server = createServer(TIMES, (req, res) => {
      const answered = this.#answer(req, res).finally(() => this.#open.delete(answered));
      this.#open.add(answered);
    }).unref();
    this.#server.on('connection', (socket) => this.#admit(socket));
  }

  /** Listens on a Unix socket. Rejects with `PORTICO_CONTROL_SOCKET`. The server does not keep the process alive. */
  listen(path: string): Promise<void> {
    return listenOnPath(this.#server, path, {
      code: 'PORTICO_CONTROL_SOCKET',
      who: 'the control server',
      hint: 'Commands of api-cli reach that process. Services with the same configuration files need different paths: set one in [control] socket, or leave it empty to disable it.',
    });
  }

  /** Listens on a port, and returns it. Rejects with the system's error. */
  async listenOn({ host, port }: HostPort): Promise<number> {
    // Probes will come, and the packages on disk may be others by then.
    this.#find ??= finderOf(this.#routes);
    await once(this.#server.listen(port, host), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Listens again on a path whose file is gone. Requests in progress go on. Rejects as {@link listen}. */
  listenAgain(path: string): Promise<void> {
    // Not awaited: it ends with the last connection.
    if (this.#server.listening) this.#server.close();
    return this.listen(path);
  }

  /** Closes it, after a moment for responses in progress: a reload that a command waits for ends with the stop. */
  async close(): Promise<void> {
    const closed = this.#server.listening ? new Promise((resolve) => this.#server.close(resolve)) : undefined;
    await within(Promise.allSettled(this.#open), LAST_ANSWER_MS);
    this.#server.closeAllConnections();
    await closed;
  }

  /** Beyond the limit, closes the least recently used connection, preferably one without a complete request. */
  #admit(fresh: Socket): void {
    if (this.#connections.size >= CONNECTIONS) {
      const [oldest] = [...this.#connections].find(([, isAtWork]) => !isAtWork) ?? [...this.#connections][0]!;
      this.#connections.delete(oldest);
      oldest.destroy();
    }
    this.#connections.set(fresh, false);
    fresh.once('close', () => this.#connections.delete(fresh));
  }

  /** Marks a connection as used. */
  #touch(socket: Socket, isAtWork: boolean): void {
    if (this.#connections.delete(socket)) this.#connections.set(socket, isAtWork);
  }

  async #answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { socket } = req;
    try {
      checkTarget(req);
      this.#guard(req);
      this.#find ??= finderOf(this.#routes);
      const [path = '/', query] = (req.url ?? '/').split(/\?(.*)/s, 2);
      // Node sends no body for HEAD.
      const method = req.method === 'HEAD' ? 'GET' : req.method;
      const found = this.#find(method!, path);
      if (found === undefined) throw notFound(this.#routes, `${method} ${path}`);
      const { value: handler, params } = found;
      const body = await readJson(req);
      this.#touch(socket, true);
      const answer = await handler({ body, params, query: new URLSearchParams(query) });
      if (answer instanceof ControlAnswer && isPieces(answer.body)) await sendPieces(req, res, answer, answer.body);
      else if (answer instanceof ControlAnswer) send(res, answer.status, answer.body, answer.headers);
      else send(res, 200, answer);
    } catch (error) {
      // The client disconnected during the body.
      if (error === req.errored) return;
      const status = statusOf(error);
      if (status === 500) this.#log.error({ err: error, url: req.url }, "an operator's request failed");
      if (res.headersSent) return void res.destroy();
      const { code = 'PORTICO_CONTROL_FAILED', hint } = error as Partial<PorticoError>;
      send(res, status, {
        error: { code, message: status === 500 ? describeError(error) : (error as Error).message, hint },
      });
    } finally {
      this.#touch(socket, false);
    }
  }
}

/** Loads find-my-way: with the first request, unless probes are expected. */
function finderOf(routes: ControlRoutes): RouteFinder<ControlHandler> {
  return routeFinder(
    Object.entries(routes).map(([route, value]) => {
      const [method, url] = route.split(' ') as [string, string];
      return { methods: [method], url, value };
    }),
  );
}

/**
 * Throws for a request that two readers could interpret differently: more than one host, or a target that names another
 * host (RFC 9112 §3.2).
 */
function checkTarget({ url = '', headersDistinct }: IncomingMessage): void {
  const hosts = headersDistinct.host?.length ?? 0;
  if (hosts <= 1 && url.startsWith('/')) return;
  const message = hosts > 1 ? `it has ${hosts} Host headers` : 'its target is not a path';
  throw new ControlRefused(400, 'PORTICO_CONTROL_TARGET', { message, hint: 'Request a path, with one Host header.' });
}

function notFound(routes: ControlRoutes, asked: string): ControlRefused {
  const hint = nearestOrAll(asked, Object.keys(routes));
  return new ControlRefused(404, 'PORTICO_CONTROL_NOT_FOUND', { message: `there is nothing at ${asked}`, hint });
}

async function readJson(req: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const refused = (message: string): ControlRefused => new ControlRefused(400, 'PORTICO_CONTROL_BODY', { message });
  let text = '';
  for await (const chunk of req.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.length > BODY_BYTES)
      throw new ControlRefused(413, 'PORTICO_CONTROL_BODY', { message: 'the body is too large' });
  }
  if (text === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refused(`the body is not JSON: ${(error as Error).message}`);
  }
  if (!isObject(value)) throw refused('the body must be an object');
  return value;
}

/** Statuses of errors that have none. */
const STATUS: Readonly<Record<string, number>> = {
  PORTICO_NO_REGISTRY: 404,
  PORTICO_RECORD_NOT_FOUND: 404,
  PORTICO_SERVICE_UP: 409,
  PORTICO_CHANGE_REFUSED: 409,
  PORTICO_REGISTRY_NOT_MIGRATED: 503,
  PORTICO_REGISTRY_UNAVAILABLE: 503,
};

export function statusOf(error: unknown): number {
  if (error instanceof ControlRefused) return error.status;
  return STATUS[(error as Partial<PorticoError>).code ?? ''] ?? (error instanceof PorticoError ? 400 : 500);
}

function isPieces(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

async function sendPieces(
  req: IncomingMessage,
  res: ServerResponse,
  { status, headers }: ControlAnswer,
  pieces: AsyncIterable<string>,
): Promise<void> {
  res.writeHead(status, { ...ALWAYS, ...headers });
  if (req.method === 'HEAD') return void res.end();
  try {
    await pipeline(pieces, res);
  } catch (error) {
    // Unless the client disconnected.
    if (!req.socket.destroyed) throw error;
  }
}

/** Headers of all responses. */
const ALWAYS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

function send(res: ServerResponse, status: number, value: unknown, headers: OutgoingHttpHeaders = {}): void {
  if (status === 204) {
    res.writeHead(status, { 'cache-control': 'no-store', ...headers }).end();
    return;
  }
  const isText = typeof value === 'string';
  const text = isText ? value : `${JSON.stringify(value, undefined, 2)}\n`;
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
  res.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...ALWAYS,
    ...headers,
  });
  res.end(text);
}
