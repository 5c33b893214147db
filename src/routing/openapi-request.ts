/**
 * The request body of an operation of an OpenAPI document: its media types, and their schemas.
 */
import type { RangedOptions } from './actions/action.js';
import { type BodyOption, type BodyWord, writtenTypes } from './actions/body-option.js';
import { schemasByVersion } from './actions/by-version.js';
import type { RequestDocs } from './actions/operation-docs.js';
import { documentedSchema, type JsonSchema } from './actions/schema.js';
import type { ApiVersion } from './api-version.js';
import { heldIn, oneOrAny } from './openapi-responses.js';

type Json = Record<string, unknown>;

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
export function bodySchemas(body: BodyOption | undefined, version: ApiVersion | null): readonly JsonSchema[] {
  return (body === undefined ? [] : writtenTypes(body)).flatMap(({ schemas }) =>
    heldIn(schemasByVersion(schemas), version).map((schema) => documentedSchema(schema, 'input')),
  );
}

/** Returns the request body of an action's methods; `declared`: what is said of it besides. */
export function requestBody(
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
