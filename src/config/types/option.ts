/**
 * Options as data: a declaration has type, default and help; the parser, the check and the manual derive from it.
 */

import { inspect } from 'node:util';
import type { Origin } from '../../errors/index.js';
import { messageWithValue, withCode } from '../../errors/index.js';

/** A value as written, with its location for errors. */
export interface WrittenValue {
  readonly value: string;
  /** Undefined for values from the environment, the command line or code. */
  readonly origin?: Origin | undefined;
}

/** Members common to declarations of every type. */
export interface OptionSpec {
  /** Description of the option, one or two sentences. Required in every group; only items of lists have none. */
  readonly help?: string;
  /** Refuses the configuration unless the option is set. Default false. */
  readonly required?: boolean;
  /**
   * Shows the value as `****` wherever it is printed, and never expands `$name` in it: `$$` and any other `$` are a dollar sign. Default
   * false.
   */
  readonly secret?: boolean;
  /** Belongs to the parent process, for all its life: a reload keeps the old value for workers too. Addresses, ports, the log. Default false. */
  readonly restart?: boolean;
  /** Listed at the end of its group in generated samples. Default false. */
  readonly advanced?: boolean;
  /** Printed in samples in place of a default that depends on the machine. */
  readonly sampleDefault?: string;
  /**
   * Other names with the same meaning: `name` in this group, or `group.name`. `<name>` stands for the text after the colon in the group's
   * own name, so `DEFAULT.<name>_listen` of `[api:compute]` is `compute_listen`. Two spellings with different values in one file are an
   * error.
   */
  readonly aliases?: readonly string[];
  /** Deprecated names, in the form of aliases, or as `{ group, name }`: each use causes a warning, and the new name takes precedence. */
  readonly deprecated?: readonly (string | { readonly name?: string; readonly group?: string })[];
  /** Warns when an operator sets the option, because it will be removed. */
  readonly deprecatedForRemoval?: boolean;
  readonly deprecatedReason?: string;
  readonly deprecatedSince?: string;
  /** Placeholder of the value in help texts. */
  readonly metavar?: string;
  /** Offers `--<group>-<option>` on the command line (`--<option>` for `[DEFAULT]`). Default false. */
  readonly cli?: boolean;
  /** One letter for `-x` on the command line. */
  readonly short?: string;
}

/** Parts of an option that are the same for every type; those of its declaration with their defaults. */
export interface Option<T = unknown>
  extends Required<Pick<OptionSpec, 'help' | 'required' | 'secret' | 'restart' | 'advanced' | 'aliases'>> {
  /** The type's name in help and errors: `string`, `integer`, `port`, … */
  readonly type: string;
  /** Value if none is written; undefined without a default, and for a {@link Option.referringDefault}. */
  readonly default: T;
  /** Default in text that refers to other options, as `$state_path/lock`. Without a written value it is read like one. */
  readonly referringDefault: string | undefined;
  /** Deprecated names, as `name` or `group.name`; each use causes a warning. */
  readonly deprecated: readonly string[];
  /** The declaration, for samples, manuals and the comparison of two declarations. */
  readonly spec: Readonly<OptionSpec & Record<string, unknown>>;
  /** True for `multi`: the key may be repeated, and each repetition is one item. */
  readonly repeatable: boolean;
  /** True if a `#` in the value can only begin a comment: numbers, choices, addresses. */
  readonly plain: boolean;
  /** Parses a written value; throws a `RangeError` or `TypeError` whose message completes "<option>: …". */
  parse(text: string): T;
  /** Parses every repetition of the key; for types other than `multi` the last one applies. */
  parseAll(texts: readonly string[]): T;
  /** Checks a value from code, text or typed; throws as {@link Option.parse}. */
  check(value: unknown): T;
  /** Returns the value in the form of a file, before quoting. */
  format(value: T): string;
  /**
   * Returns a concern about an accepted value, such as a key file that all users may read. `file`: the configuration file that has the
   * value.
   */
  warning?(value: T, file?: string): string | undefined;
}

/** Options of one group: names in lower snake case, as in the file. */
export type OptionDeclarations = Readonly<Record<string, Option<unknown>>>;

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** Typed, frozen values of a group: `max_request_body_size` becomes `maxRequestBodySize`. */
export type OptionsOf<D extends OptionDeclarations> = {
  readonly [K in keyof D & string as CamelCase<K>]: D[K] extends Option<infer T> ? T : never;
};

/** Properties by names of options: a group is read for each section of a paste file that may have its values. */
const properties = new Map<string, string>();

