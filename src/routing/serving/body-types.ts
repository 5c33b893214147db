/**
 * The types of bodies that a router reads, and how it refuses others (RFC 9110 §15.5.16).
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyContentTypeParser, FastifyInstance } from 'fastify';
import { Fault, quoteClient } from '../../app/index.js';

/** Methods whose body is read. */
export const WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Types that are read as JSON; of others there is no parser but those of plugins. */
const JSON_TYPES: readonly RegExp[] = [/^application\/(?:[\w.-]+\+)?json(?:[ \t]*;|$)/i, /^text\/plain(?:[ \t]*;|$)/i];

type AddParser = (...args: [type: string | RegExp | string[], ...rest: unknown[]]) => FastifyInstance;

/** The parsers of a Fastify instance. */
export class BodyTypes {
  readonly #named = new Set(['application/json']);

  /** `read` reads JSON. */
  constructor(fastify: FastifyInstance, read: FastifyContentTypeParser) {
    fastify.removeAllContentTypeParsers();
    for (const type of JSON_TYPES) fastify.addContentTypeParser(type, read);
    // Fastify has no parser for a missing type but the one for all: it reads those bodies and refuses other types.
    fastify.addContentTypeParser('*', (request, payload, done) => {
      if (request.headers['content-type'] === undefined) void read(request, payload, done);
      else done(hasBody(request.raw) ? this.refusal(request.raw) : null);
    });
    this.#note(fastify);
  }

  /** Of a body for whose type there is no parser: the connection ends with it. */
  refusal({ headers }: IncomingMessage): Fault {
    const types = [...this.#named];
    const message = `The body must be ${types.join(' or ')}, not ${quoteClient(headers['content-type'] || 'of no type')}.`;
    return new Fault(415, { message, headers: { connection: 'close', Accept: types.join(', ') } });
  }

  /** Fastify does not tell which parsers plugins have added. */
  #note(fastify: FastifyInstance): void {
    const named = this.#named;
    const add = fastify.addContentTypeParser as AddParser;
    const noting: AddParser = function (this: FastifyInstance, ...args) {
      for (const type of [args[0]].flat()) if (typeof type === 'string') named.add(type);
      return Reflect.apply(add, this, args);
    };
    Object.assign(fastify, { addContentTypeParser: noting });
  }
}

/** By these fields alone (RFC 9112 §6.3). */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Throws a `Fault` 415 for a body that was compressed. */
export function refuseEncoding(req: IncomingMessage): void {
  const encoding = req.headers['content-encoding'] ?? '';
  if (!WITH_BODY.has(req.method ?? '') || !hasBody(req) || encoding.trim().toLowerCase() === 'identity') return;
  throw new Fault(415, {
    message: 'Bodies with a Content-Encoding are not accepted.',
    headers: { 'Accept-Encoding': 'identity' },
  });
}
