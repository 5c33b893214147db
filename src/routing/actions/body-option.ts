/**
 * Bodies that a route takes: JSON by a schema, or other media types, each with the way in which it is read.
 */
import type { Readable } from 'node:stream';
import { isObject, nearestOrAll, whatItIs } from '../../errors/index.js';
import { RouteError } from '../route/route-error.js';
import { isStandardSchema } from './schema.js';
import type { Schemas, SchemaType } from './schema-options.js';

/** How a body is read: as a value of JSON, as the fields of a form, as a text, as bytes, or by the action itself, as a stream. */
export type BodyWord = keyof typeof TYPES_OF;

/** Bodies by media type: `{ 'application/json': schema, 'image/*': 'stream' }`. */
export type BodyByType = Readonly<Record<`${string}/${string}`, Schemas | BodyWord>>;

/** A schema of JSON, a word for another kind of body, or either of them for each of several media types. */
export type BodyOption = Schemas | BodyWord | BodyByType;

/** Fields of a form; a repeated one is a list. */
export type FormFields = Readonly<Record<string, string | string[] | undefined>>;

export interface WordTypes {
  readonly json: unknown;
  readonly form: FormFields;
  readonly text: string;
  readonly bytes: Buffer;
  readonly stream: Readable;
}

/** Type of the body that an option takes. */
export type BodyType<S> = S extends BodyWord
  ? WordTypes[S]
  : [keyof S] extends [never]
    ? SchemaType<S>
    : [keyof S] extends [`${string}/${string}`]
      ? { [K in keyof S]: BodyType<S[K]> }[keyof S]
      : SchemaType<S>;

/** Media types that a word takes by itself. */
const TYPES_OF = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  text: 'text/*',
  bytes: '*/*',
  stream: '*/*',
} as const;

/** One media type of a body. */
export interface WrittenType {
  /** In lower case; `image/*` is a range, and there is one of all types. */
  readonly type: string;
  readonly read: BodyWord;
  readonly schemas?: Schemas | undefined;
}

/** Returns the media types of a body. Throws `PORTICO_ROUTE_SCHEMA` for one that cannot be read. */
export function writtenTypes(body: BodyOption): readonly WrittenType[] {
  if (typeof body === 'string') {
    refuseUnknown(body);
    return [{ type: TYPES_OF[body], read: body }];
  }
  if (!isByType(body)) return [{ type: TYPES_OF.json, read: 'json', schemas: body }];
  return Object.entries(body).map(([written, value]) => {
    const type = written.toLowerCase();
    if (!MEDIA_RANGE.test(type)) {
      throw refused(
        `body has "${written}" among its media types`,
        "Write a type without parameters, such as 'image/*'.",
      );
    }
    if (typeof value === 'string') {
      refuseUnknown(value);
      return { type, read: value };
    }
    return { type, read: readerOf(type), schemas: value as Schemas };
  });
}

/** RFC 9110 §12.5.1, without parameters. */
const MEDIA_RANGE = /^(?:\*\/\*|[\w!#$%&'+.^`|~-]+\/(?:\*|[\w!#$%&'*+.^`|~-]+))$/;

/** Reports whether the keys of an object are media types: no keyword of JSON Schema has a slash. */
export function isByType(body: unknown): body is BodyByType {
  return isObject(body) && !isStandardSchema(body) && Object.keys(body).some((key) => key.includes('/'));
}

/** Returns how a body is read that a schema describes. */
function readerOf(type: string): BodyWord {
  if (type.includes('json')) return 'json';
  if (type === TYPES_OF.form) return 'form';
  if (type.startsWith('text/')) return 'text';
  throw refused(
    `body has a schema for "${type}", which is not read as a value`,
    `Write 'stream' or 'bytes' for it; schemas describe JSON, forms and texts.`,
  );
}

function refuseUnknown(word: unknown): asserts word is BodyWord {
  if (typeof word === 'string' && Object.hasOwn(TYPES_OF, word)) return;
  throw refused(
    `body is ${whatItIs(word)}, which is no kind of body`,
    nearestOrAll(String(word), Object.keys(TYPES_OF), 'Kinds'),
  );
}

function refused(message: string, hint: string | undefined): RouteError {
  return new RouteError('PORTICO_ROUTE_SCHEMA', { message, hint });
}
