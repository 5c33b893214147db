/**
 * Connect middleware as a Filter, and an Express or Connect application as an App.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PorticoError } from '../errors/index.js';
import type { App, Filter } from './app.js';
import { environ } from './environ.js';
import { wholeTarget } from './request-path.js';

/** Connect's shape: answers, or calls `next` once, with an error if it failed. */
export type ConnectMiddleware = (req: never, res: never, next: (error?: unknown) => void) => unknown;

/**
 * A Connect middleware as a Filter.
 *
 * `next(error)` makes the app fail with that error, and so do a throw and a rejected promise of an async middleware.
 * `next` called twice is an error too: the request fails, or, when the answer is under way, its connection is
 * destroyed. `next` called after the answer (a deadline's, say) does nothing. Error handlers, with four parameters, are
 * refused with a `TypeError`: the filters around have that task.
 */
export function fromConnect(middleware: ConnectMiddleware): Filter {
  if (typeof middleware !== 'function') throw new TypeError('fromConnect wants a function (req, res, next)');
  if (middleware.length > 3) {
    throw new TypeError('fromConnect cannot mount an error handler (err, req, res, next): catch_errors has its place');
  }
  return (app) => (req, res) => {
    // Packages made for Express look here for the path before anything was cut off it, and some judge by it.
    (req as IncomingMessage & { originalUrl?: string }).originalUrl ??= wholeTarget(req);
    return new Passage(app, req, res).run(middleware);
  };
}

/** One request on its way through one middleware. */
class Passage {
  readonly #app: App;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  #called = false;
  /** What the inner app returned. */
  #result: void | Promise<void> = undefined;
  #failure: { readonly reason: unknown } | undefined;
  /** The promise that was returned, while it can still tell a failure. */
  #open: { resolve(value?: void | Promise<void>): void; reject(reason: unknown): void } | undefined;
  #returned = false;

  constructor(app: App, req: IncomingMessage, res: ServerResponse) {
    this.#app = app;
    this.#req = req;
    this.#res = res;
  }

  run(middleware: ConnectMiddleware): void | Promise<void> {
    const pending = middleware(this.#req as never, this.#res as never, (error) => this.#next(error));
    this.#returned = true;
    if (this.#failure !== undefined) throw this.#failure.reason;
    const isAsync = isThenable(pending);
    if (this.#called && !isAsync) return this.#result;
    return new Promise((resolve, reject) => {
      this.#open = { resolve, reject };
      if (this.#called) {
        // An async middleware can fail after its next(); both promises count.
        Promise.all([pending, this.#result]).then(
          () => this.#settle(),
          (reason: unknown) => this.#fail(reason),
        );
        return;
      }
      if (isAsync) pending.then(undefined, (reason: unknown) => this.#fail(reason));
      // It may answer by itself, and then does not call next.
      this.#res.once('close', () => this.#settle());
    });
  }

  #next(error: unknown): void {
    if (this.#called) {
      this.#fail(calledTwice());
      return;
    }
    this.#called = true;
    const tooLate = this.#returned && this.#open === undefined;
    if (tooLate || this.#res.writableEnded || this.#res.destroyed) {
      this.#settle();
      return;
    }
    if (error !== undefined && error !== null) {
      this.#fail(error);
      return;
    }
    try {
      this.#result = this.#app(this.#req, this.#res);
      this.#settle(this.#result);
    } catch (thrown) {
      // The app's throw is not for the middleware to catch.
      this.#fail(thrown);
    }
  }

  #settle(result?: void | Promise<void>): void {
    this.#open?.resolve(result);
    this.#open = undefined;
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason };
    if (this.#open !== undefined) this.#open.reject(reason);
    else if (this.#returned && !this.#res.writableFinished) this.#res.destroy(reason as Error);
    this.#open = undefined;
  }
}

function calledTwice(): PorticoError {
  return new PorticoError('PORTICO_NEXT_CALLED_TWICE', {
    message: 'a Connect middleware called next() twice for one request',
    hint: 'Return after calling next().',
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}

/** What such applications read of a request, as their own mounts leave it. */
type Mounted = IncomingMessage & { baseUrl?: string; originalUrl?: string };

/**
 * The app; an Express or Connect application with `req.baseUrl`, `req.originalUrl` and a `req.url` that begins with a slash, as
 * where one of them is mounted in another: it makes redirects and links of them. All others as they are.
 */
export function connectApp(app: App): App {
  if (typeof (app as { handle?: unknown }).handle !== 'function') return app;
  return (req: Mounted, res) => {
    req.originalUrl ??= originalUrl(req);
    req.baseUrl = environ(req).scriptName;
    if (req.url !== undefined && !req.url.startsWith('/')) req.url = `/${req.url}`;
    return app(req, res);
  };
}

/** In canonical spelling; a path that is all of its mount has no slash that its client did not write. */
function originalUrl(req: IncomingMessage): string {
  const target = wholeTarget(req);
  const { originalUrl: received } = environ(req);
  return target.replace(/\/(?=\?|$)/, '') === received ? received : target;
}
