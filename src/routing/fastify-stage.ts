/**
 * What follows a match: a private Fastify instance reads the body, runs its plugins' hooks and sends the answer.
 *
 * Fastify is given each request under a key of its own for the action, so its tree does one static lookup. The
 * client's URL is put back before any hook but our first can see it.
 */
import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, RouteOptions } from 'fastify';
import { type App, createFastify, environ, Fault, type LeafPlugin, listenerOf } from '../app/index.js';
import type { RouterParts } from './build-table.js';
import { acceptsMethod } from './conditions.js';
import { AnswerTypes } from './negotiate-type.js';
import { pendingOf } from './pending.js';
import { parseInto, readJson, TOO_LARGE } from './read-json.js';
import { RouteError } from './route-error.js';
import { type RunRules, runAction } from './run-action.js';
import type { ActionTarget, Entry, RunnableAction, ServedAction } from './served-route.js';

/** Answers what went wrong. */
export type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

const DEFAULT_BODY_LIMIT = 114_688;

/** Methods whose body is read. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Methods whose treatment of bodies is already Fastify's own. */
const FASTIFY_METHODS: ReadonlySet<string> = new Set([...WITH_BODY, 'GET', 'HEAD', 'CONNECT']);

/** The Fastify instance of one router. */
export class FastifyStage {
  readonly #fastify: FastifyInstance;
  readonly #parts: RouterParts;
  readonly #fail: Fail;
  readonly #bodyLimit: number;
  readonly #rules: RunRules;

  constructor(parts: RouterParts, fail: Fail) {
    const { options } = parts;
    this.#parts = parts;
    this.#fail = fail;
    this.#bodyLimit = options.bodyLimit ?? DEFAULT_BODY_LIMIT;
    const types = new AnswerTypes(options.serializers, options.strictAccept);
    this.#rules = { schemas: options.schemas ?? 'optional', types: types.isChoice ? types : null, fail };
    this.#fastify = createFastify({
      // Ids are the request_id filter's; one made up here would cost more than the whole lookup.
      fastify: { bodyLimit: this.#bodyLimit, genReqId: (req) => environ(req as IncomingMessage).requestId ?? '' },
      onRequest: (request, _reply, done) => {
        request.raw.url = pendingOf(request.raw).url;
        done();
      },
    });
    this.#setUp(this.#fastify);
  }

  /** Hands a matched request to Fastify. */
  readonly enter: App = (req, res) => {
    const { entry, url } = pendingOf(req);
    if (req.headers['content-encoding'] !== undefined) refuseEncoding(req);
    const mark = url.indexOf('?');
    req.url = mark < 0 ? entry.key : entry.key + url.slice(mark);
    this.#fastify.routing(req, res);
  };

  /** Adds the routes and loads the plugins; the result closes the instance. */
  async start(served: readonly ServedAction[]): Promise<() => Promise<void>> {
    for (const plugin of this.#parts.options.plugins ?? []) void this.#fastify.register(forAllRoutes(plugin) as never);
    void this.#fastify.register((instance, _options, done) => {
      for (const route of served) this.#addRoutes(instance, route);
      done();
    });
    try {
      const listener = await listenerOf(this.#fastify);
      return () => listener.close();
    } catch (error) {
      throw asBuildError(error);
    }
  }

  #setUp(fastify: FastifyInstance): void {
    for (const method of METHODS) {
      if (FASTIFY_METHODS.has(method)) continue;
      fastify.addHttpMethod(method as HTTPMethods, { hasBody: false, overrideExisting: true } as never);
    }
    fastify.removeAllContentTypeParsers();
    for (const type of [/^application\/(?:[\w.-]+\+)?json(?:[ \t]*;|$)/i, /^text\/plain(?:[ \t]*;|$)/i]) {
      fastify.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, bytes, done) =>
        parseInto(bytes as Buffer, done),
      );
    }
    // Fastify has no parser for a missing type but the one for all: it reads those bodies and refuses other types.
    fastify.addContentTypeParser('*', (request, payload, done) => {
      if (request.headers['content-type'] !== undefined) done(unsupportedType());
      else readJson(payload, request.routeOptions.bodyLimit ?? this.#bodyLimit, done);
    });
    fastify.setErrorHandler((error, request, reply) => this.#answerError(error, request, reply));
    fastify.setNotFoundHandler((request, reply) => this.#answerError(new Fault(404), request, reply));
  }

  /** One Fastify route for each method of the action: limits and serialisers may differ by version. */
  #addRoutes(instance: FastifyInstance, served: ServedAction): void {
    const named = [...served.named.values()].flatMap((targets) => [...targets.values()]);
    for (const target of served.target === null ? named : [served.target]) this.#addTarget(instance, served, target);
  }

  #addTarget(instance: FastifyInstance, served: ServedAction, target: ActionTarget): void {
    const { settings } = served;
    if (target.byKey !== null) {
      const limits = [...target.byKey.methods.values()].flat().map((method) => bodyLimitOf(method, served) ?? 0);
      const bodyLimit = limits.length === 0 ? settings.bodyLimit : Math.max(...limits) || undefined;
      this.#addRoute(instance, served, { key: target.byKey.key, bodyLimit });
    }
    for (const method of target.methods) {
      const { response } = method.compiled.options;
      this.#addRoute(instance, served, { key: method.key, bodyLimit: bodyLimitOf(method, served), response });
    }
  }

  #addRoute(
    instance: FastifyInstance,
    { compiled, settings, matched }: ServedAction,
    {
      key,
      bodyLimit,
      response,
    }: Pick<Entry, 'key'> & { bodyLimit?: number | undefined; response?: object | undefined },
  ): void {
    const methods = new Set(METHODS.filter((method) => acceptsMethod(compiled.route.conditions, method)));
    if (methods.has('GET')) methods.add('HEAD');
    // The request keeps its own method, whatever it was matched by.
    if (this.#parts.options.useMethodOverride === true) for (const method of METHODS) methods.add(method);
    methods.delete('CONNECT');
    if (methods.size === 0) return;
    instance.route({
      method: [...methods] as HTTPMethods[],
      url: key,
      handler: (request, reply) => runAction(request, reply, this.#rules),
      config: { ...settings.config, route: matched } as never,
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
      ...(settings.logLevel === undefined
        ? {}
        : { logLevel: settings.logLevel as NonNullable<RouteOptions['logLevel']> }),
      ...(response === undefined ? {} : { schema: { response } }),
    });
  }

  #answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.hijack();
    this.#fail(request.raw, reply.raw, asRouterError(error));
  }
}

