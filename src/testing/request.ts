/** Sends one request to an app over a real socket. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
  type ServerResponse,
  request as send,
} from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type App, Fault } from '../app/index.js';
import { abortReason, answerFault, asFault, exchangeOf } from '../app/internal.js';
import { checkOptions } from './check-options.js';
import { LintError } from './lint.js';

/** The parts of a request besides method and path. */
export interface RequestInput {
  readonly headers?: Readonly<OutgoingHttpHeaders>;
  /**
   * A string or bytes, sent with their length; an async iterable, sent in chunks; a `FormData`, `Blob` or `URLSearchParams`, sent as
   * `fetch` does; any other object, sent as JSON.
   */
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array> | object;
  /** Any value, also a string or `null`, sent as JSON instead of `body`. */
  readonly json?: unknown;
  /** Aborts the request, which then rejects: the app sees a client that leaves. */
  readonly signal?: AbortSignal;
}

export const INPUT_NAMES: Readonly<Record<keyof RequestInput, true>> = {
  headers: true,
  body: true,
  json: true,
  signal: true,
};

/** The response to a request. */
export interface TestResponse {
  readonly status: number;
  readonly statusMessage: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
  /**
   * The exception behind a status from 500 on: what the app threw, or the cause of its `Fault`; or what it threw after it had responded.
   * Otherwise absent.
   */
  readonly error?: unknown;
  text(): string;
  /** Parses the body as JSON; throws `SyntaxError` if it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests assert on its shape
  json(): any;
}

/**
 * Sends one request to the app and returns the response. The path is sent unchanged, without normalisation.
 *
 * If the app fails, the response is the same as from a server: Portico's JSON for a `Fault`, otherwise a bare 500; once the
 * headers are sent, the connection is destroyed. Rejects if the connection breaks before the end of the response, and with
 * the `LintError` of an app wrapped in `lint`.
 */
export async function request(app: App, method: string, path: string, input: RequestInput = {}): Promise<TestResponse> {
  checkOptions('request', input, INPUT_NAMES, 'Write a body as { body: … }, or as { json: … }.');
  const served = await serve(app);
  const { port } = served;
  const outcome = await exchange({ host: '127.0.0.1', port, method, path, agent: false }, input).then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );
  await served.close();
  if ('error' in outcome) {
    if (served.failure === undefined) throw outcome.error;
    const { code } = outcome.error as NodeJS.ErrnoException;
    throw Object.assign(new Error(BROKEN, { cause: served.failure }), { code });
  }
  return served.failure === undefined ? outcome.response : { ...outcome.response, error: served.failure };
}

/**
 * Sends bytes unchanged to an app over a real socket, for requests that no client library would send. Returns all bytes received until
 * the connection closes, as latin1 text.
 */
