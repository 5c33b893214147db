/**
 * `components/schemas` of an OpenAPI document. References of an action's schema apply within that schema; in a document they lead to
 * components, which its definitions become.
 */
import type { FaultRenderer, FaultStyle, FaultStyleName } from '../app/index.js';
import { NAMED_SCHEMAS } from '../app/internal.js';
import { isObject } from '../errors/index.js';
import type { JsonSchema } from './actions/schema.js';

const DEFINITIONS = new Set(['$defs', 'definitions']);
const DATA = new Set(['const', 'enum', 'default', 'examples']);

/** Components of a document: referenced definitions, schemas with an `$id`, and recursive ones. */
export class OpenApiSchemas {
  readonly #components = new Map<string, JsonSchema>();
  readonly #nameByText = new Map<string, string>();
  /** Names, each with the side of its schema. */
  readonly #taken: Map<string, string>;

  /** `taken`: names that schemas of actions must not use. */
  constructor(taken: readonly string[]) {
    this.#taken = new Map(taken.map((name) => [name, '']));
  }

  /**
   * Returns the schema for a location of the document. `name`: that of its component if it becomes one without an `$id`. `side` is added to
   * the name of a schema that differs from an earlier one of that name.
   */
  placed(schema: JsonSchema, name: string, side: 'Input' | 'Output'): JsonSchema {
    const local = new LocalSchemas(schema, name, side);
    const written = this.#written(local, '');
    return local.names.has('') || local.hasId ? { $ref: this.#link(local, '') } : written;
  }

  /** Returns the schema with its own members, which become parameters. */
  inPlace(schema: JsonSchema): JsonSchema {
    return this.#written(new LocalSchemas(schema, 'query', 'Input'), '');
  }

  get components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries(this.#components);
  }

  #written(local: LocalSchemas, at: string): JsonSchema {
    return local.written(at, (to) => this.#link(local, to));
  }

  #link(local: LocalSchemas, at: string): string {
    let name = local.names.get(at);
    if (name === undefined) {
      const text = local.textOf(at);
      name = this.#nameByText.get(text) ?? this.#freeName(local.nameOf(at), local.side);
      local.names.set(at, name);
      if (!this.#nameByText.has(text)) {
        this.#nameByText.set(text, name);
        this.#components.set(name, this.#written(local, at));
      }
    }
    return `#/components/schemas/${name}`;
  }

  #freeName(wanted: string, side: string): string {
    const plain = wanted.replace(/[^\w.-]/g, '_');
    const name = (this.#taken.get(plain) || side) === side ? plain : plain + side;
    for (let number = 1; ; number += 1) {
      const free = number === 1 ? name : `${name}.${number}`;
      if (this.#taken.has(free)) continue;
      this.#taken.set(free, side);
      return free;
    }
  }
}

/** A part that references within one schema can name. */
interface Target {
  readonly schema: unknown;
  /** Undefined for a schema without a name: it is named after its location. */
  readonly name: string | undefined;
  /** Base of references from here: the nearest enclosing schema with an `$id`. */
  readonly base: string;
}

/** One schema of an action, and the targets of its references: by JSON Pointer; '' is the schema itself. */
class LocalSchemas {
  /** Names of the components that were created. */
  readonly names = new Map<string, string>();
  readonly hasId: boolean;
  readonly side: string;
  readonly #name: string;
  readonly #targets = new Map<string, Target>();
  readonly #byId = new Map<string, string>();

  constructor(schema: JsonSchema, name: string, side: string) {
    this.side = side;
    this.#find(schema, '', '', undefined);
    this.hasId = this.#targets.has('');
    if (!this.hasId) this.#targets.set('', { schema, name: undefined, base: '' });
    this.#name = name;
  }

  nameOf(at: string): string {
    return this.#targets.get(at)!.name ?? this.#name;
  }

  /** Returns a text that is equal for equal schemas, including all referenced ones. */
  textOf(at: string): string {
    const targets = new Map<string, number>();
    const parts: unknown[] = [];
    const link = (to: string): string => {
      const number = targets.get(to) ?? targets.size;
      if (number === targets.size) {
        targets.set(to, number);
        parts[number] = [this.#targets.get(to)!.name, this.written(to, link)];
      }
      return `#${number}`;
    };
    link(at);
    return JSON.stringify(parts);
  }

  /** Returns a target without its definitions; `link` returns the destination of a reference. */
  written(at: string, link: (to: string) => string): JsonSchema {
    const { schema, base } = this.#targets.get(at)!;
    const rewrite = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(rewrite);
      if (!isObject(value)) return value;
      if (value !== schema && typeof value.$id === 'string') return { $ref: link(this.#byId.get(value.$id)!) };
      return Object.fromEntries(Object.entries(value).flatMap(([key, inner]) => member(key, inner)));
    };
    const member = (key: string, inner: unknown): [string, unknown][] => {
      if (DEFINITIONS.has(key) || key === '$id' || key === '$schema') return [];
      if (key === '$ref') return [[key, this.#resolved(String(inner), base, link)]];
      if (DATA.has(key)) return [[key, inner]];
      if (!NAMED_SCHEMAS.has(key) || !isObject(inner)) return [[key, rewrite(inner)]];
      return [[key, Object.fromEntries(Object.entries(inner).map(([name, one]) => [name, rewrite(one)]))]];
    };
    return rewrite(schema) as JsonSchema;
  }

  /** A reference out of the schema is unchanged. */
  #resolved(reference: string, base: string, link: (to: string) => string): string {
    const [id = '', fragment = ''] = reference.split('#');
    const from = id === '' ? base : this.#byId.get(id);
    if (from === undefined || (fragment !== '' && !fragment.startsWith('/'))) return reference;
    const pointer = from + decodeURIComponent(fragment);
    let to = pointer;
    while (!this.#targets.has(to)) to = to.slice(0, to.lastIndexOf('/'));
    return link(to) + encodeURI(pointer.slice(to.length));
  }

  #find(schema: unknown, at: string, around: string, definition: string | undefined): void {
    const id = isObject(schema) && typeof schema.$id === 'string' ? schema.$id : undefined;
    const base = id === undefined ? around : at;
    const name = definition ?? id?.replace(/[#/]+$/, '').replace(/^.*\//, '');
    if (id !== undefined) this.#byId.set(id, at);
    if (name !== undefined) this.#targets.set(at, { schema, name, base });
    if (typeof schema !== 'object' || schema === null) return;
    // For a list the keys are its indexes.
    for (const [key, inner] of Object.entries(schema)) {
      const path = `${at}/${escapePointer(key)}`;
      if (DATA.has(key)) continue;
      if (!NAMED_SCHEMAS.has(key) || !isObject(inner)) this.#find(inner, path, base, undefined);
      else {
        for (const [own, one] of Object.entries(inner)) {
          this.#find(one, `${path}/${escapePointer(own)}`, base, DEFINITIONS.has(key) ? own : undefined);
        }
      }
    }
  }
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

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

/** Faults in an OpenAPI document: media type and schema of each style in it. */
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
