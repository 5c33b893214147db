/**
 * OpenAPI 3.1 from a route table: paths, parameters, schemas, statuses and versions.
 */
import type { RangedOptions, Schemas } from './actions/action.js';
import type { JsonSchema } from './actions/json-schema.js';
import type { BuiltRouter, OperationSource } from './built-router.js';
import type { CompiledRoute } from './matching/compiled-route.js';
import { getOwn } from './template/own-property.js';
import { pathText, type Variable } from './template/template.js';

/** What a document says of the API as a whole. */
export interface OpenApiOptions {
  readonly title: string;
  /** Default: the router's highest version, else 1.0. */
  readonly version?: string | undefined;
  readonly description?: string | undefined;
}

/** What a filter adds to every operation it is around: a filter may carry it as its `openapi`. */
export interface OpenApiAdditions {
  readonly parameters?: readonly object[];
  readonly responses?: Readonly<Record<string, object>>;
  readonly security?: readonly object[];
}

type Json = Record<string, unknown>;

/** The document of a router. Formatted twins, redirects, mounts and routes for any controller are left out. */
export function openApiDocument(router: BuiltRouter, options: OpenApiOptions): Json {
  const paths = new Map<string, Json>();
  const ids = new Map<string, number>();
  for (const compiled of router.compile().ranked) {
    const source = router.operationSource(compiled.route);
    if (source === null || isFormatted(compiled)) continue;
    const path = pathText(compiled.route.parts) || '/';
    // A request always begins with a slash: what does not cannot be asked for.
    if (!path.startsWith('/')) continue;
    const item = paths.get(path) ?? {};
    paths.set(path, item);
    for (const method of methodsOf(compiled)) {
      const name = method.toLowerCase();
      if (Object.hasOwn(item, name)) continue;
      item[name] = { operationId: ownId(`${source.controller}.${source.action}`, ids), ...operation(compiled, source) };
    }
  }
  const { versions } = router;
  const info = {
    title: options.title,
    version: options.version ?? versions?.max ?? '1.0',
    ...(options.description === undefined ? {} : { description: options.description }),
  };
  return {
    openapi: '3.1.0',
    info,
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

const DOCUMENTED = ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE'];

function methodsOf({ route }: CompiledRoute): string[] {
  const method = route.conditions?.method;
  if (method === undefined) return ['GET'];
  const names = typeof method === 'string' ? method.split(/[^A-Za-z-]+/) : method;
  return DOCUMENTED.filter((name) => names.includes(name));
}

/** A resource's twin for `.json`: the path says no more than the one beside it. */
function isFormatted({ route }: CompiledRoute): boolean {
  const [before, last] = [route.parts.at(-2), route.parts.at(-1)];
  if (typeof last !== 'object' || last.name !== 'format' || last.type === '.') return false;
  return typeof before === 'string' && before.endsWith('.');
}

/** No two operations may have one id; an action that several routes lead to gets a number. */
function ownId(id: string, ids: Map<string, number>): string {
  const count = (ids.get(id) ?? 0) + 1;
  ids.set(id, count);
  return count === 1 ? id : `${id}.${count}`;
}

function operation(compiled: CompiledRoute, { controller, methods, filters }: OperationSource): Json {
  const newest = methods.at(-1);
  const added = filters.map((filter) => (filter as { openapi?: OpenApiAdditions }).openapi ?? {});
  const body = schemaOf(newest?.body);
  return {
    tags: [controller],
    ...(newest?.summary === undefined ? {} : { summary: newest.summary }),
    parameters: [
      ...pathParameters(compiled),
      ...queryParameters(schemaOf(newest?.query)),
      ...added.flatMap(({ parameters = [] }) => parameters),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: Object.assign({}, ...added.map(({ responses = {} }) => responses), responsesOf(newest)) as Json,
    ...securityOf(added),
    ...versionsOf(methods),
  };
}

function pathParameters({ route }: CompiledRoute): Json[] {
  const inPath = [...route.variables.values()].filter(({ type }) => type !== '.');
  return inPath.map(({ name }: Variable) => {
    const pattern = getOwn(route.requirements, name);
    const schema = { type: 'string', ...(pattern ? { pattern: `^(?:${pattern})$` } : {}) };
    return { name, in: 'path', required: true, schema };
  });
}

function queryParameters(schema: JsonSchema | undefined): Json[] {
  if (typeof schema !== 'object') return [];
  const required = (schema.required ?? []) as readonly string[];
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: property,
  }));
}

function responsesOf(options: RangedOptions | undefined): Json {
  const status = options?.status;
  const statuses =
    status === undefined ? [200] : typeof status === 'number' ? [status] : status.map((one) => one.status);
  const responses: Json = {};
  for (const code of statuses) responses[code] = { description: `${code}` };
  for (const [code, schema] of Object.entries(options?.response ?? {})) {
    responses[code] = { description: code, content: { 'application/json': { schema } } };
  }
  responses.default = { description: 'a fault' };
  return responses;
}

function securityOf(added: readonly OpenApiAdditions[]): Json {
  const security = added.flatMap((one) => one.security ?? []);
  return security.length === 0 ? {} : { security };
}

/** All versions of an action, where there is more than one: an operation of OpenAPI describes the newest only. */
function versionsOf(methods: readonly RangedOptions[]): Json {
  const ranges = methods.filter(({ versions }) => versions !== undefined);
  if (ranges.length === 0) return {};
  return {
    'x-versions': ranges.map(({ versions, body, query, status }) => ({
      from: versions![0],
      to: versions![1] ?? null,
      ...(schemaOf(body) === undefined ? {} : { body: schemaOf(body) }),
      ...(schemaOf(query) === undefined ? {} : { query: schemaOf(query) }),
      ...(status === undefined ? {} : { status }),
    })),
  };
}

/** The schema, or the one of the newest versions. */
function schemaOf(schemas: Schemas | undefined): JsonSchema | undefined {
  if (!Array.isArray(schemas)) return schemas as JsonSchema | undefined;
  return (schemas as readonly { readonly schema: JsonSchema }[]).at(-1)?.schema;
}
