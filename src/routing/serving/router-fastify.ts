/**
 * The actions of a router with plugins, or with options of Fastify: Fastify reads their bodies, runs the hooks of plugins and sends their
 * responses.
 *
 * Each action is a Fastify route whose path has no variables. A request that the table has matched is passed under that path, so Fastify's
 * tree does one static lookup; the client's URL is restored before any other hook runs.
 */
import { randomUUID } from 'node:crypto';
import { type IncomingMessage, METHODS, type OutgoingHttpHeader, type ServerResponse } from 'node:http';
import type {
  FastifyContentTypeParser,
  FastifyInstance,
  FastifyPluginAsync,
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  FastifySchema,
  HTTPMethods,
  onRequestHookHandler,
} from 'fastify';
import { environ, Fault, type MatchedRoute } from '../../app/index.js';
import {
  bodyLengthOf,
  createFastify,
  exchangeOf,
  fastifyLog,
  limitBody,
  listenerOf,
  tooLarge,
} from '../../app/internal.js';
import { PorticoError, whatItIs } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ActionOptions } from '../actions/action.js';
import { ANSWERED, FASTIFY, REPLY } from '../actions/action-request.js';
import { isSince, type Schemas } from '../actions/by-version.js';
import { type CompiledAction, responseKey } from '../actions/compiled-action.js';
import { joinedDocs, type OperationDocs } from '../actions/operation-docs.js';
import { refuseBadEscapes } from '../actions/query-lists.js';
import { SENT } from '../actions/reply.js';
import { documentedSchema, type JsonSchema, type Schema } from '../actions/schema.js';
import { type WrittenType, writtenTypes } from '../actions/taken-types.js';
import type { FastifyPlugin, RouterPlugin } from '../router-options.js';
import { type ActionCall, CALL, type Called, callOf, enteredBy, type Fail, replyOf } from './action-call.js';
import { type ActionEngine, DEFAULT_BODY_LIMIT, logAt } from './action-engine.js';
import {
  type AnswerTypes,
  answerOf,
  checkHeaders,
  discardAnswer,
  measured,
  type Serializer,
  typesOf,
} from './answer.js';
import { compileResponses, guarded, type ResponseCompiler } from './compile-responses.js';
import { asBuildError, asRouterError, refuse } from './fastify-errors.js';
import { askGuard } from './guard-filter.js';
import { ACTION, checkPluginRoutes, PluginRoutes, refusedInput, TABLE } from './plugin-routes.js';
import {
  type BodyDone,
  BodyTypes,
  hasJsonBody,
  hideOddType,
  readJson,
  readTyped,
  refuseEncoding,
  WITH_BODY,
  watchMultipart,
} from './request-body.js';
import type { Entry, RouterParts, ServedAction } from './served-route.js';

/** Methods whose bodies Fastify handles already. */
const FASTIFY_METHODS: ReadonlySet<string> = new Set([...WITH_BODY, 'GET', 'HEAD', 'CONNECT']);

/** The Fastify instance of one router. */
export class RouterFastify implements ActionEngine {
  readonly asksGuards = true;
  readonly #parts: RouterParts;
  readonly #fastify: FastifyInstance;
  readonly #fail: Fail;
  readonly types: AnswerTypes | null;
  readonly invalidInputStatus: number | undefined;
  readonly logs = new Map<MatchedRoute, Logger>();
  readonly own: PluginRoutes;
  readonly bodyLimit: number;
  readonly #bodies: FastifyBodies;

