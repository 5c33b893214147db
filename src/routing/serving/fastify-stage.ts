/**
 * A private Fastify instance that reads the body, runs its plugins' hooks and sends the answer.
 *
 * Fastify is given each request under a key of its own for the action, so its tree does one static lookup. The
 * client's URL is put back before any hook but our first can see it.
 */
import { type IncomingMessage, METHODS } from 'node:http';
import type {
  FastifyContentTypeParser,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
  RouteOptions,
} from 'fastify';
import {
  type App,
  createFastify,
  environ,
  Fault,
  guardPipe,
  type LeafPlugin,
  limitBody,
  listenerOf,
  tooLarge,
  usableHeaders,
} from '../../app/index.js';
import { readJson } from '../actions/read-json.js';
import type { RunRules } from '../actions/run-action.js';
import { acceptsMethod } from '../mapper/conditions.js';
import { RouteError } from '../mapper/route-error.js';
import type { RouterParts } from './build-table.js';
import { handleAction } from './fastify-action.js';
import { pendingOf } from './pending.js';
import type { ActionTarget, Entry, ServedAction } from './served-route.js';

/** Methods whose body is read. */
export const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Types that are read as JSON; of others there is no parser but those of plugins. */
export const READ_TYPES: readonly RegExp[] = [
  /^application\/(?:[\w.-]+\+)?json(?:[ \t]*;|$)/i,
  /^text\/plain(?:[ \t]*;|$)/i,
];

/** Methods whose treatment of bodies is already Fastify's own. */
const FASTIFY_METHODS: ReadonlySet<string> = new Set([...WITH_BODY, 'GET', 'HEAD', 'CONNECT']);

/** The Fastify instance of one router. */
export class FastifyStage {
  readonly #fastify: FastifyInstance;
  readonly #parts: RouterParts;
  readonly #bodyLimit: number;
  readonly #rules: RunRules;
  /** The methods of requests whose action has run already. */
  readonly #methods = new WeakMap<IncomingMessage, string | undefined>();

  constructor(parts: RouterParts, rules: RunRules, bodyLimit: number) {
    this.#parts = parts;
    this.#bodyLimit = bodyLimit;
    this.#rules = rules;
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
    const { entry, url, outcome } = pendingOf(req);
    guardPipe(res, (error) => this.#rules.fail(req, res, error));
    const mark = url.indexOf('?');
    req.url = mark < 0 ? entry.key : entry.key + url.slice(mark);
    if (outcome === undefined) {
      this.#fastify.routing(req, res);
      return;
    }
    // The body has been read: Fastify must not wait for it, and does not for GET. Nobody sees it but our own hook.
    const { method } = req;
    req.method = method === 'HEAD' ? 'HEAD' : 'GET';
    this.#methods.set(req, method);
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

  /**
   * Bounds the body for whoever reads it: Fastify bounds only what it reads itself, and a parser of a plugin may read the
   * request in its own way. Gives the refusal of one that is declared too large.
   */
  #bound({ raw: req }: FastifyRequest, { raw: res }: FastifyReply): Fault | undefined {
    const pending = pendingOf(req);
    if (pending.outcome !== undefined) return undefined;
    const limit = pending.entry.bodyLimit ?? this.#bodyLimit;
    const declared = req.headers['content-length'];
    if (declared !== undefined) {
      pending.received = Number(declared);
      return pending.received > limit ? tooLarge(limit) : undefined;
    }
    if (req.headers['transfer-encoding'] === undefined) return undefined;
    limitBody(req, limit, () => {
      const fault = tooLarge(limit);
      pending.request.abort(fault);
      if (!res.headersSent) this.#rules.fail(req, res, fault);
      return fault;
    });
    return undefined;
  }

  #setUp(fastify: FastifyInstance): void {
    fastify.addHook('preParsing', (request, reply, _payload, done) => done(this.#bound(request, reply) ?? null));
    for (const method of METHODS) {
      if (FASTIFY_METHODS.has(method)) continue;
      fastify.addHttpMethod(method as HTTPMethods, { hasBody: false, overrideExisting: true } as never);
    }
    fastify.removeAllContentTypeParsers();
    const read: FastifyContentTypeParser = (request, payload, done) =>
      readJson(payload, request.routeOptions.bodyLimit ?? this.#bodyLimit, (error, body, size) => {
        pendingOf(request.raw).received = size;
        done(error, body);
      });
    for (const type of READ_TYPES) fastify.addContentTypeParser(type, read);
    // Fastify has no parser for a missing type but the one for all: it reads those bodies and refuses other types.
    fastify.addContentTypeParser('*', (request, payload, done) => {
      if (request.headers['content-type'] !== undefined) done(unsupportedType());
      else read(request, payload, done);
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
    if (target.byKey !== null) this.#addRoute(instance, served, target.byKey, undefined);
    // Those that a key selects are never entered, but their schemas are judged with all others.
    for (const method of [...target.methods, ...[...(target.byKey?.methods.values() ?? [])].flat()]) {
      this.#addRoute(instance, served, method, method.compiled.options.response);
    }
  }

  #addRoute(
    instance: FastifyInstance,
    { compiled, settings, matched }: ServedAction,
    { key, bodyLimit }: Entry,
    response: object | undefined,
  ): void {
    const methods = new Set(METHODS.filter((method) => acceptsMethod(compiled.route.conditions, method)));
    if (methods.has('GET')) methods.add('HEAD');
    // The request keeps its own method, whatever it was matched by.
    if (this.#parts.options.useMethodOverride === true) for (const method of METHODS) methods.add(method);
    methods.delete('CONNECT');
    if (methods.size === 0) return;
    methods.add('GET');
    instance.route({
      method: [...methods] as HTTPMethods[],
      url: key,
      handler: (request, reply) => {
        if (this.#methods.has(request.raw)) request.raw.method = this.#methods.get(request.raw);
        handleAction(request, reply, this.#rules);
      },
      config: { ...settings.config, route: matched } as never,
      ...(bodyLimit === undefined ? {} : { bodyLimit }),
      ...(settings.logLevel === undefined
        ? {}
        : { logLevel: settings.logLevel as NonNullable<RouteOptions['logLevel']> }),
      ...(response === undefined ? {} : { schema: { response } }),
    });
  }

  #answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    for (const [name, value] of usableHeaders(reply.getHeaders())) reply.raw.setHeader(name, value);
    reply.hijack();
    this.#rules.fail(request.raw, reply.raw, asRouterError(error));
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

/** Of a body of a type that nobody reads: the connection ends with it. */
export function unsupportedType(): Fault {
  const headers = { connection: 'close', Accept: 'application/json' };
  return new Fault(415, { message: 'The body must be application/json.', headers });
}

/** Fastify marks what the client did wrong with a status below 500; ours are faults already. */
function asRouterError(error: unknown): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return error;
  if (statusCode === 415) return unsupportedType();
  return new Fault(statusCode, {
    message: statusCode === 413 ? 'The request body is too large.' : error.message,
    cause: error,
  });
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
