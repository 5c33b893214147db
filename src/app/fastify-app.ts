/**
 * Fastify as an App: the one place where its instances are made.
 *
 * A leaf is a Fastify instance behind our own server: its `routing` listener is the App. An error inside is not
 * answered in Fastify's format but handed out, so that the filters around it see one kind of failure.
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
import type { LogFields, Logger } from '../log/index.js';
import type { App, ClosableApp } from './app.js';
import { environ } from './exchange.js';
import { factoryLog } from './factory-log.js';
import { answerFailure } from './failure.js';
import { fastifyLog } from './fastify-log.js';
import { Fault } from './fault.js';
import { usableHeaders } from './headers.js';
import { noteMade } from './held-apps.js';
import { notePathWriters, warnBelowMount } from './mounted-plugins.js';
import { guardPipe } from './response-body.js';
import { isUpgraded, returnUpgrade, takeUpgrade, type UpgradedConnection } from './server-state.js';

/** Options of a Fastify instance. */
export interface CreateFastifyOptions {
  /** Fastify's own server options, over Portico's defaults. */
  readonly fastify?: FastifyServerOptions;
  /** Gives it `instance.use(middleware)` of `@fastify/middie`. Default: true. For an instance without plugins it only costs. */
  readonly middie?: boolean;
  /** The first `onRequest` hook, before those of middie and of plugins. */
  readonly onRequest?: onRequestHookHandler;
  /** Log behind `fastify.log`; `request.log` is for the first hook to set. Default: none. */
  readonly log?: FastifyBaseLogger;
}

/**
 * A Fastify instance for use behind Portico's server: no logger and no request ids of its own, no HEAD routes by
 * itself, no 503 of its own while it closes.
 *
 * Fastify is loaded when the first instance is made: it takes some 95 ms of a processor, and the parent of a fleet, which
 * serves nothing, never makes one. Compiling serialisers takes as long again, and most services have no response schema.
 */
export function createFastify(options: CreateFastifyOptions = {}): FastifyInstance {
  const { fastify, LogController } = require('fastify') as typeof import('fastify');
  const { schemaController } = options.fastify ?? {};
  // Requests have their lines from request_log.
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
  // Not as `loggerInstance`: Fastify would make a child of it for each request.
  if (options.log !== undefined) Object.assign(instance, { log: options.log });
  keepOnListen(instance);
  notePathWriters(instance);
  if (options.onRequest !== undefined) instance.addHook('onRequest', options.onRequest);
  if (options.middie !== false) void instance.register(require('@fastify/middie') as FastifyPluginCallback);
  return instance;
}

const require = createRequire(import.meta.url);

/** Fastify's own compiler of serialisers, loaded when a response schema asks for it. */
const buildSerializer: BuildSerializer = (...args) => {
  const { SerializerSelector } = require('@fastify/fast-json-stringify-compiler') as {
    SerializerSelector: () => BuildSerializer;
  };
  return SerializerSelector()(...args);
};

type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;
type BuildSerializer = NonNullable<CompilersFactory['buildSerializer']>;

/** Fastify only logs what a stream fails with behind the head, and then ends the connection: here with that error, for our log. */
function streamErrorsKept(LogController: typeof import('fastify').LogController): typeof LogController {
  return class extends LogController {
    override streamError(...args: Parameters<InstanceType<typeof LogController>['streamError']>): void {
      super.streamError(...args);
      const [error, , { raw }] = args;
      // It is destroyed already where its client has left.
      if (!raw.destroyed) raw.destroy(error ?? new Error('the stream of a response failed'));
    }
  };
}

/**
 * The instance as an App, once all its plugins are loaded: Fastify refuses to route before. Rejects with the error of
 * a plugin that failed to load. Close it last, when no request is under way.
 */
export async function listenerOf(instance: FastifyInstance): Promise<ClosableApp> {
  await readied(instance);
  const listener = (req: IncomingMessage, res: ServerResponse): void => instance.routing(req, res);
  return Object.assign(listener, { close: () => instance.close() });
}

/** Loads the plugins, then runs the hooks `onListen`, for there is no `listen`: what such a hook fails with is logged, as Fastify does it. */
async function readied(instance: FastifyInstance): Promise<void> {
  await instance.ready();
  warnBelowMount(instance);
  for (const run of listenHooks.get(instance) ?? []) {
    void run().catch((error: unknown) => instance.log.error(error));
  }
}

/** The hooks `onListen` of an instance. Fastify runs them in its `listen` alone, and does not show them. */
const listenHooks = new WeakMap<FastifyInstance, (() => Promise<unknown>)[]>();

