/** One operation of an OpenAPI document: an action, in one version or in all, with its responses and the additions of its filters. */
import type { OpenApiAdditions } from '../app/index.js';
import { type FaultForm, reasonPhrase } from '../app/internal.js';
import { isObject } from '../errors/index.js';
import { INPUT_PARTS, type RangedOptions } from './actions/action.js';
import { type ByVersion, type Schemas, schemasByVersion, statusesByVersion } from './actions/by-version.js';
import { HANDLER_ACTION } from './actions/controllers.js';
import { joinedDocs, type OperationDocs, type RequestDocs, type ResponseDocs } from './actions/operation-docs.js';
import { flatQuery } from './actions/query-lists.js';
import { documentedOutput, documentedSchema, type JsonSchema } from './actions/schema.js';
import { type BodyOption, type BodyWord, writtenTypes } from './actions/taken-types.js';
import { type ApiVersion, readRange } from './api-version.js';
import type { OperationSource } from './built-router.js';
import type { CompiledRoute } from './matching/compiled-route.js';
import type { FaultSchemas, OpenApiSchemas } from './openapi-schemas.js';
import { requirementSchema } from './route/param-types.js';
import { pathText, requirementOf } from './template/template.js';
import { headerOf, type VersionOptions } from './version-negotiation.js';

export type Json = Record<string, unknown>;

/** Location of an action in a document. */
export interface OperationPlace {
  /** Names of the path's variables, in order. */
  readonly names: readonly string[];
  readonly method: string;
  /** Null: all versions. */
  readonly version: ApiVersion | null;
  readonly versions: VersionOptions | undefined;
  /** Additions of filters, of the pipeline and of the router, with the style of their faults. */
  readonly filters: readonly { readonly additions: readonly OpenApiAdditions[]; readonly faults: FaultForm }[];
  /** Schemas of faults. */
  readonly faultSchemas: FaultSchemas;
  /** Schemas of the document, which include referenced ones. */
  readonly schemas: OpenApiSchemas;
  /** Gets the names of guards that say no scheme, where nothing else says one. */
  readonly guards: Set<string>;
}

/** Returns the operation of a route; undefined if its action does not exist in the version, or is hidden. */
export function operationOf(
  compiled: CompiledRoute,
  { controller, action, methods, docs: around }: OperationSource,
  { names, method, version, versions, filters, schemas, faultSchemas, guards }: OperationPlace,
): Json | undefined {
  const there = methods.filter(({ versions }) => version?.within(readRange(versions)) ?? true);
  const docs = joinedDocs([around, there.at(-1)]);
  if ((there.length === 0 && methods.length > 0) || docs.hidden === true) return undefined;
  const inner = filters.at(-1)!.faults;
  const faultContent = faultSchemas.content(inner.style);
  const isFunction = action === HANDLER_ACTION;
  const id = isFunction ? functionId(compiled, method, controller) : `${controller}.${action}`;
  const additions = filters.flatMap((group) => group.additions);
  const inBody = (schema: JsonSchema): JsonSchema => schemas.placed(schema, `${id}.body`, 'Input');
  const queryOf: SchemasIn = (query, version) =>
    schemasOf(query, version).map((schema) => schemas.inPlace(flatQuery(schema)));
  const parameters = [
    ...pathParameters(
      compiled,
      names,
      there.flatMap(({ params }) => queryOf(params, version)),
    ),
    ...parametersIn(
      'query',
      there.map(({ query }) => queryOf(query, version)),
    ),
    ...parametersIn(
      'header',
      there.map(({ headers }) => queryOf(headers, version)),
    ),
    ...(versions === undefined ? [] : [versionParameter(versions, version)]),
    ...additions.flatMap((one) => one.parameters ?? []),
  ] as Parameter[];
  return {
    operationId: docs.operationId ?? id,
    ...(isFunction ? {} : { tags: [controller] }),
    ...textsOf(docs),
    parameters: onlyFirst(parameters),
    ...requestBody(there, version, docs.request, inBody),
    responses: withHeaders(
      {
        ...Object.assign(
          {},
          ...filters.map(({ additions: added, faults }) =>
            addedResponses(added, () => faultSchemas.content(faults.style)),
          ),
        ),
        ...refusedInput(there, inner, faultContent),
        ...responsesOf(there, version, docs.responses, {
          placed: (schema) => schemas.placed(schema, `${id}.response`, 'Output'),
          inPlace: (schema) => schemas.inPlace(schema),
          faultContent,
        }),
        default: { description: 'a fault', content: faultContent },
      },
      additions,
      method,
    ),
    ...securityOf(additions, guards),
    ...(version === null ? versionsOf(methods, inBody, queryOf) : {}),
  };
}

