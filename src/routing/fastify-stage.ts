/**
 * What follows a match: a private Fastify instance reads the body, runs its plugins' hooks and sends the answer.
 *
 * Fastify is given each request under a key of its own for the route, so its tree does one static lookup. The client's
 * URL is put back before any hook but our first can see it.
 */
import { type IncomingMessage, METHODS, type ServerResponse } from 'node:http';
import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
  LogLevel,
  RouteShorthandOptions,
} from 'fastify';
import { type App, createFastify, Fault, listenerOf } from '../app/index.js';
import type { RouterParts } from './build-table.js';
import type { CompiledAction } from './compiled-action.js';
import { acceptsMethod } from './conditions.js';
import { parseJsonBody } from './json-body.js';
import { pendingOf } from './pending.js';
import { runAction } from './run-action.js';
import type { RunnableAction, ServedAction } from './served-route.js';

/** Answers what went wrong. */
export type Fail = (req: IncomingMessage, res: ServerResponse, error: unknown) => void;

const DEFAULT_BODY_LIMIT = 114_688;

/** Methods whose body is read. */
const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** The Fastify instance of one router. */
export class FastifyStage {
  readonly #fastify: FastifyInstance;
  readonly #parts: RouterParts;
  readonly #fail: Fail;
  readonly #bodyLimit: number;

  constructor(parts: RouterParts, fail: Fail) {
    this.#parts = parts;
    this.#fail = fail;
    this.#bodyLimit = parts.options.bodyLimit ?? DEFAULT_BODY_LIMIT;
    this.#fastify = createFastify({
      fastify: { bodyLimit: this.#bodyLimit },
      onRequest: (request, _reply, done) => {
        request.raw.url = pendingOf(request.raw).url;
        done();
      },
    });
    this.#setUp(this.#fastify);
  }

  /** Hands a matched request to Fastify. */
  readonly enter: App = (req, res) => {
    const { served, url } = pendingOf(req);
    refuseEncoding(req);
    const mark = url.indexOf('?');
    req.url = mark < 0 ? served.key : served.key + url.slice(mark);
    this.#fastify.routing(req, res);
  };

  readonly serializersFor = (_action: CompiledAction): RunnableAction['serializers'] => null;

  /** Adds the routes and loads the plugins; the result closes the instance. */
  async start(served: readonly ServedAction[]): Promise<() => Promise<void>> {
    for (const plugin of this.#parts.options.plugins ?? []) void this.#fastify.register(plugin as never);
    void this.#fastify.register((instance, _options, done) => {
      for (const route of served) this.#addRoute(instance, route);
      done();
    });
    const listener = await listenerOf(this.#fastify);
    return () => listener.close();
  }

  #setUp(fastify: FastifyInstance): void {
    const builtIn = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
    for (const method of METHODS) {
      if (builtIn.includes(method) || method === 'CONNECT') continue;
      fastify.addHttpMethod(method as HTTPMethods, { hasBody: false, overrideExisting: true } as never);
    }
    fastify.removeAllContentTypeParsers();
    const json = [/^application\/(?:[\w.-]+\+)?json(?:[ \t]*;|$)/i, /^text\/plain(?:[ \t]*;|$)/i];
    for (const type of json) {
      fastify.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, bytes, done) => {
        try {
          done(null, parseJsonBody(bytes as Buffer));
        } catch (error) {
          done(error as Error);
        }
      });
    }
    fastify.addContentTypeParser('*', (request, payload, done) => {
      if (request.headers['content-type'] !== undefined) done(unsupportedType(request));
      else readJson(payload, this.#limitOf(request), done);
    });
    fastify.setErrorHandler((error, request, reply) => this.#answerError(error, request, reply));
    fastify.setNotFoundHandler((request, reply) => this.#answerError(new Fault(404), request, reply));
  }

  #limitOf(request: FastifyRequest): number {
    return request.routeOptions.bodyLimit ?? this.#bodyLimit;
  }

  #addRoute(instance: FastifyInstance, served: ServedAction): void {
    const { settings, compiled, key } = served;
    const accepted = METHODS.filter((method) => acceptsMethod(compiled.route.conditions, method));
    const methods = new Set(accepted.filter((method) => method !== 'CONNECT'));
    if (methods.has('GET')) methods.add('HEAD');
    if (this.#parts.options.useMethodOverride === true) for (const method of ['GET', 'POST']) methods.add(method);
    if (methods.size === 0) return;
    const options: RouteShorthandOptions = {
      config: { ...settings.config, route: served.matched } as never,
      ...(bodyLimitOf(served) === undefined ? {} : { bodyLimit: bodyLimitOf(served)! }),
      ...(settings.logLevel === undefined ? {} : { logLevel: settings.logLevel as LogLevel }),
    };
    instance.route({
      ...options,
      method: [...methods] as HTTPMethods[],
      url: key,
      handler: (request, reply) => runAction(request, reply, this.#parts, this.#fail),
    });
  }

  #answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.hijack();
    this.#fail(request.raw, reply.raw, asRouterError(error, request));
  }
}

/** The largest limit any version of the action asks for, else the route's. */
function bodyLimitOf({ settings, target }: ServedAction): number | undefined {
  const own = target?.methods.map(({ compiled }) => compiled.options.bodyLimit).filter((limit) => limit !== undefined);
  return own === undefined || own.length === 0 ? settings.bodyLimit : Math.max(...own);
}

function refuseEncoding(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding'];
  if (encoding === undefined || !WITH_BODY.has(req.method ?? '') || encoding.toLowerCase() === 'identity') return;
  throw new Fault(415, {
    message: 'Bodies with a Content-Encoding are not accepted.',
    headers: { 'Accept-Encoding': 'identity' },
  });
}

function unsupportedType(_request: FastifyRequest): Fault {
  return new Fault(415, {
    message: 'The body must be application/json.',
    headers: { Accept: 'application/json' },
  });
}

/** A body without a type is read as JSON, as nova does. */
function readJson(payload: IncomingMessage, limit: number, done: (error: Error | null, body?: unknown) => void): void {
  const declared = Number(payload.headers['content-length'] ?? 0);
  const tooLarge = (): void => done(new Fault(413, { message: `The body is larger than ${limit} bytes.` }));
  if (declared > limit) {
    tooLarge();
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    chunks.push(chunk);
    if (length <= limit) return;
    stop();
    tooLarge();
  };
  const onEnd = (): void => {
    stop();
    try {
      done(null, parseJsonBody(Buffer.concat(chunks)));
    } catch (error) {
      done(error as Error);
    }
  };
  const onError = (cause: Error): void => {
    stop();
    done(new Fault(400, { message: 'The body did not arrive whole.', cause }));
  };
  const stop = (): void => {
    payload.off('data', onData).off('end', onEnd).off('error', onError);
  };
  payload.on('data', onData).on('end', onEnd).on('error', onError);
}

/** Fastify marks what the client did wrong with a status below 500; ours are faults already. */
function asRouterError(error: unknown, _request: FastifyRequest): unknown {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const { statusCode } = error as { statusCode?: unknown };
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return error;
  if (statusCode === 415) return unsupportedType(_request);
  return new Fault(statusCode, { message: error.message, cause: error });
}
