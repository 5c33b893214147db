/**
 * Serializers of response schemas, and the schemas that do not compile.
 */
import { errorText } from '../../errors/index.js';
import { RouteError, RouteTableError } from '../route/route-error.js';
import { refuseLoss, type Serializer } from './answer.js';
import { type Issue, jointErrors } from './build-table.js';
import { type RouterParts, type ServedAction, type ServedMethod, servedMethods } from './served-route.js';

/** Compiles a response schema, as Fastify's `serializerCompiler`. */
export type ResponseCompiler = (source: {
  readonly schema: unknown;
  readonly url: string;
  readonly method: string;
  readonly httpStatus: string;
}) => Serializer;

/** Serializers of methods, by the key of their response schema. */
export type Serializers = ReadonlyMap<ServedMethod, ReadonlyMap<string, Serializer>>;

/** Compiles all response schemas. Throws all errors, with actions and locations of routes. */
export function compileResponses(
  served: readonly ServedAction[],
  compile: ResponseCompiler,
  parts: RouterParts,
): Serializers {
  const issues: Issue[] = [];
  const compiled = new Map<ServedMethod, Map<string, Serializer>>();
  for (const action of served) {
    for (const method of servedMethods(action)) {
      const { place, fastifyPath: url, methods, response = {} } = method;
      const serializers = new Map<string, Serializer>();
      for (const [httpStatus, schema] of Object.entries(response)) {
        // Any value, written as JSON.
        if (typeof schema === 'boolean') continue;
        try {
          serializers.set(httpStatus, guarded(compile({ schema, url, method: methods.join(), httpStatus })));
        } catch (cause) {
          const { route } = action;
          const error = notCompiled(place, httpStatus, cause);
          issues.push({ error, route, origin: parts.mapper.originOf(route) });
        }
      }
      if (serializers.size > 0) compiled.set(method, serializers);
    }
  }
  if (issues.length > 0) throw new RouteTableError(jointErrors(issues, parts));
  return compiled;
}

/** Returns a serializer that refuses a value of which nothing would be left. */
export function guarded(serialize: Serializer): Serializer {
  return (value) => {
    const text = serialize(value);
    if (text === '{}') refuseLoss(value);
    return text;
  };
}

function notCompiled(place: string, status: string, cause: unknown): RouteError {
  const text = errorText(cause);
  return new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `${place}: the response schema of ${status} does not compile: ${text}`,
    hint: /\bref/i.test(text)
      ? 'A $ref leads to a part of the same schema, as "#/definitions/book", or to a schema that a plugin adds with addSchema.'
      : 'The message is that of the compiler of serialisers.',
    cause,
  });
}
