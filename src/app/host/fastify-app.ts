/**
 * Fastify as an App. All Fastify instances are created here.
 *
 * A leaf is a Fastify instance behind Portico's server: its `routing` listener is the App. Errors are passed out instead of being sent
 * in Fastify's format, so that outer filters see one kind of failure.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyPluginCallback,
  FastifyReply,
  FastifyServerOptions,
  onRequestHookHandler,
} from 'fastify';
import type { LogFields, LogOption } from '../../log/index.js';
import { checkedLog } from '../../log/internal.js';
import type { App, ClosableApp } from '../app.js';
import { environ } from '../exchange.js';
import { asFault, Fault } from '../fault.js';
import { answerFailure } from '../faults/failed-request.js';
import { usableHeaders } from '../header-fields.js';
import { factoryLog, noteMade } from '../held-apps.js';
import { rootedUrl } from '../request-path.js';
import { watchPipe } from '../response/response-body.js';
import { buildSerializer } from '../response/response-compiler.js';
import { isUpgraded, returnUpgrade, takeUpgrade, type UpgradedConnection } from '../server-state.js';
import { appSettled, slotOf } from '../slot.js';
import { fastifyLog } from './fastify-log.js';

/** Options of a Fastify instance. */
export interface CreateFastifyOptions {
  /** Fastify's own server options; they override Portico's defaults. */
  readonly fastify?: FastifyServerOptions;
  /** Whether to add `instance.use(middleware)` of `@fastify/middie`. Default: true. False is faster for an instance without middleware. */
  readonly middie?: boolean;
  /** The first `onRequest` hook, before the hooks of middie and of plugins. */
  readonly onRequest?: onRequestHookHandler;
  /** The log behind `fastify.log`; the first hook has to set `request.log`. Default: Fastify's own, off unless `fastify` sets it. */
  readonly log?: FastifyBaseLogger;
}

/**
 * Creates a Fastify instance for use behind Portico's server: by default without a logger, request ids from headers, automatic HEAD
 * routes and a 503 while closing.
 *
 * Fastify is loaded with the first instance: that takes about 95 ms of CPU time, and the parent process of the workers, which serves no
 * requests, never creates one.
 */
export function createFastify(options: CreateFastifyOptions = {}): FastifyInstance {
  const { fastify, LogController } = require('fastify') as typeof import('fastify');
  const { schemaController } = options.fastify ?? {};
  // The request_log filter logs requests.
  const logging = options.log === undefined ? options.fastify : { ...options.fastify, disableRequestLogging: true };
  const instance = fastify({
    exposeHeadRoutes: false,
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: (req) => environ(req as IncomingMessage).requestId ?? randomUUID(),
    logController: new (streamErrorsKept(LogController))(logging),
    ...options.fastify,
    schemaController: {
      ...schemaController,
      compilersFactory: { buildSerializer, ...schemaController?.compilersFactory },
    },
  });
  // Not as `loggerInstance`: Fastify would create a child logger for each request.
  if (options.log !== undefined) Object.assign(instance, { log: options.log });
  whenReady.set(instance, keepOnListen(instance));
  if (options.onRequest !== undefined) instance.addHook('onRequest', options.onRequest);
  if (options.middie !== false) void instance.register(require('@fastify/middie') as FastifyPluginCallback);
  return instance;
}

const require = createRequire(import.meta.url);

/** Destroys the response with a stream's error after the headers, for Portico's log: Fastify only logs it and ends the connection. */
function streamErrorsKept(LogController: typeof import('fastify').LogController): typeof LogController {
  return class extends LogController {
    override streamError(...args: Parameters<InstanceType<typeof LogController>['streamError']>): void {
      super.streamError(...args);
      const [error, , { raw }] = args;
      // Already destroyed if the client disconnected.
      if (!raw.destroyed) raw.destroy(error ?? new Error('the stream of a response failed'));
    }
  };
}

/**
 * Returns the instance as an App after all its plugins are loaded, because Fastify routes no requests earlier. Rejects with the error of
 * a plugin that failed to load. Call `close` when no request is in flight.
 */
export async function listenerOf(instance: FastifyInstance): Promise<ClosableApp> {
  await readied(instance);
  const listener = (req: IncomingMessage, res: ServerResponse): void => instance.routing(req, res);
  return Object.assign(listener, { close: () => instance.close() });
}

/** Work for an instance after its plugins are loaded. */
const whenReady = new WeakMap<FastifyInstance, () => void>();

async function readied(instance: FastifyInstance): Promise<void> {
  await instance.ready();
  whenReady.get(instance)?.();
}

/**
 * Returns a function that runs the `onListen` hooks of an instance: Fastify runs them only in `listen`, which is never called, and does not
 * expose them. Errors of these hooks are logged, as in Fastify.
 */
