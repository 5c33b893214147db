/**
 * Responses of an operation of an OpenAPI document: statuses, media types, schemas and headers.
 */
import type { OpenApiAdditions } from '../app/index.js';
import { reasonPhrase } from '../app/internal.js';
import type { RangedOptions } from './actions/action.js';
import { type ByVersion, statusesByVersion } from './actions/by-version.js';
import type { OperationDocs, ResponseDocs } from './actions/operation-docs.js';
import { documentedOutput, type JsonSchema } from './actions/schema.js';
import type { ApiVersion } from './api-version.js';

type Json = Record<string, unknown>;

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
export function responsesOf(
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
  for (const { status, response = {}, sends, replies, type } of methods) {
    const usual = isDeclared && Object.keys(response).length === 0 ? [] : [sends === 'nothing' ? 204 : 200];
    const declaredCodes = status === undefined ? usual : heldIn(statusesByVersion(status), version);
    for (const code of replies === undefined ? declaredCodes : replies.flatMap((one) => one ?? declaredCodes)) {
      if (sends === 'nothing' || BODYLESS.test(String(code))) toldOf(String(code));
      else toldOf(String(code)).types = [type ?? (sends === 'chunks' ? BYTES : JSON_TYPE)];
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
/** Chunks without a declared type have none. */
const BYTES = 'application/octet-stream';
const BODYLESS = /^(?:1..|20[45]|3..)$/;
const REDIRECT = /^30[12378]$/;
const LOCATION = { Location: { schema: { type: 'string', format: 'uri-reference' } } };

/** Adds the headers of filters to responses. */
export function withHeaders(responses: Json, additions: readonly OpenApiAdditions[], method: string): Json {
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
export function heldIn<T>(values: readonly ByVersion<T>[], version: ApiVersion | null): readonly T[] {
  return values.filter(({ range }) => version?.within(range) ?? true).map(({ value }) => value);
}

/** Returns each schema once. */
export function oneOrAny(schemas: readonly JsonSchema[]): JsonSchema {
  const byText = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]));
  const [first, ...others] = byText.values();
  return others.length === 0 ? first! : { anyOf: [first!, ...others] };
}
