/**
 * JSON of messages as Python writes and reads it. Values that JSON lacks become text, numbers or lists, which Python reads; their types
 * travel beside them, so that Portico restores them.
 */
import { randomUUID } from 'node:crypto';
import { ignoreErrors } from 'portico/extension';
import { notPlain } from 'portico/service';
import { SerializationError } from '../errors.js';

/** Member of a message with what is only for Portico: Python ignores it. */
export const EXTRAS = '_portico';
/** Their version, in their `v`. A process cannot read others: a value would arrive as something else. */
export const EXTRAS_VERSION = 1;

/** Types of the members of a value, in its form: `{"args": {"since": "date"}}`. A list has the type of a collection, and those within. */
type Types = string | readonly [string, Types] | { readonly [name: string]: Types };

/** Members to read. */
export type Read = Readonly<Record<string, unknown>>;

/** Restores a value from its JSON. Each throws for an invalid one. */
const RESTORED: Readonly<Record<string, (value: unknown) => unknown>> = {
  date: (text) => {
    const date = new Date(`${text as string}Z`);
    if (typeof text !== 'string' || Number.isNaN(date.getTime())) throw new TypeError('a date that is none');
    return date;
  },
  bytes: (text) => {
    if (typeof text !== 'string') throw new TypeError('bytes that are not text');
    return Buffer.from(text, 'base64');
  },
  bigint: (number) => {
    if (!Number.isSafeInteger(number) && typeof number !== 'bigint') throw new TypeError('a bigint that is none');
    return BigInt(number as number);
  },
  set: (list) => new Set(listOf(list)),
  map: (value) =>
    new Map(
      isRecord(value)
        ? Object.entries(value)
        : listOf(value).map((pair) => listOf(pair) as unknown as [unknown, unknown]),
    ),
};

/** Depth from which a value is traversed in another way, which finds cycles. */
const DEEP = 64;

/** Prefix of values without a JSON form while a text is written or read. No sender knows it. */
const MARK = `${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}(-?(?:\\d+|NaN|Infinity))"`, 'g');

/** Shorter whole numbers are exact; 16 digits may not be. NaN and Infinity are not JSON, but Python writes them. */
const UNUSUAL = /\d{16}|NaN|Infinity/;
/** The beginning of a string, or a number. */
const TOKENS = /"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity/g;

/** Longest whole number, as in Python: reading a longer one takes more than linear time. */
const LONGEST_DIGITS = 4300;

