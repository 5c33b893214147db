/**
 * The media types that an action takes, compiled: which one a request has, and the check of its value.
 */
import { EVERY_VERSION } from '../api-version.js';
import { type BodyOption, type BodyWord, writtenTypes } from './body-option.js';
import { type ByVersion, valueFor } from './by-version.js';
import type { Check, TakenType } from './check-input.js';
import type { Schemas } from './schema-options.js';

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
    if (type === '') return json ?? this.#types.find(({ type: own }) => own === '*/*');
    const named = this.#types.find(({ type: own }) => own === type || (own.endsWith('/*') && isWithin(type, own)));
    if (named !== undefined && named.type !== '*/*') return named;
    const isLikeJson = type === 'text/plain' || /^application\/[\w.-]+\+json$/.test(type);
    return isLikeJson ? (json ?? named) : named;
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