export async function rawRequest(app: App, bytes: string | Uint8Array): Promise<string> {
  const served = await serve(app);
  const answer = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(served.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
  await served.close();
  return answer;
}

interface Served {
  readonly port: number;
  /** The first failure, as {@link TestResponse.error} shows it, or the reason why a response was broken off. */
  failure: unknown;
  /** Returns the failure of the last request from this port of the client, when the response to it has closed. */
  failureFrom(port: number | undefined): Promise<unknown>;
  /**
   * Closes the server, and waits one turn of the event loop after all responses have closed, when failures of the app have been recorded.
   * Rejects with the first violation of the App contract.
   */
  close(): Promise<void>;
}

const BROKEN = 'the app failed after it had begun to respond, and the connection was destroyed';

/** A request and its response. */
interface Exchange {
  /** Port of the client: another one for each request that is open. */
  readonly port: number | undefined;
  readonly res: ServerResponse;
  readonly closed: Promise<void>;
  /** Exception of the app. */
  failure: unknown;
}

/** Returns the failure of an exchange; a Router or a filter may have handled it. */
function failureOf({ failure, res }: Exchange): unknown {
  return failure ?? exchangeOf(res.req).firstFailure?.cause ?? abortReason(res);
}

/** Starts a server that treats failures of its app as Portico's server does. */
export async function serve(app: App): Promise<Served> {
  const exchanges: Exchange[] = [];
  let violation: LintError | undefined;
  const server = createServer((req, res) => {
    const closed = new Promise<void>((resolve) => res.once('close', resolve));
    const exchange: Exchange = { port: req.socket.remotePort, res, closed, failure: undefined };
    exchanges.push(exchange);
    const fail = (error: unknown): void => {
      if (error instanceof LintError) violation ??= error;
      const fault = asFault(error);
      if (!(error instanceof Fault) && (fault.status >= 500 || res.headersSent)) {
        exchange.failure ??= error;
        served.failure ??= error;
      }
      answerFault(req, res, fault, { onFailure: () => undefined });
    };
    try {
      Promise.resolve(app(req, res)).catch(fail);
    } catch (error) {
      fail(error);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const served: Served = {
    port: (server.address() as AddressInfo).port,
    failure: undefined,
    async failureFrom(port) {
      const exchange = exchanges.findLast((each) => each.port === port);
      await exchange?.closed;
      await new Promise((resolve) => setImmediate(resolve));
      if (violation !== undefined) throw violation;
      return exchange && failureOf(exchange);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(exchanges.map(({ closed }) => closed));
      await new Promise((resolve) => setImmediate(resolve));
      for (const exchange of exchanges) served.failure ??= failureOf(exchange);
      if (violation !== undefined) throw violation;
    },
  };
  return served;
}

function exchange(options: RequestOptions, { headers = {}, signal, ...input }: RequestInput): Promise<TestResponse> {
  return new Promise((resolve, reject) => {
    const outgoing = send({ ...options, headers: { ...headers }, ...(signal !== undefined && { signal }) });
    outgoing.on('response', (incoming) => {
      collect(incoming).then(resolve, reject);
    });
    outgoing.on('error', reject);
    sendBody(outgoing, input).catch(reject);
  });
}

const FETCH_BODIES = [FormData, Blob, URLSearchParams];

/** Sends a body: bytes with their length, chunks as they come, forms as `fetch` does, other values as JSON. */
export async function sendBody(
  outgoing: ReturnType<typeof send>,
  { body, json }: Pick<RequestInput, 'body' | 'json'>,
): Promise<void> {
  if (json === undefined && FETCH_BODIES.some((kind) => body instanceof kind)) {
    const encoded = new Response(body as FormData);
    const type = encoded.headers.get('content-type');
    if (type !== null && !outgoing.hasHeader('content-type')) outgoing.setHeader('content-type', type);
    outgoing.end(Buffer.from(await encoded.arrayBuffer()));
  } else if (json !== undefined || isPlain(body)) {
    if (!outgoing.hasHeader('content-type')) outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify(json === undefined ? body : json));
  } else if (body === undefined) outgoing.end();
  else if (typeof body === 'string' || body instanceof Uint8Array) outgoing.end(body);
  else await pump(body as AsyncIterable<string | Uint8Array>, outgoing);
}

function isPlain(body: unknown): boolean {
  return typeof body === 'object' && !(body instanceof Uint8Array) && !(Symbol.asyncIterator in (body as object));
}

async function pump(body: AsyncIterable<string | Uint8Array>, outgoing: ReturnType<typeof send>): Promise<void> {
  for await (const chunk of body) {
    if (outgoing.destroyed) return;
    outgoing.write(chunk);
  }
  outgoing.end();
}

/** Reads a whole response. */
export async function collect(incoming: IncomingMessage): Promise<TestResponse> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return {
    status: incoming.statusCode ?? 0,
    statusMessage: incoming.statusMessage ?? '',
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    trailers: incoming.trailers,
    body,
    text: () => body.toString(),
    json: () => JSON.parse(body.toString()),
  };
}
