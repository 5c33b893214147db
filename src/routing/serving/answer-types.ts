/**
 * Which media type an answer gets, and how its value is written.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Fault, preferredType } from '../../app/index.js';

/** Writes a value. */
export type Serializer = (value: unknown) => string;

/** The types a router can write, the first one unless the client prefers another. */
export class AnswerTypes {
  readonly #serializers: ReadonlyMap<string, Serializer>;
  readonly #types: readonly [string, ...string[]];
  readonly #strict: boolean;

  constructor(serializers: Readonly<Record<string, Serializer>> = {}, strict = false) {
    this.#serializers = new Map<string, Serializer>([['application/json', jsonText], ...Object.entries(serializers)]);
    this.#types = [...this.#serializers.keys()] as [string, ...string[]];
    this.#strict = strict;
  }

  /** False when there is nothing to choose: JSON, whatever the client says. */
  get isChoice(): boolean {
    return this.#types.length > 1 || this.#strict;
  }

  /**
   * The type for a request. A format, the suffix of the path, beats the header. Nothing acceptable: the first type, or
   * a `Fault` 406.
   */
  choose(req: IncomingMessage, format: string | null): string {
    const named = format === null ? undefined : this.#types.find((type) => type.endsWith(`/${format}`));
    if (named !== undefined) return named;
    const accepted = preferredType(req, this.#types);
    if (accepted !== undefined) return accepted;
    if (!this.#strict) return this.#types[0];
    throw new Fault(406, { message: `This API answers with ${this.#types.join(', ')}.` });
  }

  serializer(type: string): Serializer {
    return this.#serializers.get(type) ?? jsonText;
  }
}

/**
 * The JSON text of a value; `null` for what JSON has no form for. A `BigInt` is written as a decimal number. Throws a `TypeError` for a value with a cycle.
 */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    if (!(error instanceof TypeError) || !/BigInt/.test(error.message)) throw error;
    return withBigInts(value);
  }
}

/** `JSON.stringify` writes a BigInt only as text; the mark around it, which nobody can guess, is taken off again. */
function withBigInts(value: unknown): string {
  const mark = randomUUID();
  const text = JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${mark}${item}` : item));
  return text.replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}