/** Returns the facts of an operation that a document repeats as they are written. */
function textsOf({ summary, description, tags, deprecated, externalDocs }: OperationDocs): Json {
  return {
    ...(tags !== undefined && { tags }),
    ...(summary !== undefined && { summary }),
    ...(description !== undefined && { description }),
    ...(deprecated === true && { deprecated }),
    ...(externalDocs !== undefined && { externalDocs }),
  };
}

/** Returns the id for a route without a controller: its name, else that of its function, else method and path. */
function functionId({ route }: CompiledRoute, method: string, called: string): string {
  if (route.name !== null) return route.name;
  if (!called.includes(' ')) return called;
  return [method.toLowerCase(), ...(pathText(route.parts).match(/\w+/g) ?? [])].join('_');
}

interface Parameter {
  readonly name: string;
  readonly in: string;
}

/** Keeps the first of two with the same name and location. */
function onlyFirst(parameters: readonly Parameter[]): readonly Parameter[] {
  const byName = new Map<string, Parameter>();
  for (const parameter of parameters) {
    const key = `${parameter.in} ${parameter.in === 'header' ? parameter.name.toLowerCase() : parameter.name}`;
    if (!byName.has(key)) byName.set(key, parameter);
  }
  return [...byName.values()];
}

/** By the schemas of the action if they have the variable, else by its expression. */
function pathParameters({ route }: CompiledRoute, names: readonly string[], schemas: readonly JsonSchema[]): Json[] {
  const inPath = [...route.variables.values()].filter(({ type }) => type !== '.');
  return inPath.map(({ name }, at) => {
    const pattern = requirementOf(route.requirements, name);
    const written = schemas.map((schema) => propertyOf(schema, name)).filter((one) => one !== undefined);
    const schema = written.length > 0 ? oneOrAny(written) : requirementSchema(route.types.get(name), pattern);
    return { name: names[at] ?? name, in: 'path', required: true, schema };
  });
}

function propertyOf(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, JsonSchema>> };
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

/** Returns the members of all schemas; required if each of them requires it. */
function parametersIn(place: 'query' | 'header', methods: readonly (readonly JsonSchema[])[]): Json[] {
  const schemas = methods.flat().filter((schema) => typeof schema === 'object');
  const byName = new Map<string, JsonSchema[]>();
  for (const schema of schemas) {
    for (const [name, property] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
      byName.set(name, [...(byName.get(name) ?? []), property]);
    }
  }
  const anyWithout = methods.some((each) => each.length === 0);
  const named = [...byName].map(([name, properties]) => {
    const required = !anyWithout && schemas.every((schema) => ((schema.required ?? []) as string[]).includes(name));
    return { name, in: place, required, schema: oneOrAny(properties) };
  });
  return place === 'query' ? [...named, ...schemas.flatMap(freeParameters)] : named;
}

/** Returns the parameter for names that a schema describes by a pattern, or by any name (OpenAPI 3.1 §4.8.12: an exploded form). */
function freeParameters({ patternProperties, additionalProperties }: Readonly<Record<string, unknown>>): Json[] {
  const hasPatterns = isObject(patternProperties) && Object.keys(patternProperties).length > 0;
  if (!hasPatterns && !isObject(additionalProperties)) return [];
  const schema = {
    type: 'object',
    ...(hasPatterns && { patternProperties }),
    ...(isObject(additionalProperties) && { additionalProperties }),
  };
  return [{ name: 'fields', in: 'query', required: false, style: 'form', explode: true, schema }];
}

function versionParameter(
  { serviceType, min, max, default: usual = min, header }: VersionOptions,
  version: ApiVersion | null,
): Json {
  const parameter = { name: headerOf({ header }), in: 'header' };
  if (version !== null) return { ...parameter, required: true, schema: { const: `${serviceType} ${version.text}` } };
  const description = `The version of the API: ${serviceType} ${min} to ${serviceType} ${max}, or ${serviceType} latest.`;
  return { ...parameter, description, schema: { type: 'string', default: `${serviceType} ${usual}` } };
}

/** Returns responses to a request that a schema refuses. */
function refusedInput(methods: readonly RangedOptions[], { invalidInputStatus }: FaultForm, content: Json): Json {
  if (methods.every((each) => INPUT_PARTS.every((part) => each[part] === undefined))) return {};
  return { [invalidInputStatus]: { description: 'the input is not valid', content } };
}

