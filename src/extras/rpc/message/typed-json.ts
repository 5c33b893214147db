/**
 * JSON of messages as Python writes and reads it, with dates, which become text, and whole numbers of any length; their types travel beside
 * them, so that Portico restores them. What else JSON lacks is not sent: Python would read something in its place.
 */
import { randomUUID } from 'node:crypto';
import { ignoreErrors } from 'portico/extension';
import { notPlain } from 'portico/service';
import { SerializationError } from '../errors.js';

/** Member of a message with what is only for Portico: Python ignores it. */
export const EXTRAS = '_portico';
/** Their version, in their `v`. A process cannot read others: a value would arrive as something else. */
export const EXTRAS_VERSION = 1;

/** Types of the members of a value, in its form: `{"args": {"since": "date"}}`. */
type Types = string | { readonly [name: string]: Types };

/** Members to read. */
export type Read = Readonly<Record<string, unknown>>;

/** Restores a value from its JSON. Each throws for an invalid one. */
const RESTORED: Readonly<Record<string, (value: unknown) => unknown>> = {
  date: (text) => {
    const date = new Date(`${text as string}Z`);
    if (typeof text !== 'string' || Number.isNaN(date.getTime())) throw new TypeError('a date that is none');
    return date;
  },
  bigint: (number) => {
    if (!Number.isSafeInteger(number) && typeof number !== 'bigint') throw new TypeError('a bigint that is none');
    return BigInt(number as number);
  },
};

/** Depth from which a value is traversed in another way, which finds cycles. */
const DEEP = 64;

/** Prefix of values without a JSON form while a text is written or read. No sender knows it. */
const MARK = `${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

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
 * with its path, and for one that JSON lacks, except dates and whole numbers. `what`: the name of the message, for errors.
 */
export function writeJson(message: Read, what: string): string {
  try {
    return isJson(message, 0) ? JSON.stringify(message) : typedText(message, what);
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

function typedText(message: Read, what: string): string {
  const behaviour = notPlain(message, '');
  if (behaviour !== undefined) {
    throw new SerializationError({
      message: `${what}: it contains other than plain data: ${behaviour.replace(/^\./, '')}`,
      hint: 'Managers work with plain data: pass ids and values, not objects with methods.',
    });
  }
  const { value, types } = converted(message, '', what);
  const plain = value as Read;
  if (types === undefined) return JSON.stringify(plain);
  const text = JSON.stringify({ ...plain, [EXTRAS]: { v: EXTRAS_VERSION, ...(plain[EXTRAS] as Read), types } });
  return text.includes(MARK) ? text.replaceAll(MARKED, '$1') : text;
}

/** A value for JSON, and its types. */
interface Converted {
  readonly value: unknown;
  readonly types?: Types | undefined;
}

/** Throws `SerializationError` for a value that JSON lacks. */
function converted(value: unknown, path: string, what: string): Converted {
  if (typeof value === 'bigint') return { value: `${MARK}${value}`, types: 'bigint' };
  // As `oslo_serialization.jsonutils` does.
  if (value instanceof Date) return { value: `${value.toISOString().slice(0, -1)}000`, types: 'date' };
  if (typeof value === 'number' && !Number.isFinite(value)) throw beyondJson(what, path, String(value));
  if (typeof value !== 'object' || value === null) return { value };
  if (!Array.isArray(value) && !isRecord(value)) throw beyondJson(what, path, `a ${value.constructor.name}`);
  const values: [string, unknown][] = [];
  const types: [string, Types][] = [];
  for (const [name, each] of Object.entries(value)) {
    const inner = converted(each, `${path}.${name}`, what);
    values.push([name, inner.value]);
    if (inner.types !== undefined) types.push([name, inner.types]);
  }
  return {
    // Each name is an own property, whatever it is.
    value: Array.isArray(value) ? values.map(([, each]) => each) : Object.fromEntries(values),
    types: types.length === 0 ? undefined : Object.fromEntries(types),
  };
}

function beyondJson(what: string, path: string, found: string): SerializationError {
  return new SerializationError({
    message: `${what}: ${path.slice(1)}: ${found}, which Python would not read as it is`,
    hint: 'Messages carry JSON and dates: send null, a list, an object or text, or convert values with a Serializer.',
  });
}

/** Restores a parsed value in its place. All members are its own, so that no assignment changes what it inherits. */
function restored(value: unknown, types: unknown): unknown {
  if (typeof types === 'string') return asType(types, value);
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
