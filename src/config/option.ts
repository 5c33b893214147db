/**
 * Options as data: a declaration gives name, type, default and help; parser, check and manual line follow from it.
 */
import type { Origin } from '../errors.js';

/** A value as somebody wrote it, and where: what errors about it point at. */
export interface WrittenValue {
  readonly value: string;
  /** Undefined for values from the environment, the command line or code. */
  readonly origin?: Origin | undefined;
}

/** One declared option. `T` is the parsed type. Made by `string`, `integer`, `boolean`, … */
export interface Option<T = unknown> {
  /** The type's name in help and errors: `string`, `integer`, `port`, … */
  readonly type: string;
  readonly default: T;
  readonly help: string;
  readonly secret: boolean;
  readonly mutable: boolean;
  readonly required: boolean;
  /** Older or other names of the option, `name` or `group.name`; each use of a deprecated one warns. */
  readonly aliases: readonly string[];
  /** Parses a value as written; throws `RangeError` or `TypeError` whose message completes "<option>: …". */
  parse(text: string): T;
}

/** The options of one group: names in lower snake case, as in the file. */
export type OptionDeclarations = Readonly<Record<string, Option<unknown>>>;

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** The typed, frozen values of a group: `max_request_body_size` becomes `maxRequestBodySize`. */
export type OptionsOf<D extends OptionDeclarations> = {
  readonly [K in keyof D & string as CamelCase<K>]: D[K] extends Option<infer T> ? T : never;
};