/** Returns `max_request_body_size` as the property `maxRequestBodySize`. */
export function camelCase(name: string): string {
  const known = properties.get(name);
  if (known !== undefined) return known;
  const property = name.replaceAll(/_([^_])/g, (_, letter: string) => letter.toUpperCase());
  properties.set(name, property);
  return property;
}

/** Reason of a refused value; the message completes "<option>: …" and never repeats the value, which may be secret. */
export class InvalidValue extends RangeError {
  /** Hint for the operator. */
  readonly hint: string | undefined;
  /** The value without the error, to check the rest of the configuration. */
  readonly meant: unknown;

  constructor(message: string, hint?: string, meant?: unknown) {
    super(message);
    this.name = 'InvalidValue';
    this.hint = hint;
    this.meant = meant;
  }
}

/** Parses, checks and formats values of one type. */
export interface ValueType<T> {
  readonly parse: (text: string) => T;
  /** Default: `String(value)`. */
  readonly format?: (value: T) => string;
  /** Type of a value from code, by `typeof`. Default: `string`. */
  readonly kind?: 'string' | 'number' | 'boolean' | 'object';
  /** Meaning of a key without a value. `unset` (default): as if absent. `value`: the text is parsed. */
  readonly empty?: 'unset' | 'value' | 'refused';
  /** Default if the declaration has none. */
  readonly fallback?: T;
  readonly plain?: boolean;
  /** For repeatable keys. */
  readonly parseAll?: (texts: readonly unknown[]) => T;
  readonly warning?: (value: T, file?: string) => string | undefined;
}

/**
 * Default of an option: a value, its text, or a function if the value depends on the machine. In text, except that of a secret, `$name`
 * refers to another option, and `$$` and `\$` are a dollar sign, as in a file.
 */
export type DefaultOf<T> = T | string | (() => T);

/**
 * Declares one option. With a default, or `required`, the value is always present; otherwise it may be undefined. Throws if the default
 * does not pass the option's own check.
 */
export interface Declare<T, Spec> {
  (spec: Spec & OptionSpec & ({ readonly default: DefaultOf<T> } | { readonly required: true })): Option<T>;
  (spec?: Spec & OptionSpec & { readonly default?: undefined }): Option<T | undefined>;
}

/**
 * Creates the declaring function of a type. `knows`: names of further members of its declarations, such as bounds, choices and units, which
 * `describe` reads; undefined: any.
 */
export function declareType<T, Spec extends object>(
  type: string,
  knows: string | undefined,
  describe: (spec: Spec) => ValueType<T>,
): Declare<T, Spec> {
  return ((spec: Spec & OptionSpec = {} as Spec & OptionSpec) =>
    makeOption(type, knows, spec, describe(spec))) as unknown as Declare<T, Spec>;
}

/** Members that declarations of any type may have. */
const SHARED =
  'default help required secret restart advanced sampleDefault aliases deprecated deprecatedForRemoval deprecatedReason deprecatedSince metavar cli short';

/** Further members of declarations, by type. A copy of an option has the same type. */
const known = new Map<string, string>();

/** Returns the names that the declaration of an option may have; undefined if it may have any. */
export function knownNames({ type }: Option): readonly string[] | undefined {
  const own = known.get(type);
  return own === undefined ? undefined : `${SHARED} ${own}`.trim().split(' ');
}

