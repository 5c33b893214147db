/**
 * A router's actions in Fastify, which reads their bodies, runs the hooks of plugins and sends their responses.
 *
 * Each action is a Fastify route whose path has no variables. A request that the table has matched is passed under that path, so Fastify's
 * tree does one static lookup; the client's URL is restored before any other hook runs.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, METHODS } from 'node:http';
import type {
  FastifyContentTypeParser,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  HTTPMethods,
  onRequestHookHandler,
} from 'fastify';
import { type App, environ, Fault, type MatchedRoute } from '../../app/index.js';
import {
  asFault,
  createFastify,
  exchangeOf,
  fastifyLog,
  guardPipe,
  levelOf,
  limitBody,
  listenerOf,
  tooLarge,
} from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import type { RangedOptions, Schemas } from '../actions/action.js';
import type { CompiledAction } from '../actions/compiled-action.js';
import { documentedSchema, type JsonSchema, type Schema } from '../actions/schema.js';
import { RouteError } from '../route/route-error.js';
import { type AnsweringRules, callOf, type Fail, refuse } from './action-call.js';
import { brokenResponses } from './broken-responses.js';
import { ACTION, checkPluginRoutes, PluginRoutes, refusedInput, TABLE } from './plugin-routes.js';
import { forAllRoutes, pluginOf } from './plugin-source.js';
import { BodyTypes, incomplete, readJson, refuseEncoding, WITH_BODY, watchMultipart } from './request-body.js';
import { AnswerTypes, unsendable } from './send-answer.js';
import type { Entry, RouterParts, ServedAction } from './served-route.js';

const DEFAULT_BODY_LIMIT = 114_688;

/** Methods whose bodies Fastify handles already. */
const FASTIFY_METHODS: ReadonlySet<string> = new Set([...WITH_BODY, 'GET', 'HEAD', 'CONNECT']);

/** The Fastify instance of one router. */
export class RouterFastify {
  readonly #parts: RouterParts;
  readonly #fastify: FastifyInstance;
  readonly #rules: AnsweringRules;
  /** Logs of routes with their own level. */
  readonly logs = new Map<MatchedRoute, Logger>();
  /** Routes and upgrades of plugins beside the table. */
  readonly own: PluginRoutes;
  /** Largest body of an action without its own limit, in bytes. */
  readonly bodyLimit: number;

