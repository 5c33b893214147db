/**
 * Media types in which a router writes values.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Fault } from '../../app/index.js';
import { preferredType } from '../../app/internal.js';
import type { RouterOptions } from '../router-options.js';

/** Serialises a value. */
export type Serializer = (value: unknown) => string;

/** A media type with its serialiser. */
export interface AnswerType {
  readonly name: string;
  readonly serializer: Serializer;
}

/** Returns the types of a router; null if there is no choice: JSON, whatever the client accepts. */
export function typesOf({
  serializers = {},
  strictAccept = false,
}: Pick<RouterOptions, 'serializers' | 'strictAccept'>): AnswerTypes | null {
  const isChoice = Object.keys(serializers).some((type) => type !== 'application/json') || strictAccept;
  return isChoice ? new AnswerTypes(serializers, strictAccept) : null;
}

/** Types that a router can write; the first one is the default. */
export class AnswerTypes {
  readonly #serializers: ReadonlyMap<string, Serializer>;
  readonly #names: readonly string[];
  readonly #strict: boolean;

  constructor(serializers: Readonly<Record<string, Serializer>>, strict: boolean) {
    this.#serializers = new Map<string, Serializer>([['application/json', jsonText], ...Object.entries(serializers)]);
    this.#names = [...this.#serializers.keys()];
    this.#strict = strict;
  }

  /**
   * Returns the type for a request. A format, the suffix of the path, takes precedence over the header. If nothing is acceptable: the first
   * type, or a `Fault` 406.
   */
  choose(req: IncomingMessage, format: string | null): AnswerType {
    const names = this.#names;
    const suffixed = format === null ? undefined : names.find((type) => type.endsWith(`/${format}`));
    const name = suffixed ?? preferredType(req, names) ?? (this.#strict ? undefined : names[0]);
    if (name === undefined) throw new Fault(406, { message: `This API answers with ${names.join(', ')}.` });
    return { name, serializer: this.#serializers.get(name)! };
  }
}

// The JSON text of the value of an action.

/**
 * Returns the JSON text of a value; `null` for a value without a JSON form. A `BigInt` is written as a decimal number. Throws a `TypeError`
 * for a cyclic value, and for one of which nothing would be left.
 */
export function jsonText(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? 'null';
    if (text === '{}') refuseLoss(value);
    return text;
  } catch (error) {
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return withBigInts(value);
  }
}

/** Values of bytes that are not sent as such, and the value to return instead. */
const BYTES: ReadonlyMap<string, string> = new Map([
  ['ArrayBuffer', 'new Uint8Array(value)'],
  ['Blob', 'value.stream()'],
  ['File', 'value.stream()'],
]);

/** Refuses a value whose members are not properties, such as a Map or a Blob: its text is that of an empty object. */
export function refuseLoss(value: unknown): void {
  // A response schema writes any value as the object that it has.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { toJSON, [Symbol.iterator]: iterate } = value as Readonly<Record<string | symbol, unknown>>;
  const name = Object.prototype.toString.call(value).slice(8, -1);
  const bytes = BYTES.get(name);
  if (typeof toJSON === 'function' || (typeof iterate !== 'function' && bytes === undefined)) return;
  throw new TypeError(
    bytes === undefined
      ? `JSON has no form for the members of a value of ${name}: write [...values], or Object.fromEntries(values)`
      : `JSON has no form for the bytes of a value of ${name}: write ${bytes}`,
  );
}

/** `JSON.stringify` can write a BigInt only as text; the mark around it, which a client cannot guess, is removed again. */
function withBigInts(value: unknown): string {
  const mark = randomUUID();
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item));
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
