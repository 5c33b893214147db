/**
 * Fastify as an App: the one place where its instances are made.
 *
 * A leaf is a Fastify instance behind our own server: its `routing` listener is the App. What goes wrong inside is not
 * answered in Fastify's format but handed out, so that the filters around it see one kind of failure.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { FastifyInstance, FastifyPluginCallback, FastifyServerOptions, onRequestHookHandler } from 'fastify';
import type { App } from './app.js';
import { environ } from './exchange.js';
import { Fault } from './fault.js';
import { guardPipe } from './response-body.js';

/** An App that holds something until it is closed. */
export interface ClosableApp extends App {
  /** Releases it; requests must have ended. Safe to call twice. */
  close(): Promise<void>;
}

/** How {@link createFastify} makes an instance. */
export interface CreateFastifyOptions {
  /** Fastify's own server options, over Portico's defaults. */
  readonly fastify?: FastifyServerOptions;
  /** Gives it `instance.use(middleware)` of `@fastify/middie`. Default: true. For an instance without plugins it only costs. */
  readonly middie?: boolean;
  /** The first `onRequest` hook, before those of middie and of plugins. */
  readonly onRequest?: onRequestHookHandler;
}

/**
 * A Fastify instance for use behind Portico's server: no logger and no request ids of its own, no HEAD routes by
 * itself, no 503 of its own while it closes.
 *
 * Fastify is loaded when the first instance is made: it takes some 95 ms of a processor, and the parent of a fleet, which
 * serves nothing, never makes one. What compiles serialisers takes as long again, and most services have no response schema.
 */
export function createFastify(options: CreateFastifyOptions = {}): FastifyInstance {
  const { fastify, LogController } = require('fastify') as typeof import('fastify');
  const { schemaController } = options.fastify ?? {};
  const instance = fastify({
    exposeHeadRoutes: false,
    return503OnClosing: false,
    requestIdHeader: false,
    genReqId: (req) => environ(req as IncomingMessage).requestId ?? randomUUID(),
    logController: new (streamErrorsKept(LogController))(options.fastify),
    ...options.fastify,
    schemaController: {
      ...schemaController,
      compilersFactory: { buildSerializer, ...schemaController?.compilersFactory },
    },
  });
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
      if (!raw.destroyed) raw.destroy(error ?? new Error('the stream of an answer failed'));
    }
  };
}

/**
 * The instance as an App, once all its plugins are loaded: Fastify refuses to route before. Rejects with the error of
 * a plugin that failed to load. Close it last, when no request is under way.
 */
export async function listenerOf(instance: FastifyInstance): Promise<ClosableApp> {
  await instance.ready();
  const listener = (req: IncomingMessage, res: ServerResponse): void => instance.routing(req, res);
  return Object.assign(listener, { close: () => instance.close() });
}

/** A Fastify plugin, with a callback or async. */
export type LeafPlugin = (
  fastify: FastifyInstance,
  options: Record<string, unknown>,
  done: (error?: Error) => void,
) => void | Promise<void>;

/** What {@link fastifyApp} takes besides the plugin. */
export interface FastifyAppOptions extends CreateFastifyOptions {
  /** Handed to the plugin. */
  readonly pluginOptions?: Record<string, unknown>;
}

/**
 * A Fastify plugin as an App: routes, schemas, hooks and Connect middleware work in it as their authors meant.
 *
 * Errors that no error handler of the plugin answers make the App fail: a `Fault` as it is, Fastify's own refusals
 * (validation, body too large, unknown content type) and an unknown route as the `Fault` of that status, any other
 * error as itself. In a paste factory, `ctx.onClose(() => app.close())` releases it.
 */
export async function fastifyApp(plugin: LeafPlugin, options: FastifyAppOptions = {}): Promise<ClosableApp> {
  const instance = createFastify(options);
  const failures = new WeakMap<IncomingMessage, (error: unknown) => void>();
  instance.setErrorHandler((error, request, reply) => {
    reply.hijack();
    failures.get(request.raw)?.(asPipelineError(error));
  });
  instance.setNotFoundHandler((request, reply) => {
    reply.hijack();
    failures.get(request.raw)?.(new Fault(404));
  });
  void instance.register(plugin as FastifyPluginCallback, options.pluginOptions ?? {});
  const listener = await listenerOf(instance);
  const app: App = (req, res) =>
    new Promise<void>((resolve, reject) => {
      failures.set(req, reject);
      guardPipe(res, reject);
      res.once('close', resolve);
      void listener(req, res);
    });
  return Object.assign(app, { close: () => instance.close() });
}

/** Fastify marks what the client did wrong with a status below 500; those messages are written for clients. */
function asPipelineError(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return error;
  return new Fault(statusCode, { message: error.message, cause: error });
}
