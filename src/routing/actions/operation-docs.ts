/**
 * Parts of an operation in a document beyond its schemas: texts, tags, media types, headers and further statuses.
 */
import {
  FLAG,
  isObject,
  LIST,
  OBJECT,
  type OptionKind,
  refuseUnknownOptions,
  refuseWrongValues,
  TEXT,
} from '../../errors/index.js';
import type { Schema } from './schema.js';

/** Facts about an operation for OpenAPI. Those of an action replace those of its route, its resource and its router, in this order. */
export interface OperationDocs {
  /** Its purpose, in a line. */
  readonly summary?: string | undefined;
  /** Its purpose, as CommonMark. */
  readonly description?: string | undefined;
  /** Groups in which documents list it. Default: the name of its controller. */
  readonly tags?: readonly string[] | undefined;
  /** Its name for generators of clients. Default: controller and action (`books.show`), or the name of the route or of its function. */
  readonly operationId?: string | undefined;
  /** True asks clients to leave it. */
  readonly deprecated?: boolean | undefined;
  /** A page about it: its URL, also with a description. */
  readonly externalDocs?: string | { readonly url: string; readonly description?: string | undefined } | undefined;
  /** True leaves it out of documents. */
  readonly hidden?: boolean | undefined;
  /** Facts of the body of its request besides `body`: a description, or the schema of a form that the action reads. */
  readonly request?: RequestDocs | undefined;
  /** Its responses by status, beside the schemas of `response`: a description, or what they have. */
  readonly responses?: Readonly<Record<number, string | ResponseDocs>> | undefined;
}

/** Description of a body that is sent to an operation. */
export interface RequestDocs {
  /** Media type, or several, for a body that a plugin reads. Default: those of `body`. */
  readonly type?: string | readonly string[] | undefined;
  /** Its schema. Default: that of `body`. */
  readonly schema?: Schema | undefined;
  /** Its description, as CommonMark. Default: none. */
  readonly description?: string | undefined;
  /** Whether it must be sent. Default true. */
  readonly required?: boolean | undefined;
}

/** Description of a response. */
export interface ResponseDocs {
  /** Default: the reason phrase of the status. */
  readonly description?: string | undefined;
  /** Media type, or several: `text/csv`. Default: that of the action, JSON for a schema. */
  readonly type?: string | readonly string[] | undefined;
  /** Schema for documents only, in place of that in `response`. */
  readonly schema?: Schema | undefined;
  /** Schemas of its headers, by name. */
  readonly headers?: Readonly<Record<string, Schema>> | undefined;
}

const LINK: OptionKind = { noun: 'a URL, or an object with url', has: (value) => TEXT.has(Object(value).url ?? value) };
const TYPES: OptionKind = {
  noun: 'a media type, or a list',
  has: (value) => [value].flat().every((type) => TEXT.has(type)),
};

/** Every fact, with its kind of values. */
export const DOCS_KINDS: Readonly<Record<keyof OperationDocs, OptionKind>> = {
  summary: TEXT,
  description: TEXT,
  tags: LIST,
  operationId: TEXT,
  deprecated: FLAG,
  externalDocs: LINK,
  hidden: FLAG,
  request: OBJECT,
  responses: OBJECT,
};

const REQUEST_KINDS: Readonly<Record<keyof RequestDocs, OptionKind>> = {
  type: TYPES,
  schema: OBJECT,
  description: TEXT,
  required: FLAG,
};

const RESPONSE_KINDS: Readonly<Record<keyof ResponseDocs, OptionKind>> = {
  description: TEXT,
  type: TYPES,
  schema: OBJECT,
  headers: OBJECT,
};

/** Refuses unknown names and wrong values in `docs` of a router, a resource or a route. */
export function checkDocs(code: string, what: string, docs: unknown): void {
  if (docs === undefined || docs === null) return;
  refuseWrongValues(code, what, { docs }, { docs: OBJECT });
  refuseUnknownOptions(code, `the docs of ${what}`, docs as object, Object.keys(DOCS_KINDS));
  refuseWrongValues(code, `the docs of ${what}`, docs as object, DOCS_KINDS);
  checkMessages(code, what, docs as OperationDocs);
}

/** Refuses unknown names and wrong values in `request` and `responses`. */
export function checkMessages(code: string, what: string, { request, responses }: OperationDocs): void {
  if (isObject(request)) {
    refuseUnknownOptions(code, `the request of ${what}`, request, Object.keys(REQUEST_KINDS));
    refuseWrongValues(code, `the request of ${what}`, request, REQUEST_KINDS);
  }
  for (const [status, response] of Object.entries(Object(responses) as object)) {
    if (typeof response === 'string') continue;
    const place = `response ${status} of ${what}`;
    refuseWrongValues(code, what, { [status]: response }, { [status]: OBJECT });
    refuseUnknownOptions(code, place, response as object, Object.keys(RESPONSE_KINDS));
    refuseWrongValues(code, place, response as object, RESPONSE_KINDS);
  }
}

/** Returns the facts of an action, with those of its surroundings where it has none; `responses` by status, `externalDocs` as an object. */
export function joinedDocs(docs: readonly (OperationDocs | undefined)[]): OperationDocs {
  const joined: Record<string, unknown> = {};
  for (const each of docs) {
    for (const name of Object.keys(DOCS_KINDS) as (keyof OperationDocs)[]) {
      const value = each?.[name];
      if (value === undefined) continue;
      if (name === 'responses') joined[name] = { ...(joined[name] as object | undefined), ...(value as object) };
      else joined[name] = name === 'externalDocs' && typeof value === 'string' ? { url: value } : value;
    }
  }
  return joined;
}