  constructor(parts: RouterParts, fail: Fail) {
    this.#parts = parts;
    const log = fastifyLog(parts.log);
    const { options } = parts;
    const { bodyLimit = DEFAULT_BODY_LIMIT, plugins = [], invalidInputStatus } = options;
    this.bodyLimit = bodyLimit;
    this.types = typesOf(options);
    this.#fail = fail;
    this.invalidInputStatus = invalidInputStatus;
    this.#fastify = createFastify({
      fastify: {
        ...options.fastify,
        bodyLimit,
        genReqId: (req) => environ(req as IncomingMessage).requestId ?? randomUUID(),
      },
      middie: plugins.length > 0,
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
        raw.url = call.sentUrl;
        raw.method = call.verb;
        request.params = call.params;
        done();
      },
    });
    this.own = new PluginRoutes(this.#fastify, fail, options.auth === false ? [] : parts.mapper.guardsOf(undefined));
    this.#setUp(this.#fastify);
    this.#bodies = new FastifyBodies(this.#fastify, bodyLimit, fail);
  }

  take(call: ActionCall, req: IncomingMessage, res: ServerResponse): void {
    const { entry, sentUrl: url, verb } = call;
    if (entry.takes?.isJson ?? WITH_BODY.has(verb)) refuseEncoding(req);
    call.guard(res);
    // The hooks and the handler find it by its request.
    (req as Called)[CALL] = call;
    const mark = url.indexOf('?');
    req.url = mark < 0 ? entry.fastifyPath : entry.fastifyPath + url.slice(mark);
    // A filter may have changed it.
    req.method = entry.methods.includes(verb) ? verb : entry.methods[0];
    this.#fastify.routing(req, res);
  }

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
      const typed: ((scope: FastifyInstance) => void)[] = [];
      for (const action of served) this.#addRoutes(instance, action, typed);
      if (typed.length === 0) return;
      const addTyped = async (scope: FastifyInstance): Promise<void> => {
        this.#bodies.ownTypes(scope);
        for (const add of typed) add(scope);
      };
      void instance.register(addTyped, { [TABLE]: true });
    };
    void this.#fastify.register(addTable, { [TABLE]: true });
    try {
      const listener = await listenerOf(this.#fastify);
      checkPluginRoutes(this.own.routes, this.#parts);
      return () => listener.close();
    } catch (error) {
      throw asBuildError(error, () => {
        // It throws all errors; none if a plugin has changed the schema of a route.
        const { serializerCompiler } = routes;
        if (serializerCompiler !== undefined)
          compileResponses(served, serializerCompiler as ResponseCompiler, this.#parts);
      });
    }
  }

  #setUp(fastify: FastifyInstance): void {
    fastify.addHook('preParsing', (request, reply, _payload, done) => {
      const bound = (): void => done(this.#bodies.bound(request, reply) ?? null);
      const asked = askBehindHooks(request, reply, this.#fail);
      if (asked === undefined) bound();
      else void asked.then((isAccepted) => isAccepted && bound());
    });
    for (const method of METHODS) {
      if (FASTIFY_METHODS.has(method)) continue;
      fastify.addHttpMethod(method as HTTPMethods, { hasBody: false, overrideExisting: true } as never);
    }
    fastify.setErrorHandler((error, request, reply) => {
      const refused = refusedInput(error, request, this.invalidInputStatus);
      refuse(reply, refused ?? asRouterError(error, request.raw, this.#bodies.types), this.#fail);
    });
  }

  /** Sets the log level for requests of a route. */
  #logAt(level: string, route: MatchedRoute): onRequestHookHandler {
    const own = logAt(this.#parts.log, level);
    this.logs.set(route, own);
    const log = fastifyLog(own);
    return (request, reply, done) => {
      request.log = log;
      reply.log = log;
      done();
    };
  }

  answer(call: ActionCall, value: unknown): void {
    const reply = replyOf(call);
    if (isAnswered(call, reply, value)) {
      discardAnswer(value);
      return;
    }
    const answer = answerOf(value, call, reply, (status, type) => this.#serializerOf(call, status, type));
    const { headers, body, stream } = answer;
    const serializer = measured(answer, headers['content-length'] ?? reply.getHeader('content-length'));
    // Now, while an error can still have a response: Fastify checks them when it writes the headers.
    checkHeaders(headers);
    void reply.code(answer.status);
    for (const name of Object.keys(headers)) void reply.header(name, headers[name]);
    // With a serializer, Fastify does not change the type: it would add a charset, which JSON does not have.
    if (serializer !== undefined) void reply.serializer(serializer);
    void reply.send(stream ?? body);
  }

  /** Returns the serializer of the route, whose schemas a plugin may have changed, or of the action that a key of the body has selected. */
  #serializerOf(call: ActionCall, status: number, type: OutgoingHttpHeader): Serializer | undefined {
    const { served: method, entry } = call;
    const reply = replyOf(call);
    const response = method?.response;
    const key = response === undefined ? undefined : responseKey(status, response);
    const schema = key === undefined ? undefined : response?.[key];
    // Fastify compiles `true` only within its routes.
    if (typeof schema === 'boolean') return undefined;
    const compiled =
      routeSerializer(reply, String(status), type) ??
      routeSerializer(reply, `${Math.floor(status / 100)}xx`, type) ??
      routeSerializer(reply, 'default', type) ??
      // Fastify has compiled no serializers for the route that was entered.
      (entry !== method && schema !== undefined
        ? reply.compileSerializationSchema(schema as Record<string, unknown>)
        : undefined);
    return compiled === undefined ? undefined : guarded(compiled as Serializer);
  }

  /** Passes an error to Fastify, for the `onError` hooks of plugins; its error handler calls {@link refuse}. */
  failed(call: ActionCall, error: unknown): void {
    const { req, response: res } = call;
    const reply = replyOf(call);
    if (call[ANSWERED] === 'whole' && !reply.sent && !res.closed) {
      // The response waits for an asynchronous hook. The failure is reported after it was sent, like one after the response.
      res.once('close', () => this.#fail(req, res, error));
    } else if (reply.sent || !(error instanceof Error)) refuse(reply, error, this.#fail);
    else void reply.send(error);
  }

  /** `typed` gets those that take other bodies than JSON: they have a scope with other parsers. */
  #addRoutes(instance: FastifyInstance, action: ServedAction, typed: ((scope: FastifyInstance) => void)[]): void {
    for (const { methods, byKey } of action.target === null ? action.named.values() : [action.target]) {
      if (byKey !== null) this.#addRoute(instance, action, byKey);
      // Actions selected by a key are never entered, but their schemas are checked with all others.
      for (const method of [...methods, ...[...(byKey?.actions.values() ?? [])].flat()]) {
        if (method.takes?.isJson !== false) this.#addRoute(instance, action, method);
        else typed.push((scope) => this.#addRoute(scope, action, method));
      }
    }
  }

  #addRoute(
    instance: FastifyInstance,
    { settings, matched }: ServedAction,
    { fastifyPath, methods, bodyLimit, options, response }: Entry & Partial<CompiledAction>,
  ): void {
    // For plugins that generate documents.
    const schema = {
      ...shownSchemas(
        fastifyPath,
        methods,
        options ?? {},
        joinedDocs([this.#parts.options.docs, settings.action, options]),
      ),
      ...(response !== undefined && { response }),
    };
    // Fastify prepares a compiler of serialisers for each schema, even an empty one.
    const isPlain = Object.keys(schema).length === 0;
    instance.route({
      method: methods as HTTPMethods[],
      url: fastifyPath,
      handler: (request, reply) => {
        const call = enteredBy(request);
        call[FASTIFY] = request;
        call[REPLY] = reply;
        if (call.sentUrl.includes('%')) refuseBadEscapes(call.sentUrl.split('?', 2)[1] ?? '', 'query');
        call.query = request.query;
        this.#bodies.complete(call, request, (error, body) => {
          if (error === null) call.run(body, this);
          else this.failed(call, error);
        });
      },
      config: { ...settings.config, route: matched, [ACTION]: true } as never,
      // Overrides a compiler that a plugin has set.
      validatorCompiler: () => () => true,
      ...(bodyLimit !== undefined && { bodyLimit }),
      ...(settings.logLevel !== undefined && { onRequest: this.#logAt(settings.logLevel, matched) }),
      ...(!isPlain && { schema }),
    });
  }
}

/** Reports whether the action has responded by itself, or another response was sent. */
function isAnswered({ [ANSWERED]: answered }: ActionCall, reply: FastifyReply, value: unknown): boolean {
  if (answered !== undefined) return true;
  if (value === SENT && !reply.sent) reply.hijack();
  const { headersSent, destroyed } = reply.raw;
  return reply.sent || (value === undefined && (headersSent || destroyed));
}

/** Returns the serializer of the entered route for a status: one for all media types, or by media type if a plugin has written so. */
function routeSerializer(reply: FastifyReply, status: string, type: OutgoingHttpHeader): Serializer | undefined {
  const compiled = reply.getSerializationFunction(status) as
    | Serializer
    | Readonly<Record<string, Serializer>>
    | undefined;
  if (typeof compiled !== 'object') return compiled;
  const [name = ''] = String(type).split(';');
  return compiled[name.trim().toLowerCase()] ?? compiled['*/*'];
}

// Bodies of a router's actions in Fastify: JSON and what plugins parse, and what routes say they take.

/** Reads the bodies of one Fastify instance. */
class FastifyBodies {
  readonly types: BodyTypes;
  readonly #limit: number;
  readonly #fail: Fail;

  constructor(fastify: FastifyInstance, limit: number, fail: Fail) {
    this.#limit = limit;
    this.#fail = fail;
    const read: FastifyContentTypeParser = (request, payload, done) =>
      readJson(payload, request.routeOptions.bodyLimit ?? limit, (error, body, size) => {
        const call = callOf(request.raw);
        // An outer filter has responded meanwhile, which ends the body: Fastify would warn of a second response.
        if (error !== null && (call?.response ?? exchangeOf(request.raw).res)?.writableEnded === true) return;
        if (call !== undefined) call.received = size;
        done(error, body);
      });
    this.types = new BodyTypes(fastify, read);
  }

  /** Prepares a scope for actions that take other types than JSON: parsers of plugins do not read their bodies. */
  ownTypes(scope: FastifyInstance): void {
    scope.addHook('onRequest', hideOddType).removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (request, payload, done) => {
      const call = enteredBy(request);
      this.#readTyped(call, payload as FastifyRequest['raw'], (error, body, size) => {
        if (error !== null && call.response.writableEnded) return;
        call.received = size;
        done(error, body);
      });
    });
  }

  /** Passes on the body of a call; reads it if Fastify has not, because of its method or its length. */
  complete(call: ActionCall, request: FastifyRequest, done: BodyDone): void {
    const { takes } = call.entry;
    if (takes?.isJson === false && call.taken === undefined) this.#readTyped(call, request.raw, done);
    else if (takes?.isJson === true && !WITH_BODY.has(call.verb) && hasJsonBody(request.raw)) {
      readJson(request.raw, call.entry.bodyLimit ?? this.#limit, done);
    } else done(null, request.body, call.received);
  }

  #readTyped(call: ActionCall, payload: FastifyRequest['raw'], done: BodyDone): void {
    const { bodyLimit: ofAction } = call.entry;
    try {
      readTyped(call, payload, { limit: ofAction ?? this.#limit, ofAction }, this.#fail, done);
    } catch (refusal) {
      done(refusal as Error, undefined, 0);
    }
  }

  /**
   * Limits the body for parsers of plugins: Fastify limits only the bodies it reads itself, and plugins may read the request in their own
   * way. Returns the refusal of one that is declared too large.
   */
  bound({ raw: req, routeOptions, server }: FastifyRequest, reply: FastifyReply): Fault | undefined {
    const { raw: res, send } = reply;
    const call = callOf(req);
    // Routes of plugins have their own limits, and so have actions that say what they take.
    if (call === undefined || call.entry.takes?.isJson === false) return undefined;
    const watched = server.hasContentTypeParser('multipart/form-data') ? watchMultipart(req) : undefined;
    if (watched instanceof Fault) return watched;
    call.lacksEnd = watched;
    const limit = routeOptions.bodyLimit ?? this.#limit;
    const length = bodyLengthOf(exchangeOf(req));
    if (length !== -1) {
      call.received = length;
      return length > limit ? tooLarge(limit) : undefined;
    }
    // The same for parsers of plugins: until the action is called, only they can fail.
    reply.send = (...payload) =>
      call[FASTIFY] === undefined && res.writableEnded ? reply : send.apply(reply, payload);
    limitBody(req, limit, () => {
      const fault = tooLarge(limit);
      call.abort(fault);
      if (!res.headersSent) this.#fail(req, res, fault);
      return fault;
    });
    return undefined;
  }
}

// The guard of an action in a router with plugins: asked after their `onRequest` hooks, before the body is read.

/** Asks the guard, which sees Fastify's request and reply, and sends its refusal. Undefined without a guard; else whether it accepts. */
function askBehindHooks(request: FastifyRequest, reply: FastifyReply, fail: Fail): Promise<boolean> | undefined {
  const call = callOf(request.raw);
  const guard = call?.entry.guard;
  if (call === undefined || guard === undefined) return undefined;
  call[FASTIFY] = request;
  call[REPLY] = reply;
  const leave = (): void => {
    // Only the action has them from here on: until then, parsers of plugins can fail.
    delete call[FASTIFY];
    delete call[REPLY];
  };
  return (async () => askGuard(guard, call, call.response))().then(
    () => {
      leave();
      return true;
    },
    (error: unknown) => {
      leave();
      refuse(reply, error, fail);
      return false;
    },
  );
}

// Plugins as users write them in the options of a router, and as Fastify registers them.

/** Returns a plugin as Fastify's `register` accepts it, from a function, a module with one, or a promise of either. */
async function pluginOf(
  written: RouterPlugin,
  place: number,
): Promise<readonly [plugin: FastifyPlugin, options: object]> {
  const [source, options] = (Array.isArray(written) ? written : [written, {}]) as readonly [unknown, object];
  const loaded: unknown = await source;
  const plugin = typeof loaded === 'function' ? loaded : (loaded as { default?: unknown } | null | undefined)?.default;
  if (typeof plugin === 'function') return [plugin as FastifyPlugin, options];
  throw new PorticoError('PORTICO_ROUTER_OPTION', {
    message: `plugins[${place}] is ${whatItIs(loaded)}, not a plugin of Fastify`,
    hint: 'Pass the plugin as its package exports it, or [plugin, options].',
  });
}

/**
 * Returns a plugin whose hooks and parsers apply to the whole instance, as with `fastify-plugin`; one with a route prefix stays
 * encapsulated, as in Fastify.
 */
function forAllRoutes(plugin: FastifyPlugin, options: object): FastifyPluginCallback<object> {
  const skipOverride = Symbol.for('skip-override');
  if (skipOverride in plugin || 'prefix' in options) return plugin as FastifyPluginCallback<object>;
  const withDone: typeof plugin = (instance, options, done) => plugin(instance, options, done);
  const shared =
    plugin.length > 2
      ? withDone
      : async (instance: FastifyInstance, options: object) => {
          await (plugin as FastifyPluginAsync<object>)(instance, options);
        };
  return Object.assign(shared as FastifyPluginCallback<object>, { [skipOverride]: true });
}

// Schemas of actions as plugins of Fastify see them.

/** Returns the part of an action that plugins can read. Schemas by version are only in `openApiDocument`. */
function shownSchemas(
  path: string,
  methods: readonly string[],
  { body, query }: ActionOptions,
  { summary, description, tags, operationId, deprecated, externalDocs, hidden, request }: OperationDocs,
): FastifySchema {
  const texts = { summary, description, tags, operationId, deprecated, externalDocs };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const params = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const shown = (schemas: Schemas | undefined): JsonSchema | undefined =>
    schemas === undefined || isSince(schemas) ? undefined : documentedSchema(schemas as Schema, 'input');
  const types = body === undefined ? [] : writtenTypes(body);
  const [first, ...others] = types;
  const shownBody = others.length === 0 ? shown(first?.schemas) : undefined;
  const consumed = request?.type === undefined ? otherTypes(types) : [request.type].flat();
  const shownQuery = shown(query);
  return {
    ...(names.length > 0 && { params: { type: 'object', properties: params, required: names } }),
    // Fastify refuses them for other methods.
    ...(typeof shownBody === 'object' && methods.every((method) => WITH_BODY.has(method)) && { body: shownBody }),
    ...(typeof shownQuery === 'object' && { querystring: shownQuery }),
    ...(hidden === true && { hide: true }),
    ...(consumed.length > 0 && { consumes: consumed }),
    ...(Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)) as FastifySchema),
  };
}

/** JSON is what documents assume. */
function otherTypes(types: readonly WrittenType[]): readonly string[] {
  const names = types.map(({ type }) => type);
  return names.every((name) => name === 'application/json') ? [] : names;
}
