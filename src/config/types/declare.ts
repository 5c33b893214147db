/**
 * From a type to a function that declares options of it.
 */
import { InvalidValue, type Option, type OptionSpec } from './option.js';

/** How values of one type are read, checked and written. */
export interface ValueType<T> {
  readonly parse: (text: string) => T;
  /** Default: `String(value)`. */
  readonly format?: (value: T) => string;
  /** What `typeof` says of a value from code. Default: `string`. */
  readonly kind?: 'string' | 'number' | 'boolean' | 'object';
  /** What a key without a value means. `unset` (default): as if not written. `value`: the text goes to `parse`. */
  readonly empty?: 'unset' | 'value' | 'refused';
  /** The default when the declaration names none. */
  readonly fallback?: T;
  readonly plain?: boolean;
  /** For keys that may be repeated. */
  readonly parseAll?: (texts: readonly unknown[]) => T;
  readonly warning?: (value: T, file?: string) => string | undefined;
}

/** The default of an option: a value, its text, or a function where the value depends on the machine. */
export type DefaultOf<T> = T | string | (() => T);

/**
 * Declares one option. With a default, or `required`, the value is always there; without, it may be undefined.
 * Throws when the default does not pass the option's own check.
 */
export interface Declare<T, Spec> {
  (spec: Spec & OptionSpec & ({ readonly default: DefaultOf<T> } | { readonly required: true })): Option<T>;
  (spec?: Spec & OptionSpec & { readonly default?: undefined }): Option<T | undefined>;
}

/** Makes the declaring function of a type. `describe` sees the declaration: bounds, choices, units. */
export function declareType<T, Spec extends object>(
  type: string,
  describe: (spec: Spec) => ValueType<T>,
): Declare<T, Spec> {
  return ((spec: Spec & OptionSpec = {} as Spec & OptionSpec) =>
    makeOption(type, spec, describe(spec))) as unknown as Declare<T, Spec>;
}

/** Puts an option together from its declaration and its type. */
export function makeOption<T>(type: string, spec: object, how: ValueType<T>): Option<T> {
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
  const fixed = typeof declared.default === 'function' ? undefined : checkDeclared(type, declared, checkedDefault);
  const option: Option<T> = {
    type,
    get default() {
      return typeof declared.default === 'function' ? checkedDefault(declared.default) : (fixed as T);
    },
    help: declared.help ?? '',
    secret: declared.secret ?? false,
    mutable: declared.mutable ?? false,
    restart: declared.restart ?? false,
    parent: declared.parent ?? false,
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

function checkDeclared<T>(type: string, spec: { readonly default?: T }, check: (value: T | undefined) => unknown) {
  try {
    return check(spec.default);
  } catch (error) {
    throw new TypeError(`bad default of ${article(type)} option: ${(error as Error).message}`, { cause: error });
  }
}

function deprecatedName(old: string | { readonly name?: string; readonly group?: string }): string {
  if (typeof old === 'string') return old;
  if (old.group === undefined) return old.name ?? '';
  return `${old.group}.${old.name ?? '*'}`;
}

function article(type: string): string {
  return `${/^[aeio]/.test(type) ? 'an' : 'a'} ${type}`;
}
