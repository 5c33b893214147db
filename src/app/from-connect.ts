/**
 * Connect middleware as a Filter, and an application of Connect or Express as an App.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PorticoError, withCode } from '../errors/index.js';
import type { App, Filter } from './app.js';
import { environ } from './exchange.js';
import { wholeTarget } from './request-path.js';

/** Connect's shape: answers, or calls `next` once, with an error if it failed. */
export type ConnectMiddleware = (req: never, res: never, next: (error?: unknown) => void) => unknown;

/** Makes an application of Express: the package's main export. */
export type ExpressFactory = () => {
  use(middleware: ConnectMiddleware): unknown;
  disable(setting: string): unknown;
  handle(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): unknown;
};

/** Options of {@link fromConnect}. */
export interface FromConnectOptions {
  /**
   * For a middleware that uses methods of Express (`res.status`, `res.send`, `req.ip`): it runs in an application that this makes.
   * Default: Node's own request and response.
   */
  readonly express?: ExpressFactory | undefined;
}

/**
 * Turns a Connect middleware into a Filter.
 *
 * `next(error)`, a thrown error and a rejected promise make the app fail with that error. Calling `next` twice is an error:
 * the request fails or, if the response has already started, its connection is destroyed. `next` after the response (of a
 * deadline, for example) does nothing. Error handlers, which have four parameters, are refused with a `TypeError`: outer
 * filters handle errors.
 */
export function fromConnect(middleware: ConnectMiddleware, { express }: FromConnectOptions = {}): Filter {
  if (typeof middleware !== 'function')
    throw withCode(new TypeError('fromConnect needs a function (req, res, next)'), 'PORTICO_CONNECT_MIDDLEWARE');
  if (middleware.length > 3) {
    throw withCode(
      new TypeError('fromConnect cannot mount an error handler (err, req, res, next): use catch_errors instead'),
      'PORTICO_CONNECT_MIDDLEWARE',
    );
  }
  const used = express === undefined ? middleware : withinExpress(middleware, express);
  return (app) => (req, res) => {
    // Packages made for Express look here for the path before anything was cut off it, and some judge by it.
    (req as IncomingMessage & { originalUrl?: string }).originalUrl ??= wholeTarget(req);
    return pass(used, app, req, res);
  };
}

/** The middleware in an application of Express, which gives the request and the response its methods. */
function withinExpress(middleware: ConnectMiddleware, express: ExpressFactory): ConnectMiddleware {
  const application = express();
  application.disable('x-powered-by');
  application.use(middleware);
  return (req: Mounted, res: ServerResponse, next: (error?: unknown) => void) => {
    req.baseUrl = environ(req).scriptName;
    application.handle(req, res, next);
  };
}

/** A method that Express adds, in the words of V8 for a call of what is not there. */
const EXPRESS_METHOD =
  /\b(?:req|res|request|response)\.(?:append|attachment|cookie|clearCookie|download|format|get|header|json|jsonp|links|location|redirect|render|send|sendFile|sendStatus|set|status|type|vary|accepts|is) is not a function/;

/** The error, or what to do about a method of Express that is not there. */
function withWay(error: unknown): unknown {
  if (!(error instanceof TypeError) || !EXPRESS_METHOD.test(error.message)) return error;
  return new PorticoError('PORTICO_CONNECT_EXPRESS', {
    message: `a middleware uses a method of Express: ${error.message}`,
    hint: 'Write express = true in its section (fromConnect(middleware, { express }) in code), and install the package express.',
    cause: error,
  });
}

/** Takes one request through a middleware. */
function pass(
  middleware: ConnectMiddleware,
  app: App,
  req: IncomingMessage,
  res: ServerResponse,
): void | Promise<void> {
  let called = false as boolean;
  let returned = false;
  /** Result of the inner app. */
  let result = undefined as void | Promise<void>;
  let failure = undefined as { readonly reason: unknown } | undefined;
  /** The promise that was returned, while it can still tell a failure. */
  let open = undefined as { resolve(value?: void | Promise<void>): void; reject(reason: unknown): void } | undefined;

  const settle = (value?: void | Promise<void>): void => {
    open?.resolve(value);
    open = undefined;
  };
  const fail = (thrown: unknown): void => {
    const reason = withWay(thrown);
    failure ??= { reason };
    if (open !== undefined) open.reject(reason);
    else if (returned && !res.writableFinished) res.destroy(reason as Error);
    open = undefined;
  };
  const run = (): void => {
    try {
      result = app(req, res);
      settle(result);
    } catch (thrown) {
      // The app's throw is not for the middleware to catch.
      fail(thrown);
    }
  };
  const next = (error: unknown): void => {
    const isFirst = !called;
    called = true;
    const tooLate = returned && open === undefined;
    if (!isFirst) fail(calledTwice());
    else if (tooLate || res.writableEnded || res.destroyed) settle();
    else if (error !== undefined && error !== null) fail(error);
    else run();
  };

  const start = (): unknown => {
    try {
      return middleware(req as never, res as never, next);
    } catch (thrown) {
      throw withWay(thrown);
    }
  };
  const pending = start();
  returned = true;
  if (failure !== undefined) throw failure.reason;
  const isAsync = isThenable(pending);
  if (called && !isAsync) return result;
  return new Promise((resolve, reject) => {
    open = { resolve, reject };
    // An async middleware can fail after its next(); both promises count.
    if (called) Promise.all([pending, result]).then(() => settle(), fail);
    else {
      if (isAsync) pending.then(undefined, fail);
      // It may answer by itself, and then does not call next.
      res.once('close', () => settle());
    }
  });
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

/** Members of a request that such applications read, as their own mounts leave it. */
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
