/** Connect middleware as a Filter, and a Connect or Express application as an App. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PorticoError, withCode } from '../../errors/index.js';
import { type App, type Filter, isThenable } from '../app.js';
import { environ } from '../exchange.js';
import { forgetFields } from '../request-fields.js';
import { rootedUrl, wholeTarget } from '../request-path.js';

/** A Connect middleware: it responds, or calls `next` once, with an error if it failed. */
export type ConnectMiddleware = (req: never, res: never, next: (error?: unknown) => void) => unknown;

/** Creates an Express application: the main export of the package. */
export type ExpressFactory = () => {
  use(middleware: ConnectMiddleware): unknown;
  disable(setting: string): unknown;
  handle(req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): unknown;
};

/** Options of {@link fromConnect}. */
export interface FromConnectOptions {
  /**
   * Express, for a middleware that uses its methods (`res.status`, `res.send`, `req.ip`): the middleware then runs in an Express
   * application. Default: Node's own request and response.
   */
  readonly express?: ExpressFactory | undefined;
}

/**
 * Turns a Connect middleware into a Filter.
 *
 * `next(error)`, a thrown error and a rejected promise make the app fail with that error. Calling `next` twice is an error: the request
 * fails or, if the response has already started, its connection is destroyed. `next` after the response (for example of a deadline) does
 * nothing. Error handlers, which have four parameters, are refused with a `TypeError`: outer filters handle errors.
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
    forgetFields(req);
    // Packages for Express read the whole path before mounts here, and some make decisions by it.
    (req as IncomingMessage & { originalUrl?: string }).originalUrl ??= wholeTarget(req);
    return pass(used, app, req, res);
  };
}

/** Wraps the middleware in an Express application, which adds its methods to the request and response. */
function withinExpress(middleware: ConnectMiddleware, express: ExpressFactory): ConnectMiddleware {
  const application = express();
  application.disable('x-powered-by');
  application.use(middleware);
  return (req: Mounted, res: ServerResponse, next: (error?: unknown) => void) => {
    req.baseUrl = environ(req).scriptName;
    application.handle(req, res, next);
  };
}

/** V8's message for a call of a missing method, for the methods that Express adds. */
const EXPRESS_METHOD =
  /\b(?:req|res|request|response)\.(?:append|attachment|cookie|clearCookie|download|format|get|header|json|jsonp|links|location|redirect|render|send|sendFile|sendStatus|set|status|type|vary|accepts|is) is not a function/;

/** Returns the error, or an error with a remedy if a method of Express is missing. */
function withWay(error: unknown): unknown {
  if (!(error instanceof TypeError) || !EXPRESS_METHOD.test(error.message)) return error;
  return new PorticoError('PORTICO_CONNECT_EXPRESS', {
    message: `a middleware uses a method of Express: ${error.message}`,
    hint: 'Write express = true in its section (fromConnect(middleware, { express }) in code), and install the package express.',
    cause: error,
  });
}

/** Passes one request through a middleware. */
function pass(
  middleware: ConnectMiddleware,
  app: App,
  req: IncomingMessage,
  res: ServerResponse,
): void | Promise<void> {
  let called = false as boolean;
  let returned = false;
  /** The result of the inner app. */
  let result = undefined as void | Promise<void>;
  let failure = undefined as { readonly reason: unknown } | undefined;
  /** The returned promise, while it can still report a failure. */
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
      // The middleware must not catch an error of the app.
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
    // An async middleware can fail after its next(), so both promises count.
    if (called) Promise.all([pending, result]).then(() => settle(), fail);
    else {
      if (isAsync) pending.then(undefined, fail);
      // A middleware that responds itself does not call next.
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

/** Properties of a request that such applications read, as their own mounts set them. */
type Mounted = IncomingMessage & { baseUrl?: string; originalUrl?: string };

/**
 * Returns a Connect or Express application with `req.baseUrl`, `req.originalUrl` and a `req.url` that starts with a slash, as if mounted
 * in another application of its kind: it uses them for redirects and links. Any other app is returned unchanged.
 */
export function connectApp(app: App): App {
  if (typeof (app as { handle?: unknown }).handle !== 'function') return app;
  return (req: Mounted, res) => {
    forgetFields(req);
    req.originalUrl ??= originalUrl(req);
    req.baseUrl = environ(req).scriptName;
    rootedUrl(req);
    return app(req, res);
  };
}

/** Returns the canonical spelling; a path equal to its mount has no slash that the client did not send. */
function originalUrl(req: IncomingMessage): string {
  const target = wholeTarget(req);
  const { originalUrl: received } = environ(req);
  return target.replace(/\/(?=\?|$)/, '') === received ? received : target;
}
