/**
 * Serialisers of the response schemas of all actions, by Fastify's compiler.
 */
import type { FastifyInstance, FastifySerializerCompiler } from 'fastify';
import { buildSerializer } from '../../app/internal.js';
import { errorText } from '../../errors/index.js';
import { RouteError, RouteTableError } from '../route/route-error.js';
import { jointMistakes, type Mistake } from './build-table.js';
import { type RouterParts, type ServedAction, servedMethods } from './served-route.js';

type Compiler = FastifySerializerCompiler<unknown>;

/**
 * Compiles the response schemas of the actions, which may refer to those that plugins have added to `instance`. The result is a compiler
 * for Fastify that knows these. Throws a {@link RouteTableError} with all schemas that do not compile.
 */
export function compileResponses(
  served: readonly ServedAction[],
  instance: FastifyInstance,
  parts: RouterParts,
): Compiler {
  const { schemaController, serializerOpts } = parts.options.fastify ?? {};
  const build = schemaController?.compilersFactory?.buildSerializer ?? buildSerializer;
  let compiler: Compiler | undefined;
  const compile: Compiler = (written) => {
    // A compiler that a plugin has set comes first. Made late: most services have no response schema.
    compiler ??= instance.serializerCompiler ?? (build(instance.getSchemas(), serializerOpts) as Compiler);
    return compiler(written);
  };
  const compiled = new Map<unknown, ReturnType<typeof compile>>();
  const mistakes: Mistake[] = [];
  for (const action of served) {
    for (const { place, fastifyPath: url, methods, response = {} } of servedMethods(action)) {
      for (const [httpStatus, schema] of Object.entries(response)) {
        if (compiled.has(schema)) continue;
        try {
          compiled.set(schema, compile({ schema, url, method: methods.join(), httpStatus }));
        } catch (cause) {
          const { route } = action;
          const error = notCompiled(place, httpStatus, cause);
          mistakes.push({ error, route, origin: parts.mapper.originOf(route) });
        }
      }
    }
  }
  if (mistakes.length > 0) throw new RouteTableError(jointMistakes(mistakes, parts));
  return (written) => compiled.get(written.schema) ?? compile(written);
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