/** Reports whether a value has names and values, as arguments and contexts do. */
export function isRecord(value: unknown): value is Read {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Returns the JSON of a message, with the types of its values in its extras. Throws `SerializationError` for a value that is not plain data,
 * with its path. `what`: the name of the message, for errors. `onlyJson`: also for one that JSON lacks, except dates, outside of the extras.
 */
export function writeJson(message: Read, what: string, onlyJson = false): string {
  try {
    return isJson(message, 0) ? JSON.stringify(message) : typedText(message, what, onlyJson);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SerializationError({
      message: `${what}: it is nested too deeply to be sent`,
      hint: 'Send lists of ids, or a document as text.',
    });
  }
}

/**
 * Parses a text, and restores the types of its values. Whole numbers beyond 2^53 have type `bigint`; NaN and Infinity are kept. Each name is
 * an own property, `__proto__` too. Throws a `TypeError` or `SyntaxError` without the content.
 */
export function readJson(text: string): unknown {
  const read = parsed(text);
  const extras = isRecord(read) ? read[EXTRAS] : undefined;
  if (!isRecord(extras)) return read;
  if (extras.v !== EXTRAS_VERSION) throw new TypeError(`its extras are not of version ${EXTRAS_VERSION}`);
  if (extras.types === undefined) return read;
  try {
    return restored(read, extras.types);
  } catch (error) {
    throw new TypeError(error instanceof RangeError ? 'nested too deeply' : (error as Error).message);
  }
}

/** Values are looked at after the parser: a search of each text takes as long as it. */
function parsed(text: string): unknown {
  const read: unknown = ignoreErrors(() => JSON.parse(text) as unknown);
  if (read !== undefined && (isExact(read) || !UNUSUAL.test(text))) return read;
  try {
    return JSON.parse(withMarks(text), revived);
  } catch {
    // Node's own message quotes the text.
    throw new SyntaxError('not JSON');
  }
}

/** Reports whether no number was rounded. False also if the value is too deep to tell. */
function isExact(read: unknown): boolean {
  return ignoreErrors(() => isJson(read, Number.NEGATIVE_INFINITY)) === true;
}

/** Reports whether JSON can represent the value unchanged: most messages have only such values. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined) return true;
  if (typeof value === 'number') return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value !== 'object' || depth > DEEP) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) {
    if (prototype !== Array.prototype) return false;
    for (const each of value) if (!isJson(each, depth + 1)) return false;
    return true;
  }
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name of Object.keys(value)) if (!isJson((value as Read)[name], depth + 1)) return false;
  return true;
}

function typedText(message: Read, what: string, onlyJson: boolean): string {
  const behaviour = notPlain(message, '');
  if (behaviour !== undefined) {
    throw new SerializationError({
      message: `${what}: it contains other than plain data: ${behaviour.replace(/^\./, '')}`,
      hint: 'Managers work with plain data: pass ids and values, not objects with methods.',
    });
  }
  const lacking = onlyJson ? beyondJson({ ...message, [EXTRAS]: null }, '') : undefined;
  if (lacking !== undefined) {
    throw new SerializationError({
      message: `${what}: ${lacking.slice(1)}, which Python would not read as it is`,
      hint: 'oslo+rabbit:// carries JSON and dates: send null, a list, an object or text, or convert values with a Serializer.',
    });
  }
  // One that is only deep.
  if (isJson(message, Number.NEGATIVE_INFINITY)) return JSON.stringify(message);
  const { value, types } = converted(message);
  const plain = value as Read;
  const whole =
    types === undefined ? plain : { ...plain, [EXTRAS]: { v: EXTRAS_VERSION, ...(plain[EXTRAS] as Read), types } };
  const text = JSON.stringify(whole);
  return text.includes(MARK) ? text.replaceAll(MARKED, '$1') : text;
}

/** Returns the first part of plain data that JSON lacks, except dates, with its path; undefined if there is none. */
function beyondJson(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path}: ${value}`;
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined;
  if (!Array.isArray(value) && !isRecord(value)) return `${path}: a ${value.constructor.name}`;
  for (const [name, each] of Object.entries(value)) {
    const found = beyondJson(each, `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A value for JSON, and its types. */
interface Converted {
  readonly value: unknown;
  readonly types?: Types | undefined;
}

function converted(value: unknown): Converted {
  if (typeof value === 'bigint') return { value: `${MARK}${value}`, types: 'bigint' };
  if (typeof value === 'number') return { value: Number.isFinite(value) ? value : `${MARK}${value}` };
  if (typeof value !== 'object' || value === null) return { value };
  // As `oslo_serialization.jsonutils` does.
  if (value instanceof Date) return { value: `${value.toISOString().slice(0, -1)}000`, types: 'date' };
  if (value instanceof Uint8Array) return { value: Buffer.from(value).toString('base64'), types: 'bytes' };
  if (Array.isArray(value)) return list(value);
  if (value instanceof Set) return collection('set', list([...value]));
  if (!(value instanceof Map)) return members(Object.entries(value));
  const entries = [...(value as Map<unknown, unknown>)];
  const isNamed = entries.every(([key]) => typeof key === 'string');
  return collection('map', isNamed ? members(entries as [string, unknown][]) : list(entries));
}

function collection(type: string, { value, types }: Converted): Converted {
  return { value, types: types === undefined ? type : [type, types] };
}

function list(values: readonly unknown[]): Converted {
  const { value, types } = members(values.map((each, at) => [String(at), each]));
  return { value: Object.values(value as Read), types };
}

function members(entries: readonly (readonly [string, unknown])[]): Converted {
  const values: [string, unknown][] = [];
  const types: [string, Types][] = [];
  for (const [name, each] of entries) {
    const inner = converted(each);
    values.push([name, inner.value]);
    if (inner.types !== undefined) types.push([name, inner.types]);
  }
  // Each name is an own property, whatever it is.
  return { value: Object.fromEntries(values), types: types.length === 0 ? undefined : Object.fromEntries(types) };
}

/** Restores a parsed value in its place. All members are its own, so that no assignment changes what it inherits. */
function restored(value: unknown, types: unknown): unknown {
  if (typeof types === 'string') return asType(types, value);
  if (Array.isArray(types)) return asType(String(types[0]), restored(value, types[1]));
  if (!isRecord(types) || typeof value !== 'object' || value === null) throw new TypeError('types that do not fit');
  const parts = value as Record<string, unknown>;
  for (const name of Object.keys(types)) {
    if (!Object.hasOwn(parts, name)) throw new TypeError('types that do not fit');
    parts[name] = restored(parts[name], types[name]);
  }
  return value;
}

function asType(type: string, value: unknown): unknown {
  if (!Object.hasOwn(RESTORED, type)) throw new TypeError('a type that is unknown here');
  return RESTORED[type]!(value);
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a collection without its list');
  return value as unknown[];
}

/** Marks the numbers outside strings. A string is skipped by a loop: an expression would need memory for each of its escapes. */
function withMarks(text: string): string {
  const parts: string[] = [];
  let from = 0;
  TOKENS.lastIndex = 0;
  for (let found = TOKENS.exec(text); found !== null; found = TOKENS.exec(text)) {
    const [token] = found;
    if (token === '"') {
      TOKENS.lastIndex = endOfString(text, TOKENS.lastIndex);
      continue;
    }
    parts.push(text.slice(from, found.index), marked(token));
    from = TOKENS.lastIndex;
  }
  return parts.join('') + text.slice(from);
}

/** Returns the index after the string whose content begins there: that of the text without an end. */
function endOfString(text: string, from: number): number {
  for (let quote = text.indexOf('"', from); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = 0;
    while (text[quote - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return quote + 1;
  }
  return text.length;
}

function marked(token: string): string {
  const isExact = /[.eE]/.test(token) || Number.isSafeInteger(Number(token));
  if (isExact) return token;
  if (token.length > LONGEST_DIGITS) throw new SyntaxError('a whole number with too many digits');
  return `"${MARK}${token}"`;
}

function revived(_name: string, value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith(MARK)) return value;
  const token = value.slice(MARK.length);
  return /\d/.test(token) ? BigInt(token) : Number(token);
}
