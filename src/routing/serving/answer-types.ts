/**
 * Media types in which a router writes values.
 */
import type { IncomingMessage } from 'node:http';
import { Fault } from '../../app/index.js';
import { preferredType } from '../../app/internal.js';
import type { RouterOptions } from '../router-options.js';
import { jsonText } from './json-text.js';

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
