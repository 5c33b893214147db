/**
 * Values on the wire of oslo.messaging: JSON as Python writes and reads it. It has no dates, sets or bytes, so that these are converted as
 * a Python service would, or refused by the sender.
 */
import { randomUUID } from 'node:crypto';
import { SerializationError } from '../errors.js';
import { isRecord } from './envelope.js';

/** Prefix of values without a JSON form while a text is written or read. No sender knows it. */
const MARK = `${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, 'g');

/** A value that cannot be sent, with its path. */
class Unsendable extends Error {}

/** Shorter whole numbers are exact; 16 digits may not be. NaN and Infinity are not JSON, but Python writes them. */
const UNUSUAL = /\d{16}|NaN|Infinity/;
/** The beginning of a string, or a number. */
const TOKENS = /"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity/g;

/** Longest whole number, as in Python: reading a longer one takes more than linear time. */
const LONGEST_DIGITS = 4300;

/**
 * Returns the JSON of a value. A date becomes the text of its time in UTC, without a zone; a set a list; a map an object; a `bigint` a
 * number. Throws `SerializationError` for any other value that is not plain data, for bytes, NaN and inexact numbers. `what`: the name of
 * the value, for messages.
 */
export function osloText(value: unknown, what: string): string {
  const seen = { bigints: 0 };
  try {
    const text = JSON.stringify(converted(value, '', new Set(), seen) ?? null);
    return seen.bigints === 0 ? text : text.replaceAll(MARKED, '$1');
  } catch (error) {
    if (!(error instanceof Unsendable) && !(error instanceof RangeError)) throw error;
    const why = error instanceof Unsendable ? error.message : 'it is nested too deeply';
    throw new SerializationError({
      message: `${what}: it contains values that oslo.messaging cannot encode: ${why}`,
      hint: 'Pass plain data, with bytes as base64, or use a serializer.',
    });
  }
}

/**
 * Parses a text. Whole numbers beyond 2^53 have type `bigint`; NaN and Infinity are kept. Each name is an own property, `__proto__` too.
 * Throws a `SyntaxError` without the content.
 */
export function osloValue(text: string): unknown {
  try {
    return UNUSUAL.test(text) ? JSON.parse(withMarks(text), revived) : JSON.parse(text);
  } catch {
    // Node's own message quotes the text.
    throw new SyntaxError('not JSON');
  }
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

function converted(value: unknown, path: string, above: Set<object>, seen: { bigints: number }): unknown {
  if (typeof value !== 'object' || value === null) return simple(value, path, seen);
  if (value instanceof Date) return timeOf(value, path);
  if (value instanceof Uint8Array) throw refused(path, 'bytes');
  if (above.has(value)) throw refused(path, 'a circle');
  above.add(value);
  const inner = (each: unknown, name: unknown): unknown => converted(each, `${path}.${String(name)}`, above, seen);
  let made: unknown;
  if (Array.isArray(value) || value instanceof Set) {
    made = [...(value as Iterable<unknown>)].map((each, at) => inner(each, at) ?? null);
  } else if (value instanceof Map) {
    made = Object.fromEntries(
      [...(value as Map<unknown, unknown>)].map(([key, each]) => [keyOf(key, path), inner(each, key) ?? null]),
    );
  } else if (isRecord(value)) {
    made = Object.fromEntries(Object.entries(value).map(([name, each]) => [name, inner(each, name)]));
  } else throw refused(path, `an instance of ${value.constructor.name}`);
  above.delete(value);
  return made;
}

function simple(value: unknown, path: string, seen: { bigints: number }): unknown {
  switch (typeof value) {
    case 'number':
      if (!Number.isFinite(value)) throw refused(path, String(value));
      if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
        throw refused(path, `${value}, a whole number beyond 2^53: give a bigint`);
      }
      return value;
    case 'bigint':
      seen.bigints += 1;
      return `${MARK}${value}`;
    case 'function':
    case 'symbol':
      throw refused(path, `a ${typeof value}`);
    default:
      return value;
  }
}

/** Formats a date as `oslo_serialization.jsonutils` does. */
function timeOf(date: Date, path: string): string {
  if (Number.isNaN(date.getTime())) throw refused(path, 'an invalid date');
  return `${date.toISOString().slice(0, -1)}000`;
}

function keyOf(key: unknown, path: string): string {
  if (typeof key === 'string' || typeof key === 'number') return String(key);
  throw refused(path, 'a map whose keys are not strings');
}

function refused(path: string, why: string): Unsendable {
  return new Unsendable(path === '' ? why : `${path.slice(1)}: ${why}`);
}
