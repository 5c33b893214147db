/**
 * Values as they travel: JSON, with dates, bytes, maps and sets tagged, so that they arrive as what they were. What would arrive
 * as something else is refused where it is sent.
 */
import { notPlain } from '../../service/internal.js';
import { SerializationError } from '../errors.js';

/** Each tag is the only member of its object: `{"$date": "2026-01-01T00:00:00.000Z"}`. */
type Tag = '$date' | '$bytes' | '$map' | '$set' | '$plain';

/** What a value becomes that was tagged so; throws for what cannot be. */
const UNTAG: Readonly<Record<Tag, (content: unknown) => unknown>> = {
  $date: (content) => {
    const date = new Date(content as string);
    if (typeof content !== 'string' || Number.isNaN(date.getTime())) throw new TypeError('a $date that is none');
    return date;
  },
  $bytes: (content) => {
    if (typeof content !== 'string') throw new TypeError('$bytes that are no text');
    return Buffer.from(content, 'base64');
  },
  $map: (content) => new Map(listOf(content).map((pair) => listOf(pair).map(untagged) as [unknown, unknown])),
  $set: (content) => new Set(listOf(content).map(untagged)),
  // A simple object whose only name looks like a tag.
  $plain: (content) => membersOf(content as Record<string, unknown>),
};

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Assigned to, these would change what an object is. */
const DROPPED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * A value as bytes. Throws `SerializationError` for what is more than plain data (functions, instances of classes, NaN, circles,
 * numbers that JSON would change), naming it by its path, and for what is longer than `maxBytes`. `what`: what is sent, for messages.
 */
export function encodeMessage(value: unknown, what: string, maxBytes: number): Buffer {
  const behaviour = notPlain(value, '');
  if (behaviour !== undefined) {
    throw new SerializationError({
      message: `${what}: more than data is to be sent: ${behaviour.replace(/^\./, '')}`,
      hint: 'Managers act on plain data: give ids and values, not objects with methods.',
    });
  }
  const body = Buffer.from(JSON.stringify(tagged(value) ?? null));
  if (body.length > maxBytes) throw tooLong(what, body.length, maxBytes);
  return body;
}

/** The value that was encoded. Throws a `TypeError` or `SyntaxError` for what is none, without its content. */
export function decodeMessage(body: Uint8Array, maxBytes: number): unknown {
  if (body.length > maxBytes) throw new TypeError(`${body.length} bytes: ${maxBytes} are allowed`);
  const text = UTF8.decode(body);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Node's own message quotes what it could not read.
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
  // Absent members would be left out later, and what stays could look like a tag.
  const members: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    if (each !== undefined && !DROPPED.has(name)) members[name] = tagged(each);
  }
  const names = Object.keys(members);
  return names.length === 1 && names[0]!.startsWith('$') ? { $plain: members } : members;
}

function untagged(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  const [name, ...others] = Object.keys(value);
  if (name !== undefined && others.length === 0 && Object.hasOwn(UNTAG, name)) {
    return UNTAG[name as Tag]((value as Readonly<Record<string, unknown>>)[name]);
  }
  return membersOf(value as Record<string, unknown>);
}

/** The object that was parsed, with its members untagged. */
function membersOf(value: Record<string, unknown>): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw new TypeError('a tag without its content');
  for (const name of Object.keys(value)) {
    if (DROPPED.has(name)) delete value[name];
    else value[name] = untagged(value[name]);
  }
  return value;
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('a tag without its list');
  return value as unknown[];
}

/** More bytes than a message may have. */
export function tooLong(what: string, length: number, maxBytes: number): SerializationError {
  return new SerializationError({
    message: `${what}: ${length} bytes, and a message has ${maxBytes} at most`,
    hint: 'Send a reference to what is that large, or raise [rpc] max_message_size on both sides.',
  });
}
