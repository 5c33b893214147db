/** A Fetch-style handler as an App: `(request: Request) => Response`, as in Hono and the edge runtimes. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { App } from '../app.js';
import { Fault } from '../fault.js';
import { bodyConsumed } from '../read-body.js';
import { remoteOf } from '../remote.js';
import { watchPipe } from '../response/response-body.js';
import { appSettled, slotOf } from '../slot.js';

/** Returns a `Response` to a `Request`. The second argument is Node's request, for its environ. */
export type FetchHandler = (request: Request, req: IncomingMessage) => Response | Promise<Response>;

/**
 * Turns a Fetch-style handler into an App.
 *
 * The request's URL is the rest of the target to route, after the scheme and host that the client used; its body streams, and fails with
 * `PORTICO_BODY_CONSUMED` if the body was read before; its signal is aborted when the client disconnects. Headers are sent at once, also if the body
 * has no chunk yet, and bodies stream with back-pressure. It costs about three times as much as a listener, so
 * use it at the edge of a pipeline, for existing handlers.
 */
export function fromFetch(handler: FetchHandler): App {
  return async (req, res) => {
    const left = new AbortController();
    const onClose = (): void => {
      if (!res.writableFinished) left.abort();
    };
    res.once('close', onClose);
    const response = await handler(toRequest(req, left.signal), req);
    appSettled(slotOf(req));
    if (res.destroyed) {
      await response.body?.cancel();
      return;
    }
    writeHead(res, response);
    await writeBody(req, res, response);
  };
}

function toRequest(req: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    headers.append(req.rawHeaders[at]!, req.rawHeaders[at + 1]!);
  }
  const method = req.method ?? 'GET';
  // A Request refuses it.
  if (method === 'TRACE') throw new Fault(501, { message: 'TRACE is not supported.' });
  const init: RequestInit & { duplex?: 'half' } = { method, headers, signal };
  if (method !== 'GET' && method !== 'HEAD') {
    init.body = req.readableDidRead || req.readableEnded ? consumedBody() : bodyOf(req);
    init.duplex = 'half';
  }
  const request = new Request(new URL(pathOf(req), baseOf(req)), init);
  // Node 20 links the request's own signal to ours only by a weak reference, and loses it in a garbage collection.
  return Object.defineProperty(request, 'signal', { value: signal });
}

function bodyOf(req: IncomingMessage): ReadableStream<Uint8Array> {
  return Readable.toWeb(req) as unknown as ReadableStream<Uint8Array>;
}

/** A handler that does not read the body works without it. */
function consumedBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(bodyConsumed()) });
}

/** Returns the target in origin form: a target such as `//host/x` must stay a path and not become another host. */
function pathOf(req: IncomingMessage): string {
  const url = req.url ?? '/';
  return url.startsWith('//') ? `/.${url}` : url;
}

function baseOf(req: IncomingMessage): string {
  const { scheme, host = 'localhost' } = remoteOf(req);
  return URL.canParse(`${scheme}://${host}`) ? `${scheme}://${host}` : `${scheme}://localhost`;
}

function writeHead(res: ServerResponse, response: Response): void {
  res.statusCode = response.status;
  if (response.statusText !== '') res.statusMessage = response.statusText;
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') res.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
}

async function writeBody(req: IncomingMessage, res: ServerResponse, response: Response): Promise<void> {
  if (response.body === null || req.method === 'HEAD') {
    await response.body?.cancel();
    res.end();
    return;
  }
  const body = readableOf(response.body);
  await new Promise<void>((resolve, reject) => {
    res.once('close', () => {
      body.destroy();
      resolve();
    });
    body.once('error', (error) => (res.headersSent ? res.destroy(error) : reject(error)));
    watchPipe(res, reject);
    body.pipe(res);
    // A body that is there comes within this turn, with its headers.
    setImmediate(() => {
      if (res.headersSent || res.destroyed || body.destroyed) return;
      try {
        res.flushHeaders();
      } catch (error) {
        // Of a listener of the headers: nothing was sent, and another response may follow.
        body.destroy();
        reject(error);
      }
    });
  });
}

// A web stream as a stream of Node.

/**
 * Returns a stream that reads a web stream, and cancels it when it is destroyed. Unlike with `Readable.fromWeb`, a chunk of null is an
 * error, not the end: a response would look complete.
 */
export function readableOf(body: ReadableStream<unknown>): Readable {
  const reader = body.getReader();
  const chunks = {
    next: () => reader.read(),
    // Does not wait for a chunk, as the iterator of the web stream would.
    return: async () => ({ done: true, value: await reader.cancel() }),
    [Symbol.asyncIterator]: () => chunks,
  };
  return Readable.from(chunks, { objectMode: false });
}
