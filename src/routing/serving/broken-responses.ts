/**
 * Response schemas that do not compile.
 */
import type { FastifyInstance } from 'fastify';
import { errorText } from '../../errors/index.js';
import { RouteError, RouteTableError } from '../route/route-error.js';
import { jointMistakes, type Mistake } from './build-table.js';
import { type RouterParts, type ServedAction, servedMethods } from './served-route.js';

/**
 * Returns all response schemas that do not compile, with actions and places of routes, for a build in which Fastify has reported the first.
 * Returns undefined if each compiles here: a plugin has changed the schema of a route. `instance` has the compiler that Fastify used.
 */
export function brokenResponses(
  served: readonly ServedAction[],
  instance: FastifyInstance,
  parts: RouterParts,
): RouteTableError | undefined {
  const { serializerCompiler: compile } = instance;
  const mistakes: Mistake[] = [];
  for (const action of served) {
    for (const { place, fastifyPath: url, methods, response = {} } of servedMethods(action)) {
      for (const [httpStatus, schema] of Object.entries(response)) {
        try {
          compile?.({ schema, url, method: methods.join(), httpStatus });
        } catch (cause) {
          const { route } = action;
          const error = notCompiled(place, httpStatus, cause);
          mistakes.push({ error, route, origin: parts.mapper.originOf(route) });
        }
      }
    }
  }
  return mistakes.length === 0 ? undefined : new RouteTableError(jointMistakes(mistakes, parts));
}

function notCompiled(place: string, status: string, cause: unknown): RouteError {
  const text = errorText(cause);
  return new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `${place}: the response schema of ${status} does not compile: ${text}`,
    hint: /\bref/i.test(text)
      ? 'A $ref leads to a place in its own schema, as "#/definitions/book", or to a schema that a plugin adds with addSchema.'
      : 'The message is that of the compiler of serialisers.',
    cause,
  });
}
