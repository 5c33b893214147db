/**
 * Types of path variables: `{id:uuid}`, `{n:int}`.
 */

/** A type of variables: what their text looks like, what it means, how it is written. */
export interface ParamType<T = unknown> {
  /** In Python's syntax, as requirements are. */
  readonly regex: string;
  /** The value of a text that matched; undefined, or a throw: the route does not take the path. */
  readonly parse: (text: string) => T | undefined;
  /** The text of a value, for URLs. Default: `String`. */
  readonly print?: (value: T) => string;
}

/** The types that are always there. */
export interface BuiltInTypes {
  /** An integer of at most 15 digits, with or without a sign. */
  readonly int: number;
  readonly uuid: string;
  readonly hex: string;
  /** `true` or `false`. */
  readonly bool: boolean;
  /** Lower-case words and digits with single dashes between them. */
  readonly slug: string;
  /** Anything that is not empty, slashes included. */
  readonly path: string;
}

const HEX = '[0-9a-fA-F]';

export const BUILT_IN_TYPES: { readonly [K in keyof BuiltInTypes]: ParamType<BuiltInTypes[K]> } = {
  int: { regex: '-?[0-9]{1,15}', parse: Number },
  uuid: { regex: `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`, parse: (text) => text },
  hex: { regex: `${HEX}+`, parse: (text) => text },
  bool: { regex: 'true|false', parse: (text) => text === 'true' },
  slug: { regex: '[a-z0-9]+(?:-[a-z0-9]+)*', parse: (text) => text },
  path: { regex: '.+', parse: (text) => text },
};

/** The types of a router: built-in ones, and the application's over them. */
export function paramTypes(own: Readonly<Record<string, ParamType>> = {}): ReadonlyMap<string, ParamType> {
  return new Map<string, ParamType>([...Object.entries(BUILT_IN_TYPES), ...Object.entries(own)] as [
    string,
    ParamType,
  ][]);
}

/** A template without its types, and the type of each variable that had one. */
export interface TypedTemplate {
  readonly template: string;
  readonly types: ReadonlyMap<string, ParamType>;
}

/** Takes types out of a template; what stands after a colon and is no type's name stays: it is an expression. */
export function takeTypes(template: string, known: ReadonlyMap<string, ParamType>): TypedTemplate {
  const types = new Map<string, ParamType>();
  const bare = template.replace(
    /(?<!\\)\{(\.?)([\p{L}\p{N}_]+):(\w+)\}/gu,
    (whole, dot: string, name: string, word: string) => {
      const type = known.get(word);
      if (type === undefined) return whole;
      types.set(name, type);
      return `{${dot}${name}}`;
    },
  );
  return { template: bare, types };
}

/** The value of a text; undefined when it is none. */
export function parseParam(type: ParamType, text: string): unknown {
  try {
    return type.parse(text);
  } catch {
    return undefined;
  }
}
