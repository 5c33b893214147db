/**
 * Bodies that an action takes: JSON by a schema, or other media types, each with the way in which it is read; and the types as compiled:
 * which one a request has, and the check of its value.
 */
import type { Readable } from 'node:stream';
import { isObject, nearestOrAll, whatItIs } from '../../errors/index.js';
import { type ApiVersion, EVERY_VERSION } from '../api-version.js';
import { RouteError } from '../route/route-error.js';
import { type ByVersion, type Schemas, type SchemaType, valueFor } from './by-version.js';
import { isStandardSchema } from './schema.js';
import { loadForms } from './upload.js';

/** The media types of one action. */
export class TakenTypes {
  /** True if it takes nothing but JSON, which is read like the bodies of actions that say nothing. */
  readonly isJson: boolean;
  /** True if a request must have a body. */
  readonly isRequired: boolean;
  readonly names: readonly string[];
  readonly #types: readonly TakenType[];

  /** `types`: narrow ones apply before ranges. */
  constructor(types: readonly TakenType[]) {
    const width = ({ type }: TakenType): number => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0);
    this.#types = [...types].sort((a, b) => width(a) - width(b));
    this.isJson = types.every(({ type }) => type === 'application/json');
    this.isRequired = types.some(({ checks }) => checks.length > 0);
    this.names = types.map(({ type }) => type);
  }

  /** Returns the checks of a body by version; those of several types choose by the type that the request has. */
  get checks(): readonly ByVersion<Check>[] {
    if (this.isJson) return this.#types.flatMap(({ checks }) => checks);
    if (!this.isRequired) return [];
    const check: Check = (value, by) => {
      const own = by?.taken === undefined ? undefined : valueFor(by.taken.checks, by.version);
      return own === undefined ? value : own(value);
    };
    return [{ range: EVERY_VERSION, value: check }];
  }

  /**
   * Returns how a body with this media type is read; undefined if it is not taken. Without a type, and for `text/plain` that no type names,
   * it is JSON if the action takes JSON; without a type also what a range of all types says.
   */
  of(type: string): TakenType | undefined {
    const json = this.#types.find(({ read, type: own }) => read === 'json' && own === 'application/json');
    if (type === '') return json ?? this.any;
    const named = this.#types.find(({ type: own }) => own === type || (own.endsWith('/*') && isWithin(type, own)));
    if (named !== undefined && named.type !== '*/*') return named;
    const isLikeJson = type === 'text/plain' || /^application\/[\w.-]+\+json$/.test(type);
    return isLikeJson ? (json ?? named) : named;
  }

  /** Returns what a range of all types says: also for a text that is no media type. */
  get any(): TakenType | undefined {
    return this.#types.find(({ type }) => type === '*/*');
  }

  /** Returns the type for a request without a body. */
  get first(): TakenType {
    return this.#types[0]!;
  }
}

function isWithin(type: string, range: string): boolean {
  return range === '*/*' || type.startsWith(range.slice(0, -1));
}

/** JSON that no schema describes. */
export const ANY_JSON = new TakenTypes([{ type: 'application/json', read: 'json', checks: [] }]);

/** Compiles what an action takes; `checksOf` compiles the schemas of one type. Throws for types that cannot be read. */
export function takenTypes(
  body: BodyOption,
  checksOf: (schemas: Schemas, read: BodyWord) => readonly ByVersion<Check>[],
): TakenTypes {
  return new TakenTypes(
    writtenTypes(body).map(({ type, read, schemas }) => ({
      type,
      read,
      checks: schemas === undefined ? [] : checksOf(schemas, read),
    })),
  );
}

/**
 * Returns the value converted by the schema, or a promise of it. Throws an `InputRefused` for a value that the schema refuses. `by`: the
 * request, for a body of one of several types.
 */
export type Check = (value: unknown, by?: TakenBy) => unknown;

/** One media type that an action takes. */
export interface TakenType {
  /** In lower case; `image/*` is a range, and there is one of all types. */
  readonly type: string;
  readonly read: BodyWord;
  readonly checks: readonly ByVersion<Check>[];
}

/** Facts of a request for the check of its body. */
interface TakenBy {
  readonly taken: TakenType | undefined;
  readonly version: ApiVersion | null;
}

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
      // Now, and not with the first form: the packages on disk may be others by then. A failure is reported to that request.
      if (value === 'stream' && type.startsWith('multipart/')) loadForms().catch(() => undefined);
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