function keepOnListen(instance: FastifyInstance): () => void {
  const hooks: (() => Promise<unknown>)[] = [];
  const add = instance.addHook as (...args: unknown[]) => FastifyInstance;
  const addHook = function (
    this: FastifyInstance,
    name: string,
    hook: (...args: unknown[]) => unknown,
  ): FastifyInstance {
    if (name === 'onListen' && typeof hook === 'function') {
      hooks.push(hook.length > 0 ? promisify(hook.bind(this)) : async () => hook.call(this));
    }
    return Reflect.apply(add, this, [name, hook]);
  };
  Object.assign(instance, { addHook });
  return () => {
    for (const run of hooks) void run().catch((error: unknown) => instance.log.error(error));
  };
}

/** A Fastify plugin, with a callback or async. */
export type LeafPlugin = (
  fastify: FastifyInstance,
  options: Record<string, unknown>,
  done: (error?: Error) => void,
) => void | Promise<void>;

/** Options of {@link fastifyApp}. */
export interface FastifyAppOptions extends Omit<CreateFastifyOptions, 'log'> {
  /**
   * The log behind `fastify.log` and `request.log`. Default: the log of the factory that creates the app. `logger` and `loggerInstance`
   * in `fastify` take precedence.
   */
  readonly log?: LogOption;
  /** Options passed to the plugin. */
  readonly pluginOptions?: Record<string, unknown>;
}

/**
 * Turns a Fastify plugin into an App. Its routes, schemas, hooks and Connect middleware work as in Fastify.
 *
 * Errors that the plugin does not handle make the App fail with the same error, including Fastify's own errors (validation, body too
 * large, unknown content type, a path parameter over `maxParamLength`), whose `statusCode` is then the status of the response. If the
 * plugin has called `reply.code` with a status of 400 or above, the App fails with that status, and the error is the cause. An unknown
 * route makes it fail with a `Fault` 404, unless the plugin calls `setNotFoundHandler`. The loader closes the app if a paste factory
 * returns it.
 */
export async function fastifyApp(plugin: LeafPlugin, options: FastifyAppOptions = {}): Promise<ClosableApp> {
  const { logger, loggerInstance } = options.fastify ?? {};
  const isOwn = logger !== undefined || loggerInstance !== undefined;
  const upgradeLog = checkedLog('PORTICO_INVALID_OPTION', 'fastifyApp', options.log) ?? factoryLog('fastify');
  const log = isOwn ? undefined : fastifyLog(upgradeLog);
  const { log: _log, ...rest } = options;
  const fastify: FastifyServerOptions = {
    frameworkErrors: (error, _request, reply) => fail(reply, error),
    ...options.fastify,
  };
  const instance = createFastify({ ...rest, fastify, ...(log !== undefined && { log }) });
  instance.addHook('onRequest', (request, reply, done) => {
    if (log !== undefined) {
      request.log = log;
      reply.log = log;
    }
    // A body that ends early because an outer filter has responded. Later errors, of the handler, pass.
    if (request.headers['transfer-encoding'] !== undefined)
      dropLate(reply, (payload) => payload instanceof Error && request.body === undefined);
    const known = passed.get(request.raw);
    if (known !== undefined) known.reply = reply;
    done();
  });
  const passed = new WeakMap<IncomingMessage, Passed>();
  const fail = (reply: FastifyReply, error: unknown): void => {
    keepHeaders(reply);
    reply.hijack();
    const { raw: req } = reply.request;
    if (isUpgraded(req)) {
      endUpgrade(req, reply.raw);
      // For outer filters the response is complete, with status 101.
      answerFailure(error, req, reply.raw, { log: upgradeLog, message: 'an upgrade failed', facts: upgradeFacts });
    } else passed.get(req)?.fail(error);
  };
  instance.setErrorHandler((error, { raw: req }, reply) =>
    fail(reply, withStatusOf(reply, error, passed.get(req)?.status)),
  );
  const notFound = watchNotFound(instance);
  void instance.register(plugin as FastifyPluginCallback, options.pluginOptions ?? {});
  void instance.after(() => {
    if (!notFound.forAll) instance.setNotFoundHandler((_request, reply) => fail(reply, new Fault(404)));
  });
  await readied(instance);
  const app: App = (req, res) =>
    new Promise<void>((resolve, reject) => {
      const known: Passed = { status: res.statusCode, fail: reject, reply: undefined };
      passed.set(req, known);
      watchPipe(res, reject);
      const slot = slotOf(req);
      slot.settledBy = 'response';
      res.once('close', () => {
        resolve();
        // Its handler may go on.
        if (slot.poolSlot === 'alone' && known.reply !== undefined)
          dropLate(known.reply, () => {
            appSettled(slot);
            return true;
          });
      });
      rootedUrl(req);
      handTo(instance, req, res);
    });
  return noteMade(Object.assign(app, { close: () => instance.close() }));
}

/** A request that was passed to a plugin. */
interface Passed {
  /** The status of its response at that time. */
  readonly status: number;
  fail(error: unknown): void;
  reply: FastifyReply | undefined;
}

