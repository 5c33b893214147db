/** Checks of the parts of a request, and the media types of bodies that have one. */
import type { ApiVersion } from '../api-version.js';
import type { BodyWord } from './body-option.js';
import type { ByVersion } from './by-version.js';

/**
 * Returns the value converted by the schema, or a promise of it. Throws an `InputRefused` for a value that the schema refuses. `by`: the
 * request, for a body of one of several types.
 */
export type Check = (value: unknown, by?: TakenBy) => unknown;

/** One media type that an action takes. */
export interface TakenType {
  /** In lower case; `image/*` is a range, and there is one of all types. */
  readonly type: string;
  readonly read: BodyWord;
  readonly checks: readonly ByVersion<Check>[];
}

/** Facts of a request for the check of its body. */
export interface TakenBy {
  readonly taken: TakenType | undefined;
  readonly version: ApiVersion | null;
}