/** A plugin whose hooks and parsers are those of the whole instance, as with `fastify-plugin`. */
function forAllRoutes(plugin: LeafPlugin): LeafPlugin {
  const shared: LeafPlugin =
    plugin.length > 2
      ? (instance, options, done) => plugin(instance, options, done)
      : async (instance, options) => {
          await (plugin as (instance: FastifyInstance, options: object) => unknown)(instance, options);
        };
  return Object.assign(shared, { [Symbol.for('skip-override')]: true });
}

function bodyLimitOf({ compiled }: RunnableAction, { settings }: ServedAction): number | undefined {
  return compiled.options.bodyLimit ?? settings.bodyLimit;
}

function refuseEncoding(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding'] ?? '';
  if (!WITH_BODY.has(req.method ?? '') || encoding.trim().toLowerCase() === 'identity') return;
  throw new Fault(415, {
    message: 'Bodies with a Content-Encoding are not accepted.',
    headers: { 'Accept-Encoding': 'identity' },
  });
}

function unsupportedType(): Fault {
  return new Fault(415, { message: 'The body must be application/json.', headers: { Accept: 'application/json' } });
}

/** Fastify marks what the client did wrong with a status below 500; ours are faults already. */
function asRouterError(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return error;
  if (statusCode === 415) return unsupportedType();
  return new Fault(statusCode, { message: statusCode === 413 ? TOO_LARGE : error.message, cause: error });
}

/** A response schema that does not compile is found when Fastify is ready. */
function asBuildError(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code !== 'FST_ERR_SCH_SERIALIZATION_BUILD' && code !== 'FST_ERR_SCH_RESPONSE_SCHEMA_NOT_NESTED_2XX') return error;
  return new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `a response schema does not compile: ${String(message)}`,
    hint: 'The key after the method is the number of the route, and its template.',
    cause: error,
  });
}
