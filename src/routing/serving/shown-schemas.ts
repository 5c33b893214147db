/**
 * Schemas of actions as plugins of Fastify see them.
 */
import type { FastifySchema } from 'fastify';
import type { RangedOptions } from '../actions/action.js';
import { type WrittenType, writtenTypes } from '../actions/body-option.js';
import type { OperationDocs } from '../actions/operation-docs.js';
import { documentedSchema, type JsonSchema, type Schema } from '../actions/schema.js';
import type { Schemas } from '../actions/schema-options.js';
import { WITH_BODY } from './request-body.js';

/** Returns the part of an action that plugins can read. Schemas by version are only in `openApiDocument`. */
export function shownSchemas(
  path: string,
  methods: readonly string[],
  { body, query }: RangedOptions,
  { summary, description, tags, operationId, deprecated, externalDocs, hidden, request }: OperationDocs,
): FastifySchema {
  const texts = { summary, description, tags, operationId, deprecated, externalDocs };
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const params = Object.fromEntries(names.map((name) => [name, { type: 'string' }]));
  const shown = (schemas: Schemas | undefined): JsonSchema | undefined =>
    schemas === undefined || Array.isArray(schemas) ? undefined : documentedSchema(schemas as Schema, 'input');
  const types = body === undefined ? [] : writtenTypes(body);
  const shownBody = types.length === 1 ? shown(types[0]!.schemas) : undefined;
  const consumed = request?.type === undefined ? otherTypes(types) : [request.type].flat();
  const shownQuery = shown(query);
  return {
    ...(names.length > 0 && { params: { type: 'object', properties: params, required: names } }),
    // Fastify refuses them for other methods.
    ...(typeof shownBody === 'object' && methods.every((method) => WITH_BODY.has(method)) && { body: shownBody }),
    ...(typeof shownQuery === 'object' && { querystring: shownQuery }),
    ...(hidden === true && { hide: true }),
    ...(consumed.length > 0 && { consumes: consumed }),
    ...(Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)) as FastifySchema),
  };
}

/** JSON is what documents assume. */
function otherTypes(types: readonly WrittenType[]): readonly string[] {
  const names = types.map(({ type }) => type);
  return names.every((name) => name === 'application/json') ? [] : names;
}
