/** One operation of an OpenAPI document: an action, in one version or in all, with its responses and the additions of its filters. */
import type { OpenApiAdditions } from '../app/index.js';
import { type FaultForm, reasonPhrase } from '../app/internal.js';
import { isObject } from '../errors/index.js';
import type { ByVersion } from './actions/by-version.js';
import type { OperationDocs, RequestDocs, ResponseDocs } from './actions/operation-docs.js';
import { documentedOutput, documentedSchema, type JsonSchema } from './actions/schema.js';
import type { BodyWord } from './actions/taken-types.js';
import type { ApiVersion } from './api-version.js';
import type { FaultSchemas, OpenApiSchemas } from './openapi-schemas.js';
import type { Operation, OperationVariant } from './operation.js';
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

/** Returns an operation in OpenAPI's form; undefined if its action does not exist in the version, or is hidden. */
export function documentedOperation(
  operation: Operation,
  { names, method, version, versions, filters, schemas, faultSchemas, guards }: OperationPlace,
): Json | undefined {
  const { variants, controller } = operation;
  const there = variants.filter(({ range }) => version?.within(range) ?? true);
  const { docs } = there.at(-1) ?? operation;
  if ((there.length === 0 && variants.length > 0) || docs.hidden === true) return undefined;
  const inner = filters.at(-1)!.faults;
  const faultContent = faultSchemas.content(inner.style);
  const isFunction = operation.action === null;
  const id = isFunction ? functionId(operation, method) : `${controller}.${operation.action}`;
  const additions = filters.flatMap((group) => group.additions);
  const inBody = (schema: JsonSchema): JsonSchema => schemas.placed(schema, `${id}.body`, 'Input');
  const named = (held: readonly ByVersion<JsonSchema>[]): readonly JsonSchema[] =>
    heldIn(held, version).map((schema) => schemas.inPlace(schema));
  const parameters = [
    ...pathParameters(
      operation,
      names,
      there.flatMap(({ params }) => named(params)),
    ),
    ...parametersIn(
      'query',
      there.map(({ query }) => named(query)),
    ),
    ...parametersIn(
      'header',
      there.map(({ headers }) => named(headers)),
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
    ...(version === null ? versionsOf(variants, inBody, (schema) => schemas.inPlace(schema)) : {}),
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
function functionId({ name, controller, path }: Operation, method: string): string {
  if (name !== null) return name;
  return controller.includes(' ') ? [method.toLowerCase(), ...(path.match(/\w+/g) ?? [])].join('_') : controller;
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
function pathParameters({ variables }: Operation, names: readonly string[], schemas: readonly JsonSchema[]): Json[] {
  return variables.map(({ name, schema: usual }, at) => {
    const written = schemas.map((schema) => propertyOf(schema, name)).filter((one) => one !== undefined);
    const schema = written.length > 0 ? oneOrAny(written) : usual;
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
function refusedInput(variants: readonly OperationVariant[], { invalidInputStatus }: FaultForm, content: Json): Json {
  const isFree = variants.every((each) => [each.params, each.query, each.headers, each.body].flat().length === 0);
  return isFree ? {} : { [invalidInputStatus]: { description: 'the input is not valid', content } };
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
  variants: readonly OperationVariant[],
  inBody: (schema: JsonSchema) => JsonSchema,
  inPlace: (schema: JsonSchema) => JsonSchema,
): Json {
  const ranges = variants.filter(({ versions }) => versions !== undefined);
  if (ranges.length === 0) return {};
  return {
    'x-versions': ranges.map((variant) => {
      const { versions, query, statuses } = variant;
      const bodies = bodySchemas(variant, null);
      const [status, ...more] = statuses;
      return {
        from: versions![0],
        to: versions![1] ?? null,
        ...(bodies.length === 0 ? {} : { body: oneOrAny(bodies.map(inBody)) }),
        ...(query.length === 0 ? {} : { query: oneOrAny(query.map(({ value }) => inPlace(value))) }),
        ...(status === undefined ? {} : { status: more.length === 0 ? status.value : statuses.map(rangedStatus) }),
      };
    }),
  };
}

function rangedStatus({ range: { from, to }, value }: ByVersion<number>): Json {
  return { versions: [from?.text ?? null, ...(to === null ? [] : [to.text])], status: value };
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
function bodySchemas({ body }: OperationVariant, version: ApiVersion | null): readonly JsonSchema[] {
  return body.flatMap(({ schemas = [] }) => heldIn(schemas, version));
}

/** Returns the request body of an operation; `declared`: what is said of it besides. */
function requestBody(
  variants: readonly OperationVariant[],
  version: ApiVersion | null,
  declared: RequestDocs | undefined,
  placed: (schema: JsonSchema) => JsonSchema,
): Json {
  const content = new Map<string, JsonSchema[]>();
  for (const { type, read, schemas } of variants.flatMap(({ body }) => body)) {
    const written = heldIn(schemas ?? [], version).map(placed);
    const word = schemas === undefined ? OF_WORD[read] : undefined;
    if (schemas !== undefined && written.length === 0) continue;
    content.set(type, [...(content.get(type) ?? []), ...(word === undefined ? written : [word])]);
  }
  if (content.size === 0 && declared === undefined) return {};
  const { schema, description, required } = declared ?? {};
  const types = declared?.type === undefined ? [...content.keys()] : [declared.type].flat();
  const own = schema === undefined ? undefined : [placed(documentedSchema(schema, 'input'))];
  const all = [...content.values()].flat();
  const usual = variants.every((variant) => bodySchemas(variant, version).length > 0);
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
  variants: readonly OperationVariant[],
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
  for (const { statuses, response, type } of variants) {
    const usual = isDeclared && Object.keys(response).length === 0 ? [] : [200];
    for (const code of statuses.length === 0 ? usual : heldIn(statuses, version)) {
      if (BODYLESS.test(String(code))) toldOf(String(code));
      else toldOf(String(code)).types = [type ?? JSON_TYPE];
    }
    for (const [code, schema] of Object.entries(response)) {
      const told = toldOf(code);
      told.schemas.push(placing.placed(schema));
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
