/**
 * An action made ready when the router is built: its handler for each version, its checks, its statuses.
 */
import type { Filter } from '../../app/index.js';
import { SchemaMistake } from '../../app/internal.js';
import { RouteError } from '../mapper/route-error.js';
import {
  type ApiVersion,
  EVERY_VERSION,
  rangesOverlap,
  readRange,
  type VersionRange,
} from '../versions/api-version.js';
import type { AnyHandler, RangedOptions, Schemas, Statuses } from './action.js';
import type { JsonSchema } from './json-schema.js';
import type { Check, SchemaCompiler } from './schema-compiler.js';
import { jsonSchemaOf, type Schema } from './standard-schema.js';

/** Values by version; most have one for all. */
export interface ByVersion<T> {
  readonly range: VersionRange;
  readonly value: T;
}

/** One method of a controller, for a range of versions. */
export interface CompiledAction {
  readonly range: VersionRange;
  /** What `this` is in the handler. */
  readonly controller: object;
  readonly handler: AnyHandler;
  readonly options: RangedOptions;
  readonly filters: readonly Filter[];
  readonly bodyChecks: readonly ByVersion<Check>[];
  readonly queryChecks: readonly ByVersion<Check>[];
  readonly statuses: readonly ByVersion<number>[];
  /** By status. */
  readonly response: Readonly<Record<string, JsonSchema>> | undefined;
}

/** What compiling an action needs. */
export interface ActionSource {
  readonly controller: object;
  readonly handler: AnyHandler;
  readonly options: RangedOptions;
}

/**
 * Compiles an action. Throws a {@link RouteError} for a schema that does not compile, ranges that overlap, and a
 * text that is not a version.
 */
export function compileAction(source: ActionSource, compiler: SchemaCompiler): CompiledAction {
  const { controller, handler, options } = source;
  return {
    range: readRange(options.versions),
    controller,
    handler,
    options,
    filters: options.filters ?? [],
    bodyChecks: byVersion(options.body, 'body', (schema) => compiler.body(schema)),
    queryChecks: byVersion(options.query, 'query', (schema) => compiler.query(schema)),
    statuses: statusesByVersion(options.status),
    response: options.response && responseSchemas(options.response),
  };
}

/** The value for a version; undefined when there is none. Without versions the first one counts. */
export function valueFor<T>(values: readonly ByVersion<T>[], version: ApiVersion | null): T | undefined {
  for (const { range, value } of values) if (version === null || version.within(range)) return value;
  return undefined;
}

/** Refuses ranges that have a version in common. */
export function refuseOverlap(ranges: readonly VersionRange[], what: string): void {
  for (const [index, range] of ranges.entries()) {
    const other = ranges.slice(0, index).find((earlier) => rangesOverlap(earlier, range));
    if (other === undefined) continue;
    throw new RouteError('PORTICO_ROUTE_VERSIONS', {
      message: `${what}: the versions ${describe(other)} and ${describe(range)} overlap`,
      hint: 'Each version must be served by one of them.',
    });
  }
}

function describe({ from, to }: VersionRange): string {
  return `${from === null ? 'the first' : from.text} to ${to === null ? 'the last' : to.text}`;
}

function byVersion(
  schemas: Schemas | undefined,
  what: string,
  compile: (schema: Schema) => Check,
): readonly ByVersion<Check>[] {
  if (schemas === undefined) return [];
  const written = Array.isArray(schemas)
    ? (schemas as readonly { versions: readonly [string | null, (string | null)?]; schema: Schema }[])
    : [{ versions: undefined, schema: schemas as Schema }];
  const values = written.map(({ versions, schema }) => ({
    range: readRange(versions),
    value: compileSchema(schema, what, compile),
  }));
  refuseOverlap(
    values.map(({ range }) => range),
    `the ${what} schemas`,
  );
  return values;
}

function compileSchema(schema: Schema, what: string, compile: (schema: Schema) => Check): Check {
  try {
    return compile(schema);
  } catch (cause) {
    throw new RouteError('PORTICO_ROUTE_SCHEMA', {
      message: `the ${what} schema does not compile: ${(cause as Error).message}`,
      hint: cause instanceof SchemaMistake ? cause.hint : 'The text names the place within the schema.',
      cause,
    });
  }
}

/** The JSON Schemas that serialisers are compiled from: an answer has the members that its schema has. */
function responseSchemas(response: NonNullable<RangedOptions['response']>): Readonly<Record<string, JsonSchema>> {
  const entries = Object.entries<Schema>(response).map(([status, schema]) => {
    try {
      return [status, jsonSchemaOf(schema, 'output', 'draft-07')] as const;
    } catch (cause) {
      throw new RouteError('PORTICO_ROUTE_SCHEMA', {
        message: `the response schema of ${status} gives no JSON Schema: ${(cause as Error).message}`,
        hint: 'Use a library that gives it (Zod 4.2, ArkType 2.1.28, Valibot with toStandardJsonSchema), or write JSON Schema.',
        cause,
      });
    }
  });
  return Object.fromEntries(entries);
}

function statusesByVersion(statuses: Statuses | undefined): readonly ByVersion<number>[] {
  if (statuses === undefined) return [];
  if (typeof statuses === 'number') return [{ range: EVERY_VERSION, value: checkedStatus(statuses) }];
  const values = statuses.map(({ versions, status }) => ({ range: readRange(versions), value: checkedStatus(status) }));
  refuseOverlap(
    values.map(({ range }) => range),
    'the statuses',
  );
  return values;
}

function checkedStatus(status: number): number {
  if (Number.isInteger(status) && status >= 200 && status <= 399) return status;
  throw new RouteError('PORTICO_ROUTE_STATUS', {
    message: `an action cannot answer with status ${status}`,
    hint: '200 to 399; for 400 and above throw a Fault.',
  });
}