function keepOnListen(instance: FastifyInstance): void {
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
  listenHooks.set(instance, hooks);
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
   * Log behind `fastify.log` and `request.log`. Default: the log of the factory that makes the app, or the one that `fastify` has as
   * `logger` or `loggerInstance`.
   */
  readonly log?: Logger;
  /** Handed to the plugin. */
  readonly pluginOptions?: Record<string, unknown>;
}

/**
 * Turns a Fastify plugin into an App. Its routes, schemas, hooks and Connect middleware work as in Fastify.
 *
 * Errors that the plugin does not handle make the App fail: a `Fault` unchanged; Fastify's own errors (validation, body
 * too large, unknown content type) and an unknown route as a `Fault` with that status; any other error unchanged.
 * The loader closes it where a paste factory returns it.
 */
export async function fastifyApp(plugin: LeafPlugin, options: FastifyAppOptions = {}): Promise<ClosableApp> {
  const { logger, loggerInstance } = options.fastify ?? {};
  const isOwn = logger !== undefined || loggerInstance !== undefined;
  const upgradeLog = options.log ?? factoryLog('fastify');
  const log = isOwn ? undefined : fastifyLog(upgradeLog);
  const { log: _log, ...rest } = options;
  const instance = createFastify({ ...rest, ...(log !== undefined && { log }) });
  if (log !== undefined) {
    instance.addHook('onRequest', (request, reply, done) => {
      request.log = log;
      reply.log = log;
      done();
    });
  }
  const failures = new WeakMap<IncomingMessage, (error: unknown) => void>();
  const fail = (reply: FastifyReply, error: unknown): void => {
    keepHeaders(reply);
    reply.hijack();
    const { raw: req } = reply.request;
    if (isUpgraded(req)) {
      endUpgrade(reply);
      // For what is around the app the request is answered, with 101.
      answerFailure(error, req, reply.raw, { log: upgradeLog, message: 'an upgrade failed', facts: upgradeFacts });
    } else failures.get(req)?.(error);
  };
  instance.setErrorHandler((error, _request, reply) => fail(reply, error));
  instance.setNotFoundHandler((_request, reply) => fail(reply, new Fault(404)));
  void instance.register(plugin as FastifyPluginCallback, options.pluginOptions ?? {});
  await readied(instance);
  const app: App = (req, res) =>
    new Promise<void>((resolve, reject) => {
      failures.set(req, reject);
      guardPipe(res, reject);
      res.once('close', resolve);
      handTo(instance, req, res);
    });
  return noteMade(Object.assign(app, { close: () => instance.close() }));
}

const upgradeFacts = (req: IncomingMessage): LogFields => ({ method: req.method, request_id: environ(req).requestId });

/**
 * Hands a request to an instance. If plugins of it listen to `upgrade` of `fastify.server`, as on a server of Fastify's own, those
 * are given the connection of a request with `Upgrade`.
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
 * Ends a WebSocket session politely when the server drains, in the place of the plugin, which knows of no drain: a control frame may
 * be between any of its frames (RFC 6455 §5.4), and is answered with one that ends the session for the plugin as well.
 */
function sayGoodbye({ socket, closing }: UpgradedConnection): void {
  const { bytesWritten: before } = socket as Socket;
  const close = (): void => {
    // Nothing was sent: it is no session yet.
    if (socket.writable && (socket as Socket).bytesWritten > before) socket.write(GOING_AWAY);
  };
  closing.addEventListener('abort', close);
  socket.once('close', () => closing.removeEventListener('abort', close));
}

/** A frame that closes, with the code 1001 (RFC 6455 §5.5.1 and §7.4.1). */
const GOING_AWAY = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

/**
 * Has a failure before a plugin has taken the protocol be answered as any other, on the response that the plugin has made for the
 * connection, which ends with it.
 */
export function endUpgrade({ raw: res, request: { raw: req } }: FastifyReply): void {
  const { socket } = req;
  res.once('finish', () => socket.destroySoon());
  res.shouldKeepAlive = false;
  returnUpgrade(req);
}

/** Sets on the response what was set on Fastify's reply: where a failure is answered, headers of plugins stay. */
export function keepHeaders(reply: FastifyReply): void {
  const { raw: res } = reply;
  if (res.headersSent) return;
  for (const [name, value] of usableHeaders(reply.getHeaders())) {
    // Those that are there keep their spelling.
    if (res.getHeader(name) !== value) res.setHeader(name, value);
  }
}
