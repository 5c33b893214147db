/** Option types that hold text of some form. */
import { existsSync, type Stats, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { ignoreErrors, nearestNames } from '../../errors/index.js';
import {
  type Declare,
  type DefaultOf,
  declareType,
  InvalidValue,
  makeOption,
  type Option,
  type OptionSpec,
} from './option.js';

/** The accepted values, or each with its explanation. */
export type Choices = readonly string[] | Readonly<Record<string, string>>;

export interface StringSpec {
  readonly choices?: Choices;
  /** Expression that the text must match; with anchors (`^…$`), as a whole. */
  readonly regex?: RegExp;
  /** Choices and `regex` compare case-insensitively. With choices the value is the choice as declared. */
  readonly ignoreCase?: boolean;
  /** Longest text in UTF-16 units. */
  readonly maxLength?: number;
}

/** Text. An empty value is the empty string. */
export const string: Declare<string, StringSpec> = declareType(
  'string',
  'choices regex ignoreCase maxLength',
  (spec: StringSpec) => {
    const { ignoreCase = false, regex } = spec;
    const pattern = ignoreCase && regex !== undefined ? new RegExp(regex, withFlag(regex, 'i')) : regex;
    return {
      empty: 'value',
      plain: spec.choices !== undefined,
      parse: (text) => {
        if (spec.maxLength !== undefined && text.length > spec.maxLength) {
          throw new InvalidValue(`should be at most ${spec.maxLength} characters long`);
        }
        if (pattern !== undefined && text.search(pattern) < 0) throw new InvalidValue(`should match ${pattern}`);
        return spec.choices === undefined ? text : choose(choiceNames(spec.choices), text, ignoreCase);
      },
    };
  },
);

function withFlag({ flags }: RegExp, flag: string): string {
  return flags.includes(flag) ? flags : flags + flag;
}

/** One of the given names, exactly as written there. An empty value is refused unless it is one of them. */
export function oneOf<const C extends Choices>(
  choices: C,
  spec: OptionSpec & { readonly ignoreCase?: boolean } & (
      | { readonly default: ChoiceOf<C> | (() => ChoiceOf<C>) }
      | { readonly required: true }
    ),
): Option<ChoiceOf<C>>;
export function oneOf<const C extends Choices>(
  choices: C,
  spec?: OptionSpec & { readonly ignoreCase?: boolean },
): Option<ChoiceOf<C> | undefined>;
export function oneOf(
  choices: Choices,
  spec: OptionSpec & { readonly ignoreCase?: boolean; readonly default?: DefaultOf<string> } = {},
): Option<string | undefined> {
  const names = choiceNames(choices);
  return makeOption<string>(
    'choice',
    'choices ignoreCase',
    { ...spec, choices },
    {
      plain: true,
      empty: names.includes('') ? 'value' : 'refused',
      parse: (text) => choose(names, text.trim(), spec.ignoreCase ?? false),
    },
  );
}

type ChoiceOf<C extends Choices> = C extends readonly string[] ? C[number] : Extract<keyof C, string>;

/** Returns the names of a declaration's choices, in its order. */
function choiceNames(choices: Choices): readonly string[] {
  return Array.isArray(choices) ? choices : Object.keys(choices);
}

function choose(names: readonly string[], text: string, ignoreCase: boolean): string {
  const found = names.find((name) => name === text || (ignoreCase && name.toLowerCase() === text.toLowerCase()));
  if (found !== undefined) return found;
  const near = nearestChoice(names, text);
  throw new InvalidValue(
    `should be one of ${names.join(', ')}`,
    near === undefined ? undefined : `did you mean '${near}'?`,
  );
}

/** Returns the choice that was probably meant. */
function nearestChoice(names: readonly string[], text: string): string | undefined {
  const [nearest] = nearestNames(text, names);
  if (nearest !== undefined) {
    // Of TLSv1 and TLSv1.3 none is nearer to TLSv9.
    return names.some((name) => name !== nearest && name.startsWith(nearest)) ? undefined : nearest;
  }
  // The words of other applications: `warning` for `warn`, `err` for `error`.
  const word = text.toLowerCase();
  const [same, ...more] = names.filter((name) => {
    const shorter = Math.min(name.length, word.length);
    return shorter > 2 && word.slice(0, shorter) === name.slice(0, shorter).toLowerCase();
  });
  return more.length === 0 ? same : undefined;
}

/** A regular expression in JavaScript's syntax, with the `u` flag. An empty value is refused. */
export const regexp: Declare<RegExp, { readonly flags?: string }> = declareType(
  'regexp',
  'flags',
  (spec: { readonly flags?: string }) => ({
    kind: 'object',
    empty: 'refused',
    format: ({ source }) => source,
    parse: (text) => {
      try {
        return new RegExp(text, spec.flags ?? 'u');
      } catch (error) {
        throw new InvalidValue(`should be a regular expression: ${(error as Error).message.split(': ').at(-1)}`);
      }
    },
  }),
);

/** A module to load, `module:export` or `module#export`, or the short name of a driver. An empty value is refused. */
export const module: Declare<string, object> = declareType('module', '', () => ({
  empty: 'refused',
  parse: (text) => {
    const name = text.trim();
    if (/\s/.test(name) || /[:#]$/.test(name)) {
      throw new InvalidValue('should be a module, such as ./drivers/disk.js:DiskDriver');
    }
    return name;
  },
}));

export interface UriSpec {
  /** Accepted schemes, without colon. Default: any. */
  readonly schemes?: readonly string[];
  readonly maxLength?: number;
  /** An empty value means the default. Default: false, it is refused. */
  readonly canBeEmpty?: boolean;
}

/** An absolute URI. Its password is masked wherever the value is printed. An empty value is refused, unless it `canBeEmpty`. */
export const uri: Declare<string, UriSpec> = declareType('uri', 'schemes maxLength canBeEmpty', (spec: UriSpec) => ({
  empty: spec.canBeEmpty === true ? 'unset' : 'refused',
  parse: (text) => {
    const value = text.trim();
    const scheme = /^([a-z][a-z0-9+.-]*):\S+$/i.exec(value)?.[1]?.toLowerCase();
    if (scheme === undefined) throw new InvalidValue('should be an absolute URI');
    // `keystone:5000/v3` has the form of a URI with the scheme `keystone`, but is a host and a port.
    if (/^[^:]+:\d{1,5}(?:[/?#]|$)/.test(value) && !spec.schemes?.includes(scheme)) {
      const [missing = 'http'] = spec.schemes ?? [];
      throw new InvalidValue('should be an absolute URI', `put ${missing}:// in front of the host`);
    }
    if (spec.schemes !== undefined && !spec.schemes.includes(scheme)) {
      throw new InvalidValue(`should be a URI of scheme ${spec.schemes.join(' or ')}`);
    }
    if (spec.maxLength !== undefined && value.length > spec.maxLength) {
      throw new InvalidValue(`should be at most ${spec.maxLength} characters long`);
    }
    return value;
  },
}));

export interface PathSpec {
  /** Refuses a path that does not exist. Default false. */
  readonly mustExist?: boolean;
  /** Kind of an existing path. */
  readonly kind?: 'file' | 'dir';
  /**
   * Warns if the file's permissions exceed this: `0o600`. A relative path is looked up beside the configuration file that names it, then in
   * the working directory.
   */
  readonly mode?: number;
}

/** Throws `InvalidValue` for a path that would be separate lines in a unit, a Dockerfile or a log. */
export function checkPath(text: string): void {
  if (/\p{Cc}/u.test(text))
    throw new InvalidValue('should be a path without a line break or another control character');
}

/** A path in one line; a leading `~` is the home directory. An empty value means the default. */
export const path: Declare<string, PathSpec> = declareType('path', 'mustExist kind mode', (spec: PathSpec) => ({
  parse: (text) => {
    checkPath(text.trim());
    const value = text.trim().replace(/^~(?=\/|$)/, () => homedir());
    if (spec.mustExist === true && !existsSync(value)) throw new InvalidValue('no such file or directory');
    const found = spec.kind === undefined ? undefined : statSync(value, { throwIfNoEntry: false });
    if (found !== undefined && found.isDirectory() !== (spec.kind === 'dir')) {
      throw new InvalidValue(spec.kind === 'dir' ? 'should be a directory' : 'should be a file, is a directory');
    }
    return value;
  },
  warning: (value, file) => {
    if (spec.mode === undefined) return undefined;
    const places = file === undefined ? [value] : [resolve(dirname(file), value), value];
    const found = places.map(statOf).find((stats) => stats !== undefined);
    if (found === undefined || (found.mode & 0o777 & ~spec.mode) === 0) return undefined;
    return `the file's mode is ${(found.mode & 0o777).toString(8)}, more open than ${spec.mode.toString(8)}`;
  },
}));

/** Returns undefined for a file that is missing, or in an inaccessible folder. */
function statOf(place: string): Stats | undefined {
  return ignoreErrors(() => statSync(place, { throwIfNoEntry: false }));
}