/** Returns responses of filters; those with the same status share a response. */
function addedResponses(additions: readonly OpenApiAdditions[], faultContent: () => Json): Json {
  const responses: Record<string, { description?: string; headers?: object }> = {};
  for (const [code, added] of additions.flatMap((one) => Object.entries(one.responses ?? {}))) {
    const { description, headers, ...rest } = added as { description?: string; headers?: object };
    const before = responses[code];
    const told = [before?.description, description].filter((text) => text !== undefined);
    responses[code] = {
      content: faultContent(),
      ...before,
      ...rest,
      description: [...new Set(told)].join(' '),
      ...(before?.headers === undefined && headers === undefined
        ? {}
        : { headers: { ...before?.headers, ...headers } }),
    } as { description: string };
  }
  return responses;
}

/** Each filter requires one of its schemes; together they require one of each. Without any, a guard is the name of its scheme. */
function securityOf(additions: readonly OpenApiAdditions[], guards: Set<string>): Json {
  const needs = additions.flatMap(({ needsCaller }) => needsCaller ?? []).at(-1);
  const isNone = (one: object): boolean => Object.keys(one).length === 0;
  const wanted = additions.flatMap(({ security }) => {
    if (security === undefined || (needs === false && security.some(isNone))) return [];
    return [needs === true ? security.filter((one) => !isNone(one)) : security];
  });
  if (wanted.length === 0) {
    const guard = needs === true ? additions.findLast((one) => one.guard !== undefined)?.guard : undefined;
    if (guard === undefined) return {};
    guards.add(guard);
    return { security: [{ [guard]: [] }] };
  }
  const both = (all: readonly object[], one: readonly object[]): object[] =>
    all.flatMap((a) => one.map((b) => ({ ...a, ...b })));
  return { security: wanted.reduce<readonly object[]>(both, [{}]) };
}

/** Describes all versions of an action, if there are several. */
function versionsOf(
  methods: readonly RangedOptions[],
  inBody: (schema: JsonSchema) => JsonSchema,
  queryOf: SchemasIn,
): Json {
  const ranges = methods.filter(({ versions }) => versions !== undefined);
  if (ranges.length === 0) return {};
  return {
    'x-versions': ranges.map(({ versions, body, query, status }) => ({
      from: versions![0],
      to: versions![1] ?? null,
      ...(bodySchemas(body, null).length === 0 ? {} : { body: oneOrAny(bodySchemas(body, null).map(inBody)) }),
      ...(query === undefined ? {} : { query: oneOrAny(queryOf(query, null)) }),
      ...(status === undefined ? {} : { status }),
    })),
  };
}

/** Returns schemas in the document's form. */
type SchemasIn = (schemas: Schemas | undefined, version: ApiVersion | null) => readonly JsonSchema[];

/** Returns the schemas of a version, or of all. */
function schemasOf(schemas: Schemas | undefined, version: ApiVersion | null): readonly JsonSchema[] {
  return heldIn(schemasByVersion(schemas), version).map((schema) => documentedSchema(schema, 'input'));
}

/** Schemas of bodies that no schema describes. */
const OF_WORD: Readonly<Record<BodyWord, JsonSchema | undefined>> = {
  json: undefined,
  form: { type: 'object' },
  text: { type: 'string' },
  // OpenAPI 3.1 §4.8.14.1: binary content has no schema.
  bytes: undefined,
  stream: undefined,
};

/** Returns the schemas of a body, of all its media types. */
function bodySchemas(body: BodyOption | undefined, version: ApiVersion | null): readonly JsonSchema[] {
  return (body === undefined ? [] : writtenTypes(body)).flatMap(({ schemas }) =>
    heldIn(schemasByVersion(schemas), version).map((schema) => documentedSchema(schema, 'input')),
  );
}

/** Returns the request body of an action's methods; `declared`: what is said of it besides. */
function requestBody(
  methods: readonly RangedOptions[],
  version: ApiVersion | null,
  declared: RequestDocs | undefined,
  placed: (schema: JsonSchema) => JsonSchema,
): Json {
  const content = new Map<string, JsonSchema[]>();
  for (const { type, read, schemas } of methods.flatMap(({ body }) => (body === undefined ? [] : writtenTypes(body)))) {
    const written = heldIn(schemasByVersion(schemas), version).map((each) => placed(documentedSchema(each, 'input')));
    const word = schemas === undefined ? OF_WORD[read] : undefined;
    if (schemas !== undefined && written.length === 0) continue;
    content.set(type, [...(content.get(type) ?? []), ...(word === undefined ? written : [word])]);
  }
  if (content.size === 0 && declared === undefined) return {};
  const { schema, description, required } = declared ?? {};
  const types = declared?.type === undefined ? [...content.keys()] : [declared.type].flat();
  const own = schema === undefined ? undefined : [placed(documentedSchema(schema, 'input'))];
  const all = [...content.values()].flat();
  const usual = methods.every(({ body }) => bodySchemas(body, version).length > 0);
  return {
    requestBody: {
      ...(description !== undefined && { description }),
      required: required ?? (declared !== undefined || usual),
      content: Object.fromEntries(
        (types.length === 0 ? ['application/json'] : types).map((type) => {
          const schemas = own ?? content.get(type) ?? all;
          return [type, schemas.length === 0 ? {} : { schema: oneOrAny(schemas) }];
        }),
      ),
    },
  };
}

