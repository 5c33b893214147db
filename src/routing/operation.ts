/**
 * The operations of a router: what each of its routes takes and sends, as data. Documents, lists and plans read them, and need nothing else of
 * a router.
 */
import type { Filter } from '../app/index.js';
import { type ByVersion, byVersion, type Schemas } from './actions/by-version.js';
import { HANDLER_ACTION, type Resource } from './actions/controllers.js';
import { joinedDocs, type OperationDocs } from './actions/operation-docs.js';
import { flatQuery } from './actions/query-lists.js';
import { documentedOutput, documentedSchema, type JsonSchema, type Schema } from './actions/schema.js';
import { type BodyWord, writtenTypes } from './actions/taken-types.js';
import { readRange, type VersionRange, type WrittenRange } from './api-version.js';
import type { CompiledRoute } from './matching/compiled-route.js';
import { namedMethods } from './route/conditions.js';
import { requirementSchema } from './route/param-types.js';
import { pathText, requirementOf } from './template/template.js';

/** What a route does with a request: an action, or a redirect. */
export interface Operation {
  /** The route, and its rank in the table. */
  readonly compiled: CompiledRoute;
  /** `/servers/{id}`. */
  readonly path: string;
  /** Null: every method. */
  readonly methods: readonly string[] | null;
  /** Name of the route. */
  readonly name: string | null;
  /** Name of the controller, or of the function. */
  readonly controller: string;
  /** Null: a function, or a redirect. */
  readonly action: string | null;
  /** Variables of the path, with the schema that their type or expression gives. */
  readonly variables: readonly { readonly name: string; readonly schema: JsonSchema }[];
  /** What it takes and sends, oldest versions first. */
  readonly variants: readonly OperationVariant[];
  /** Filters around it, outermost first, and its guard. */
  readonly filters: readonly Filter[];
  /** Facts of its route and its router. */
  readonly docs: OperationDocs;
}

/** What an operation takes and sends in a range of versions; its schemas are JSON Schemas, whatever library has made them. */
export interface OperationVariant {
  readonly versions: WrittenRange | undefined;
  readonly range: VersionRange;
  /** Its facts, with those of its surroundings where it has none. */
  readonly docs: OperationDocs;
  readonly params: readonly ByVersion<JsonSchema>[];
  readonly query: readonly ByVersion<JsonSchema>[];
  readonly headers: readonly ByVersion<JsonSchema>[];
  /** Media types of its body; without schemas any value of the type. */
  readonly body: readonly {
    readonly type: string;
    readonly read: BodyWord;
    readonly schemas: readonly ByVersion<JsonSchema>[] | undefined;
  }[];
  readonly statuses: readonly ByVersion<number>[];
  /** Schemas of responses, by status. */
  readonly response: Readonly<Record<string, JsonSchema>>;
  /** Media type of its responses. Undefined: JSON. */
  readonly type: string | undefined;
  readonly bodyLimit: number | undefined;
}

/** An operation as a router has it. */
export interface WrittenOperation extends Pick<Operation, 'controller' | 'filters' | 'docs'> {
  readonly action: string;
  readonly options: ReturnType<Resource['optionsOf']>;
}

/** Returns the operation of a route. */
export function operationOf(
  compiled: CompiledRoute,
  { controller, action, options, filters, docs }: WrittenOperation,
): Operation {
  const { route } = compiled;
  const inPath = [...route.variables.values()].filter(({ type }) => type !== '.');
  return {
    compiled,
    path: pathText(route.parts) || '/',
    methods: namedMethods(route.conditions),
    name: route.name,
    controller,
    action: action === HANDLER_ACTION ? null : action,
    variables: inPath.map(({ name }) => ({
      name,
      schema: requirementSchema(route.types.get(name), requirementOf(route.requirements, name)),
    })),
    variants: options.map((each) => variantOf(each, docs)),
    filters,
    docs,
  };
}

function variantOf(options: WrittenOperation['options'][number], docs: OperationDocs): OperationVariant {
  const { versions, body, params, query, headers, status, response = {}, bodyLimit } = options;
  const { type = options.sendsChunks === true ? 'application/octet-stream' : undefined } = options;
  const named = (schemas: Schemas | undefined): readonly ByVersion<JsonSchema>[] =>
    inputs(schemas).map(({ range, value }) => ({ range, value: flatQuery(value) }));
  return {
    versions,
    range: readRange(versions),
    docs: joinedDocs([docs, options]),
    params: named(params),
    query: named(query),
    headers: named(headers),
    body: (body === undefined ? [] : writtenTypes(body)).map(({ type, read, schemas }) => ({
      type,
      read,
      schemas: schemas === undefined ? undefined : inputs(schemas),
    })),
    statuses: byVersion(status),
    response: Object.fromEntries(
      Object.entries<Schema>(response).map(([code, schema]) => [code, documentedOutput(schema)]),
    ),
    type,
    bodyLimit,
  };
}

function inputs(schemas: Schemas | undefined): readonly ByVersion<JsonSchema>[] {
  return byVersion<Schema>(schemas).map(({ range, value }) => ({ range, value: documentedSchema(value, 'input') }));
}