/** Creates an option from its declaration and its type. */
export function makeOption<T>(type: string, knows: string | undefined, spec: object, how: ValueType<T>): Option<T> {
  const declared = spec as OptionSpec & { readonly default?: DefaultOf<T> };
  const { kind = 'string', empty = 'unset', format = String } = how;
  const check = (value: unknown): T => {
    if (typeof value === 'string') return how.parse(value);
    if (typeof value !== kind || value === null) throw new InvalidValue(`should be ${article(type)}`);
    return how.parse(format(value as T));
  };
  const checkedDefault = (value: DefaultOf<T> | undefined): T => {
    const raw = typeof value === 'function' ? (value as () => T)() : value;
    if (raw === undefined) return how.fallback as T;
    return freeze(how.parseAll !== undefined && Array.isArray(raw) ? how.parseAll(raw) : check(raw));
  };
  const referringDefault = referringText(declared);
  // References can be followed once the configuration is loaded.
  const isLater = typeof declared.default === 'function' || referringDefault !== undefined;
  let fixed: T | undefined;
  let refused: Error | undefined;
  try {
    fixed = isLater ? undefined : checkedDefault(declared.default);
  } catch (error) {
    refused = badDefault(declared, error);
  }
  if (knows !== undefined) known.set(type, knows);
  const option: Option<T> = {
    type,
    get default() {
      if (refused !== undefined) throw refused;
      return typeof declared.default === 'function' ? checkedDefault(declared.default) : (fixed as T);
    },
    referringDefault,
    help: declared.help ?? '',
    secret: declared.secret ?? false,
    restart: declared.restart ?? false,
    required: declared.required ?? false,
    advanced: declared.advanced ?? false,
    aliases: declared.aliases ?? [],
    deprecated: (declared.deprecated ?? []).map(deprecatedName),
    spec: declared as Option<T>['spec'],
    repeatable: how.parseAll !== undefined,
    plain: how.plain ?? false,
    parse(text) {
      if (text.trim() !== '' || empty === 'value') return freeze(how.parse(text));
      if (empty === 'refused') throw new InvalidValue('must not be empty');
      return this.default;
    },
    parseAll(texts) {
      return how.parseAll === undefined ? this.parse(texts.at(-1) ?? '') : freeze(how.parseAll(texts));
    },
    check: (value) => freeze(how.parseAll !== undefined && Array.isArray(value) ? how.parseAll(value) : check(value)),
    format,
    ...(how.warning === undefined ? {} : { warning: how.warning }),
  };
  return Object.freeze(option);
}

/** Objects of a configuration are frozen. */
function freeze<T>(value: T): T {
  return typeof value === 'object' && value !== null && !(value instanceof RegExp) ? Object.freeze(value) : value;
}

/** Returns a default in text with a reference or an escaped dollar sign. */
function referringText({ default: text, secret }: OptionSpec & { readonly default?: unknown }): string | undefined {
  return typeof text === 'string' && secret !== true && mayRefer(text) ? text : undefined;
}

/** Reports whether text in a file would not have the same value: it has a reference or an escaped dollar sign. */
export function mayRefer(text: string): boolean {
  return /\$[$a-z_{]|\\\$/i.test(text);
}

/** Returns text in which a file has every dollar sign of `text` as it is. `$$` after a backslash would be read as `\$` and `$`. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', (_, at: number) => (text[at - 1] === '\\' ? '\\$' : '$$'));
}

/** Returns a text without expanding references: only `$$` and `\$` become a dollar sign. */
export function unescapeDollars(text: string): string {
  return text.replaceAll(/\$\$|\\\$/g, '$');
}

/** Returns the error of an invalid default; whoever reads it knows the name of the option. */
function badDefault({ default: value, secret }: OptionSpec & { readonly default?: unknown }, cause: unknown): Error {
  const shown = typeof value === 'string' ? value : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
  const got = secret === true ? undefined : shown;
  const message = `bad default: ${messageWithValue({ message: (cause as Error).message, got })}`;
  return withCode(new TypeError(message, { cause }), 'PORTICO_OPTION_DECLARATION');
}

function deprecatedName(old: string | { readonly name?: string; readonly group?: string }): string {
  if (typeof old === 'string') return old;
  if (old.group === undefined) return old.name ?? '';
  return `${old.group}.${old.name ?? '*'}`;
}

function article(type: string): string {
  return `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;
}

/** Forms in which other applications write the options of a group. */
export interface Elsewhere {
  /** A section that may have the options too, by aliases; its names are checked like those of the group. */
  readonly section?: string;
  /** Names of other applications that have no effect here, each with a hint; each use causes a warning. */
  readonly unused?: Readonly<Record<string, string>>;
  /** Options of the last version that this one lacks, each with what holds in place of its value; each use causes a warning. */
  readonly removed?: Readonly<Record<string, string>>;
  /** Names that other applications have for these options, each with the hint for an unknown option. */
  readonly meant?: Readonly<Record<string, string>>;
}

const elsewheres = new WeakMap<OptionDeclarations, Elsewhere>();

/** Records how other applications write these options; returns them. */
export function writtenElsewhere<D extends OptionDeclarations>(options: D, elsewhere: Elsewhere): D {
  elsewheres.set(options, elsewhere);
  return options;
}

/** Returns the record of {@link writtenElsewhere} for these options. */
export function elsewhereOf(options: OptionDeclarations): Elsewhere | undefined {
  return elsewheres.get(options);
}

/** Returns what a record has under a name that anybody may have written: `constructor` is in none. */
export function entryOf<T>(from: Readonly<Record<string, T>> = {}, key: string): T | undefined {
  return Object.hasOwn(from, key) ? from[key] : undefined;
}
