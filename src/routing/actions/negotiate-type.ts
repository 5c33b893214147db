/**
 * Which media type an answer gets, where a router can write more than JSON.
 */
import type { IncomingMessage } from 'node:http';
import { Fault, preferredType } from '../../app/index.js';
import { jsonText } from './json-text.js';

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