  constructor(parts: RouterParts, fail: Fail) {
    this.#parts = parts;
    const log = fastifyLog(parts.log);
    const { options } = parts;
    const { bodyLimit = DEFAULT_BODY_LIMIT, plugins = [], invalidInputStatus } = options;
    this.bodyLimit = bodyLimit;
    const types = new AnswerTypes(options.serializers, options.strictAccept);
    const hasPlugins = plugins.length > 0;
    this.#rules = { types: types.isChoice ? types : null, fail, invalidInputStatus, hasPlugins };
    const schemaController = options.fastify?.schemaController;
    // In place of a package that takes 30 ms to load: the router checks bodies and queries itself, by version.
    const stub = hasPlugins ? {} : { buildValidator: (() => () => () => true) as never };
    this.#fastify = createFastify({
      fastify: {
        ...options.fastify,
        schemaController: { ...schemaController, compilersFactory: { ...schemaController?.compilersFactory, ...stub } },
        bodyLimit,
        // Only plugins read ids; generating one would cost more than the whole lookup.
        genReqId: (req) => environ(req as IncomingMessage).requestId ?? (hasPlugins ? randomUUID() : ''),
      },
      middie: hasPlugins,
      log,
      onRequest: (request, reply, done) => {
        const { raw } = request;
        request.log = log;
        reply.log = log;
        const call = callOf(raw);
        if (call === undefined) {
          this.own.enter(request, reply, done);
          return;
        }
        raw.url = call.url;
        raw.method = call.verb;
        request.params = call.request.params;
        done();
      },
    });
    this.own = new PluginRoutes(this.#fastify, fail, options.auth);
    this.#setUp(this.#fastify);
  }

  /** Runs the action of a matched request. */
  readonly handToFastify: App = (req, res) => {
    if (req.headers['content-encoding'] !== undefined) refuseEncoding(req);
    guardPipe(res, (error) => this.#rules.fail(req, res, error));
    const { entry, url, verb = '' } = callOf(req)!;
    const mark = url.indexOf('?');
    req.url = mark < 0 ? entry.fastifyPath : entry.fastifyPath + url.slice(mark);
    if (!entry.methods.includes(verb)) req.method = entry.methods[0];
    this.#fastify.routing(req, res);
  };

  /** Loads the plugins, then adds the actions; the result closes the instance. */
  async start(served: readonly ServedAction[]): Promise<() => Promise<void>> {
    // All of them before the first is registered: Fastify starts with the next turn.
    const plugins = await Promise.all((this.#parts.options.plugins ?? []).map(pluginOf));
    for (const [plugin, options] of plugins) void this.#fastify.register(forAllRoutes(plugin, options), options);
    // Async: an error thrown by a function with a callback would end the process.
    let routes = this.#fastify;
    const addTable = async (instance: FastifyInstance): Promise<void> => {
      routes = instance;
      this.own.complete();
      for (const action of served) this.#addRoutes(instance, action);
    };
    void this.#fastify.register(addTable, { [TABLE]: true });
    try {
      const listener = await listenerOf(this.#fastify);
      checkPluginRoutes(this.own.routes, this.#parts);
      return () => listener.close();
    } catch (error) {
      throw asBuildError(error, () => brokenResponses(served, routes, this.#parts));
    }
  }

  #setUp(fastify: FastifyInstance): void {
    if (this.#rules.hasPlugins) {
      fastify.addHook('preParsing', (request, reply, _payload, done) => done(this.#bound(request, reply) ?? null));
    }
    for (const method of METHODS) {
      if (FASTIFY_METHODS.has(method)) continue;
      fastify.addHttpMethod(method as HTTPMethods, { hasBody: false, overrideExisting: true } as never);
    }
    const read: FastifyContentTypeParser = (request, payload, done) =>
      readJson(payload, request.routeOptions.bodyLimit ?? this.bodyLimit, (error, body, size) => {
        const call = callOf(request.raw);
        // An outer filter has answered meanwhile, which ends the body: Fastify would warn of a second response.
        if (error !== null && (call?.request ?? exchangeOf(request.raw)).res?.writableEnded === true) return;
        if (call !== undefined) call.received = size;
        done(error, body);
      });
    const types = new BodyTypes(fastify, read);
    fastify.setErrorHandler((error, request, reply) => {
      const { fail, invalidInputStatus } = this.#rules;
      const refused = refusedInput(error, request, invalidInputStatus);
      refuse(reply, refused ?? asRouterError(error, request.raw, types), fail);
    });
  }

  /**
   * Limits the body for parsers of plugins: Fastify limits only the bodies it reads itself, and plugins may read the request in their own
   * way. Returns the refusal of one that is declared too large.
   */
  #bound({ raw: req, routeOptions, server }: FastifyRequest, reply: FastifyReply): Fault | undefined {
    const { raw: res, send } = reply;
    const call = callOf(req);
    // Routes of plugins have their own limits.
    if (call === undefined) return undefined;
    const watched = server.hasContentTypeParser('multipart/form-data') ? watchMultipart(req) : undefined;
    if (watched instanceof Fault) return watched;
    call.lacksEnd = watched;
    const limit = routeOptions.bodyLimit ?? this.bodyLimit;
    const declared = req.headers['content-length'];
    if (declared !== undefined) {
      call.received = Number(declared);
      return call.received > limit ? tooLarge(limit) : undefined;
    }
    if (req.headers['transfer-encoding'] === undefined) return undefined;
    // The same for parsers of plugins: until the action is called, only they can fail.
    reply.send = (...payload) =>
      call.request.fastify === undefined && res.writableEnded ? reply : send.apply(reply, payload);
    limitBody(req, limit, () => {
      const fault = tooLarge(limit);
      call.request.abort(fault);
      if (!res.headersSent) this.#rules.fail(req, res, fault);
      return fault;
    });
    return undefined;
  }

  /** Sets the log level for requests of a route. */
  #logAt(level: string, route: MatchedRoute): onRequestHookHandler {
    const own = this.#parts.log.child({});
    own.level = levelOf(level);
    this.logs.set(route, own);
    const log = fastifyLog(own);
    return (request, reply, done) => {
      request.log = log;
      reply.log = log;
      done();
    };
  }

  #addRoutes(instance: FastifyInstance, action: ServedAction): void {
    for (const { methods, byKey } of action.target === null ? action.named.values() : [action.target]) {
      if (byKey !== null) this.#addRoute(instance, action, byKey);
      // Actions selected by a key are never entered, but their schemas are checked with all others.
      for (const method of [...methods, ...[...(byKey?.actions.values() ?? [])].flat()]) {
        this.#addRoute(instance, action, method);
      }
    }
  }

  #addRoute(
    instance: FastifyInstance,
    { settings, matched }: ServedAction,
    { fastifyPath, methods, bodyLimit, options, response }: Entry & Partial<CompiledAction>,
  ): void {
    // For plugins that generate documents.
    const shown = this.#rules.hasPlugins ? shownSchemas(fastifyPath, methods, options ?? {}) : {};
    const schema = { ...shown, ...(response !== undefined && { response }) };
    // Fastify prepares a compiler of serialisers for each schema, even an empty one.
    const isPlain = Object.keys(schema).length === 0;
    instance.route({
      method: methods as HTTPMethods[],
      url: fastifyPath,
      handler: (request, reply) => callOf(request.raw)!.run(request, reply, this.#rules),
      config: { ...settings.config, route: matched, [ACTION]: true } as never,
      // Overrides a compiler that a plugin has set.
      validatorCompiler: () => () => true,
      ...(bodyLimit !== undefined && { bodyLimit }),
      ...(settings.logLevel !== undefined && { onRequest: this.#logAt(settings.logLevel, matched) }),
      ...(!isPlain && { schema }),
    });
  }
}

/** Returns the part of an action that plugins can read. Schemas by version are only in `openApiDocument`. */
function shownSchemas(
  path: string,
  methods: readonly string[],
  { body, query, summary }: RangedOptions,
): FastifySchema {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const params = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const shown = (schemas: Schemas | undefined): JsonSchema | undefined =>
    schemas === undefined || Array.isArray(schemas) ? undefined : documentedSchema(schemas as Schema, 'input');
  const shownBody = shown(body);
  const shownQuery = shown(query);
  return {
    ...(names.length > 0 && { params: { type: 'object', properties: params, required: names } }),
    // Fastify refuses them for other methods.
    ...(typeof shownBody === 'object' && methods.every((method) => WITH_BODY.has(method)) && { body: shownBody }),
    ...(typeof shownQuery === 'object' && { querystring: shownQuery }),
    ...(summary !== undefined && { summary }),
  };
}

/** Replaces some errors of Fastify by clearer ones; all others have their own status. */
function asRouterError(error: unknown, req: IncomingMessage, types: BodyTypes): unknown {
  const { code, serialization, constructor: made } = Object(error) as Readonly<Record<string, unknown>>;
  const call = callOf(req);
  if (serialization !== undefined && call !== undefined) return unsendable(error);
  // Parsers of forms throw a plain error then.
  if (made === Error && asFault(error).status === 500 && call?.lacksEnd?.() === true) return incomplete(error);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return types.refusal(req);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return new Fault(413, { message: 'The request body is too large.', cause: error });
  return error;
}

/** Fastify finds a response schema that does not compile when it is ready. */
function asBuildError(error: unknown, broken: () => Error | undefined): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === 'FST_ERR_DUPLICATED_ROUTE') {
    return new RouteError('PORTICO_ROUTE_SHADOWED', {
      message: `a plugin and the table have the same route: ${String(message).replace(/\s+/g, ' ')}`,
      hint: 'Remove the route from the table, or move the plugin to another path.',
      cause: error,
    });
  }
  if (code !== 'FST_ERR_SCH_SERIALIZATION_BUILD' && code !== 'FST_ERR_SCH_RESPONSE_SCHEMA_NOT_NESTED_2XX') return error;
  const own = broken();
  if (own !== undefined) return own;
  return new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `a response schema does not compile: ${String(message)}`,
    hint: "The message names the route's template after the method.",
    cause: error,
  });
}
