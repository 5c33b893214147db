/**
 * Faults in an OpenAPI document: media type and schema of each style in it.
 */
import type { FaultRenderer, FaultStyle, FaultStyleName } from '../app/index.js';

type Json = Record<string, unknown>;

const text = { type: 'string' };
const code = { type: 'integer', minimum: 400, maximum: 599 };

const issue = {
  type: 'object',
  required: ['where', 'path', 'message', 'keyword'],
  properties: {
    where: { enum: ['body', 'query', 'params', 'headers'] },
    path: { type: 'array', items: { type: ['string', 'integer'] } },
    message: text,
    keyword: text,
  },
};

interface DocumentedStyle {
  /** Name of the schema. */
  readonly name: string;
  readonly type: string;
  readonly schema: Json;
}

const STYLES: Readonly<Record<FaultStyleName, DocumentedStyle>> = {
  portico: {
    name: 'Fault',
    type: 'application/json',
    schema: {
      type: 'object',
      required: ['error'],
      properties: {
        error: {
          type: 'object',
          required: ['code', 'title', 'message'],
          properties: { code, title: text, message: text, issues: { type: 'array', items: issue }, request_id: text },
        },
      },
    },
  },
  problem: {
    name: 'Problem',
    type: 'application/problem+json',
    schema: {
      description: 'Problem details (RFC 9457).',
      type: 'object',
      required: ['type', 'title', 'status', 'detail'],
      properties: {
        type: { type: 'string', format: 'uri-reference' },
        title: text,
        status: code,
        detail: text,
        instance: { type: 'string', format: 'uri-reference' },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['detail', 'keyword'],
            properties: { detail: text, pointer: text, parameter: text, header: text, keyword: text },
          },
        },
        request_id: text,
      },
    },
  },
  openstack: {
    name: 'OpenStackFault',
    type: 'application/json',
    schema: {
      description: 'One member, named after the kind of fault.',
      type: 'object',
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: {
        type: 'object',
        required: ['code', 'message'],
        properties: { code, message: text, retryAfter: text },
      },
    },
  },
};

/** Names that other schemas of a document must not use. */
export const FAULT_SCHEMA_NAMES = [...Object.values(STYLES).map(({ name }) => name), 'CustomFault'];

/** Styles of one document. */
export class FaultSchemas {
  readonly #named = new Map<FaultStyle, DocumentedStyle>();

  /** Returns the content of a response with a fault in that style. */
  content(style: FaultStyle): Json {
    const { name, type } = this.#documented(style);
    return { [type]: { schema: { $ref: `#/components/schemas/${name}` } } };
  }

  /** Returns the schemas of the used styles, by name. */
  components(): Json {
    return Object.fromEntries([...this.#named.values()].map(({ name, schema }) => [name, schema]));
  }

  #documented(style: FaultStyle): DocumentedStyle {
    const known = this.#named.get(style) ?? (typeof style === 'function' ? this.#ownStyle(style) : STYLES[style]);
    this.#named.set(style, known);
    return known;
  }

  /** Several renderers, of Routers of one API, are numbered. */
  #ownStyle({ type = 'application/json', schema }: FaultRenderer): DocumentedStyle {
    const others = [...this.#named.keys()].filter((style) => typeof style === 'function').length;
    return {
      name: others === 0 ? 'CustomFault' : `CustomFault${others + 1}`,
      type: type.split(';', 1)[0]!.trim(),
      schema: schema ?? { description: 'The renderer of the application has no schema.' },
    };
  }
}
