/**
 * An action compiled when the router is built: its handler for each version, its checks, its statuses.
 */
import type { Filter } from '../../app/index.js';
import { SchemaError } from '../../app/internal.js';
import { readRange, type VersionRange } from '../api-version.js';
import { RouteError } from '../route/route-error.js';
import { type ActionOptions, type InputPart, withMediaType } from './action.js';
import type { AnyHandler } from './action-request.js';
import { type ByVersion, byVersion, type Schemas } from './by-version.js';
import { documentedSchema, isStandardSchema, type JsonSchema, jsonSchemaOf, type Schema } from './schema.js';
import type { SchemaCompiler } from './schema-compiler.js';
import { type Check, type TakenTypes, takenTypes } from './taken-types.js';

/** One method of a controller, for a range of versions. */
export interface CompiledAction {
  /** `Servers.reboot`, for messages. */
  readonly place: string;
  readonly range: VersionRange;
  /** Value of `this` in the handler. */
  readonly controller: object;
  readonly handler: AnyHandler;
  readonly options: ActionOptions;
  readonly filters: readonly Filter[];
  readonly checks: Readonly<Record<InputPart, readonly ByVersion<Check>[]>>;
  /** Bodies that it takes; undefined if it does not say. */
  readonly takes: TakenTypes | undefined;
  /** Path variables that a schema requires. */
  readonly requiredParams: readonly string[];
  readonly statuses: readonly ByVersion<number>[];
  /** Response schemas by status. */
  readonly response: Readonly<Record<string, JsonSchema>> | undefined;
}

/** A controller's method with its options. */
export type ActionSource = Pick<CompiledAction, 'place' | 'controller' | 'handler' | 'options'>;

/** Compiles an action. Throws a {@link RouteError} for a schema that does not compile, overlapping ranges, and an invalid version. */
export function compileAction(source: ActionSource, compiler: SchemaCompiler): CompiledAction {
  const { options } = source;
  const checksOf = (part: InputPart, schemas: Schemas | undefined, isForm = false): readonly ByVersion<Check>[] =>
    byVersion<Schema>(schemas).map(({ range, value }) => ({
      range,
      value: compiled(`the ${part} schema`, () => compiler.check(value, part, isForm)),
    }));
  const { body } = options;
  const takes =
    body === undefined ? undefined : takenTypes(body, (schemas, read) => checksOf('body', schemas, read === 'form'));
  return {
    ...source,
    handler: withMediaType(source.handler, options.type),
    range: readRange(options.versions),
    filters: options.filters ?? [],
    checks: {
      body: takes?.checks ?? [],
      query: checksOf('query', options.query),
      params: checksOf('params', options.params),
      headers: checksOf('headers', options.headers),
    },
    takes,
    requiredParams: byVersion<Schema>(options.params).flatMap(({ value }) => requiredBy(value)),
    statuses: byVersion(options.status).map(({ range, value }) => ({ range, value: checkedStatus(value) })),
    response: options.response && responseSchemas(options.response, byVersion(options.status), compiler),
  };
}

/** Returns the members that a schema requires, as far as its library reports them. */
function requiredBy(schema: Schema): readonly string[] {
  const { required } = documentedSchema(schema, 'input') as { readonly required?: readonly string[] };
  return required ?? [];
}

function compiled<T>(subject: string, compile: () => T): T {
  try {
    return compile();
  } catch (cause) {
    throw new RouteError('PORTICO_ROUTE_SCHEMA', {
      message: `${subject} does not compile: ${(cause as Error).message}`,
      hint: cause instanceof SchemaError ? cause.hint : 'The message has the location in the schema.',
      cause,
    });
  }
}

/** Returns the JSON Schemas of serialisers: a response has the members of its schema. */
function responseSchemas(
  response: NonNullable<ActionOptions['response']>,
  statuses: readonly ByVersion<number>[],
  compiler: SchemaCompiler,
): Readonly<Record<string, JsonSchema>> {
  checkKeys(response, statuses);
  const entries = Object.entries<Schema>(response).map(([status, schema]) => {
    compiled(`the response schema of ${status}`, () => compiler.response(schema));
    try {
      return [status, jsonSchemaOf(schema, 'output', 'draft-07')] as const;
    } catch (cause) {
      throw new RouteError('PORTICO_ROUTE_SCHEMA', {
        message: `the response schema of ${status} has no JSON Schema: ${(cause as Error).message}`,
        hint:
          isStandardSchema(schema) && schema['~standard'].jsonSchema !== undefined
            ? 'Write the type that the JSON has, as z.iso.datetime() for a date, or leave the schema out.'
            : 'Use a library that provides it (Zod 4.2, ArkType 2.1.28, Valibot with toStandardJsonSchema), or write JSON Schema.',
        cause,
      });
    }
  });
  return Object.fromEntries(entries);
}

/** Returns the key of the response schema for a status: the status, or Fastify's range `2xx`; undefined if there is none. */
export function responseKey(status: number, response: object): string | undefined {
  return [String(status), `${Math.floor(status / 100)}xx`].find((key) => Object.hasOwn(response, key));
}

/** Refuses keys that are not a status, and schemas for none of the action's statuses: nothing would be omitted from its responses. */
function checkKeys(response: object, statuses: readonly ByVersion<number>[]): void {
  const keys = Object.keys(response);
  const wrong = keys.find((key) => !/^[1-5](?:\d\d|xx)$/.test(key));
  if (wrong !== undefined) {
    throw new RouteError('PORTICO_ROUTE_SCHEMA', {
      message: `response has "${wrong}" where a status should be`,
      hint: 'Write response: { 200: schema }, a schema for each status.',
    });
  }
  const answers = keys.filter((key) => /^[23]/.test(key));
  const given = statuses.length === 0 ? [200] : statuses.map(({ value }) => value).filter((value) => value !== 204);
  const [missing] = given;
  if (
    answers.length === 0 ||
    missing === undefined ||
    given.some((value) => responseKey(value, response) !== undefined)
  )
    return;
  throw new RouteError('PORTICO_ROUTE_SCHEMA', {
    message: `the action responds with status ${missing}, and response has a schema for ${answers.join(', ')} alone`,
    hint: `Write status: ${answers[0]}, or the schema as response: { ${missing}: … }. Without one, all members of a value are sent.`,
  });
}

function checkedStatus(status: number): number {
  if (Number.isInteger(status) && status >= 200 && status <= 399) return status;
  throw new RouteError('PORTICO_ROUTE_STATUS', {
    message: `an action cannot respond with status ${JSON.stringify(status)}`,
    hint: 'Use a number from 200 to 399; for 400 and above throw a Fault.',
  });
}