/** Drops what is sent after another response and `isDropped` accepts: Fastify would warn of it. */
function dropLate(reply: FastifyReply, isDropped: (payload: unknown) => boolean): void {
  const { raw: res, send } = reply;
  reply.send = (payload) => (isDropped(payload) && res.writableEnded ? reply : send.call(reply, payload));
}

/**
 * Returns the error with the status that the plugin has set before (`reply.code(404).send(error)`), because it takes precedence in Fastify.
 * The error itself may be shared by requests, so it becomes the cause of another one. `before`: the status that the plugin has received.
 */
function withStatusOf({ statusCode }: FastifyReply, error: unknown, before: number | undefined): unknown {
  if (statusCode < 400 || statusCode === before || error instanceof Fault) return error;
  if (asFault(error).status === statusCode) return error;
  const { message, headers, expose } = Object(error) as { message?: unknown; headers?: unknown; expose?: unknown };
  const text = typeof message === 'string' ? message : undefined;
  return Object.assign(new Error(text, { cause: error }), { statusCode, headers, expose });
}

const upgradeFacts = (req: IncomingMessage): LogFields => ({ method: req.method, request_id: environ(req).requestId });

/**
 * Passes a request to an instance. If a plugin listens for `upgrade` on `fastify.server`, as on Fastify's own server, it gets the
 * connection of a request with `Upgrade`.
 */
export function handTo(instance: FastifyInstance, req: IncomingMessage, res: ServerResponse): void {
  const taken =
    req.headers.upgrade !== undefined && instance.server.listenerCount('upgrade') > 0 ? takeUpgrade(req) : undefined;
  if (taken === undefined) {
    instance.routing(req, res);
    return;
  }
  if (req.headers.upgrade?.toLowerCase() === 'websocket') sayGoodbye(taken);
  instance.server.emit('upgrade', req, taken.socket, taken.head);
}

/**
 * Sends a close frame to a WebSocket client when the server drains or replaces its app, because the plugin is not notified. A control
 * frame may come between any two frames (RFC 6455 §5.4), and the client's reply closes the session for the plugin as well.
 */
function sayGoodbye({ socket, closing }: UpgradedConnection): void {
  const { bytesWritten: before } = socket as Socket;
  const close = (): void => {
    // Nothing sent: the handshake is not complete.
    if (socket.writable && (socket as Socket).bytesWritten > before) socket.write(GOING_AWAY);
  };
  closing.addEventListener('abort', close);
  socket.once('close', () => closing.removeEventListener('abort', close));
}

/** A close frame with code 1001 (RFC 6455 §5.5.1 and §7.4.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

/**
 * Makes a failure before the protocol switch respond like any other, on the response that the plugin has created for the connection.
 * The connection closes after it.
 */
export function endUpgrade(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  res.once('finish', () => socket.destroySoon());
  res.shouldKeepAlive = false;
  returnUpgrade(req);
}

/** Copies the headers of Fastify's reply to the response, so that headers of plugins stay in an error response. */
export function keepHeaders(reply: FastifyReply): void {
  const { raw: res } = reply;
  if (res.headersSent) return;
  for (const [name, value] of usableHeaders(reply.getHeaders())) {
    // Keeps the spelling of existing names.
    if (res.getHeader(name) !== value) res.setHeader(name, value);
  }
}

// The not-found handlers that plugins set on a Fastify instance.

/** The hooks of a handler for unknown paths, as `setNotFoundHandler` takes them. */
export interface NotFoundHooks {
  readonly onRequest?: unknown;
  readonly preHandler?: unknown;
}

/** The handlers that have been set so far. */
export interface NotFoundHandlers {
  /** True if there is one, for all paths or those below a prefix. */
  readonly any: boolean;
  /** True if there is one for all paths: Fastify refuses a second one. */
  readonly forAll: boolean;
  /** The prefixes of the others. */
  readonly prefixes: readonly string[];
}

/** Watches `setNotFoundHandler` of an instance and of its plugins. The hooks of each handler are set as `around` returns them. */
export function watchNotFound(
  instance: FastifyInstance,
  around: (hooks: NotFoundHooks) => NotFoundHooks = (hooks) => hooks,
): NotFoundHandlers {
  const set = instance.setNotFoundHandler as (hooks: NotFoundHooks, handler: unknown) => FastifyInstance;
  const handlers = { any: false, forAll: false, prefixes: [] as string[] };
  const setNotFoundHandler = function (this: FastifyInstance, first: unknown, second: unknown): FastifyInstance {
    handlers.any = true;
    // Below a prefix, a handler is for the paths there.
    if (this.prefix === '' || this.prefix === '/') handlers.forAll = true;
    else handlers.prefixes.push(this.prefix);
    const [hooks, handler] = typeof first === 'function' ? [{}, first] : [first ?? {}, second];
    return set.call(this, around(hooks), handler);
  };
  Object.assign(instance, { setNotFoundHandler });
  return handlers;
}