/** Schemas of a document. */
interface Placing {
  readonly placed: (schema: JsonSchema) => JsonSchema;
  readonly inPlace: (schema: JsonSchema) => JsonSchema;
  readonly faultContent: Json;
}

/** A response under construction; without schemas its content is any value of its types. */
interface Told {
  types: readonly string[];
  schemas: JsonSchema[];
  docs: ResponseDocs;
}

/** Returns the responses of an action, by status; `declared`: what is said of them beside their schemas. */
function responsesOf(
  methods: readonly RangedOptions[],
  version: ApiVersion | null,
  declared: OperationDocs['responses'] = {},
  placing: Placing,
): Json {
  const all = new Map<string, Told>();
  const toldOf = (code: string): Told => {
    const told = all.get(code) ?? { types: [], schemas: [], docs: {} };
    all.set(code, told);
    return told;
  };
  const isDeclared = Object.keys(declared).some((code) => /^[23]/.test(code));
  for (const { status, response = {}, type } of methods) {
    const usual = isDeclared && Object.keys(response).length === 0 ? [] : [200];
    const declaredCodes = status === undefined ? usual : heldIn(statusesByVersion(status), version);
    for (const code of declaredCodes) {
      if (BODYLESS.test(String(code))) toldOf(String(code));
      else toldOf(String(code)).types = [type ?? JSON_TYPE];
    }
    for (const [code, schema] of Object.entries(response)) {
      const told = toldOf(code);
      told.schemas.push(placing.placed(documentedOutput(schema)));
      if (told.types.length === 0) told.types = [type ?? JSON_TYPE];
    }
  }
  for (const [code, docs] of Object.entries(declared)) {
    toldOf(code).docs = typeof docs === 'string' ? { description: docs } : docs;
  }
  return Object.fromEntries([...all].map(([code, told]) => [code, responseOf(code, told, placing)]));
}

function responseOf(code: string, { types, schemas, docs }: Told, { placed, inPlace, faultContent }: Placing): Json {
  const { description, type, schema, headers } = docs;
  const written = schema === undefined ? schemas : [placed(documentedOutput(schema))];
  const usual = written.length > 0 && types.length === 0 ? [JSON_TYPE] : types;
  const names = type === undefined ? usual : [type].flat();
  const media = written.length === 0 ? {} : { schema: oneOrAny(written) };
  const isFault = names.length === 0 && /^[45]/.test(code);
  const own = Object.entries(headers ?? {}).map(([name, each]) => [name, { schema: inPlace(documentedOutput(each)) }]);
  const all = { ...(REDIRECT.test(code) && LOCATION), ...Object.fromEntries(own) };
  return {
    description: description ?? reasonPhrase(Number(code)) ?? code,
    ...(names.length > 0 && { content: Object.fromEntries(names.map((name) => [name, media])) }),
    ...(isFault && { content: faultContent }),
    ...(Object.keys(all).length > 0 && { headers: all }),
  };
}

const JSON_TYPE = 'application/json';
const BODYLESS = /^(?:1..|20[45]|3..)$/;
const REDIRECT = /^30[12378]$/;
const LOCATION = { Location: { schema: { type: 'string', format: 'uri-reference' } } };

/** Adds the headers of filters to responses. */
function withHeaders(responses: Json, additions: readonly OpenApiAdditions[], method: string): Json {
  const reads = method === 'GET' || method === 'HEAD';
  const entries = Object.entries(responses as Record<string, { headers?: object }>).map(([code, one]) => {
    const added = additions.flatMap(({ headers, contentHeaders }) =>
      Object.keys({ ...headers, ...(reads && code === '200' ? contentHeaders : {}) }),
    );
    if (added.length === 0) return [code, one] as const;
    const headers = Object.fromEntries(added.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
    return [code, { ...one, headers: { ...headers, ...one.headers } }] as const;
  });
  return Object.fromEntries(entries);
}

/** Returns the values of a version, or of all. */
function heldIn<T>(values: readonly ByVersion<T>[], version: ApiVersion | null): readonly T[] {
  return values.filter(({ range }) => version?.within(range) ?? true).map(({ value }) => value);
}

/** Returns each schema once. */
function oneOrAny(schemas: readonly JsonSchema[]): JsonSchema {
  const byText = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
  const [first, ...others] = byText.values();
  return others.length === 0 ? first! : { anyOf: [first!, ...others] };
}
