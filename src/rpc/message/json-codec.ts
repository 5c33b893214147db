/**
 * JSON form of values, with dates, bytes, maps and sets tagged, so that they arrive unchanged. A value that would arrive as something else
 * is refused by the sender.
 */
import { isUtf8 } from 'node:buffer';
import { notPlain } from '../../service/internal.js';
import { SerializationError } from '../errors.js';

/** A tag is the only member of its object: `{"$date": "2026-01-01T00:00:00.000Z"}`. */
type Tag = '$date' | '$bytes' | '$map' | '$set' | '$plain';

/** Decoders of tagged values; each throws for an invalid content. */
const UNTAG: Readonly<Record<Tag, (content: unknown) => unknown>> = {
  $date: (content) => {
    const date = new Date(content as string);
    if (typeof content !== 'string' || Number.isNaN(date.getTime())) throw new TypeError('a $date that is none');
    return date;
  },
  $bytes: (content) => {
    if (typeof content !== 'string') throw new TypeError('$bytes that are not a string');
    return Buffer.from(content, 'base64');
  },
  $map: (content) => new Map(listOf(content).map((pair) => listOf(pair).map(untagged) as [unknown, unknown])),
  $set: (content) => new Set(listOf(content).map(untagged)),
  // A simple object whose only name looks like a tag.
  $plain: (content) => membersOf(objectOf(content), Object.keys(objectOf(content))),
};

/** Depth from which a value is traversed in another way, which finds cycles. */
const DEEP = 64;

/**
 * Encodes a value. Throws `SerializationError` for a value that is not plain data (functions, instances of classes, NaN, cycles, numbers
 * that JSON would change), with its path, and for one longer than `maxBytes`. `what`: the name of the value, for messages.
 */
export function encodeMessage(value: unknown, what: string, maxBytes: number): Buffer {
  const body = Buffer.from(textOf(value, what));
  if (body.length > maxBytes) throw tooLong(what, body.length, maxBytes);
  return body;
}

function textOf(value: unknown, what: string): string {
  try {
    return JSON.stringify(isJson(value, 0) ? value : checked(value, what)) ?? 'null';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SerializationError({
      message: `${what}: it is nested too deeply to be sent`,
      hint: 'Send lists of ids, or a document as text.',
    });
  }
}

/** Reports whether JSON can represent the value unchanged: most messages have nothing to tag, and only plain data. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null || value === undefined) return true;
  if (typeof value === 'number') return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value !== 'object' || depth > DEEP) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return prototype === Array.prototype && value.every((each) => isJson(each, depth + 1));
  if (prototype !== Object.prototype && prototype !== null) return false;
  const names = Object.keys(value);
  return names.every((name) => {
    // A tag is the only member that is present.
    return !name.startsWith('$') && isJson((value as Readonly<Record<string, unknown>>)[name], depth + 1);
  });
}

/** Returns the value with its tags. Throws `SerializationError`. */
function checked(value: unknown, what: string): unknown {
  const behaviour = notPlain(value, '');
  if (behaviour === undefined) return tagged(value);
  throw new SerializationError({
    message: `${what}: it contains other than plain data: ${behaviour.replace(/^\./, '')}`,
    hint: 'Managers work with plain data: pass ids and values, not objects with methods.',
  });
}

/** Decodes a value. Throws a `TypeError` or `SyntaxError` without its content. */
export function decodeMessage(body: Uint8Array, maxBytes: number): unknown {
  if (body.length > maxBytes) throw new TypeError(`${body.length} bytes: ${maxBytes} are allowed`);
  if (!isUtf8(body)) throw new TypeError('it is not UTF-8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
  } catch {
    // Node's own message quotes the text.
    throw new SyntaxError('not JSON');
  }
  try {
    return untagged(parsed);
  } catch (error) {
    if (error instanceof RangeError) throw new TypeError('nested too deeply');
    throw error;
  }
}

function tagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Map) return { $map: [...value].map((pair) => pair.map(tagged)) };
  if (value instanceof Set) return { $set: [...value].map(tagged) };
  if (Array.isArray(value)) return value.map(tagged);
  // Absent members are omitted later, and the rest could look like a tag.
  const present = Object.entries(value).filter(([, each]) => each !== undefined);
  const members = Object.fromEntries(present.map(([name, each]) => [name, tagged(each)]));
  return present.length === 1 && present[0]![0].startsWith('$') ? { $plain: members } : members;
}

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map(untagged);
  }
  const names = Object.keys(value);
  const [name] = names;
  if (names.length === 1 && Object.hasOwn(UNTAG, name!)) {
    return UNTAG[name as Tag]((value as Readonly<Record<string, unknown>>)[name!]);
  }
  return membersOf(value as Record<string, unknown>, names);
}

/** Returns a parsed object with its members untagged. All are its own, so that none of these assignments changes what it inherits. */
function membersOf(value: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  for (const name of names) {
    const member = value[name];
    if (typeof member === 'object' && member !== null) value[name] = untagged(member);
  }
  return value;
}

/** Returns the object in a tag. */
function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('a tag without its content');
  return value as Record<string, unknown>;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a tag without its list');
  return value as unknown[];
}

/** Returns the error of a message that is too long. */
export function tooLong(what: string, length: number, maxBytes: number): SerializationError {
  return new SerializationError({
    message: `${what}: ${length} bytes, and a message has at most ${maxBytes}`,
    hint: 'Send a reference to large data, or raise [rpc] max_message_size on both sides.',
  });
}
