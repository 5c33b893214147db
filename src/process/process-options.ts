/**
 * How options are given to a process: on its command line, split into words in one way for all callers, and by environment variables,
 * `PORTICO_<GROUP>__<OPT>`.
 */

/** An option with its value, or another word. */
export interface CommandLineWord {
  /** The index of the word, from 0. */
  readonly at: number;
  /** The word as written; `--a_b` of `--a_b=c`. */
  readonly word: string;
  /** Whether the word begins with `-` and is longer than that; true for `--`. */
  readonly isOption: boolean;
  readonly value?: string | undefined;
  /** Whether the value is in the same word, after `=`. */
  readonly isAttached: boolean;
}

/**
 * Yields the words in turn. `takesNext` decides whether the word after an option without `=` is its value. A caller to which `--` has a
 * meaning stops there.
 */
export function* commandLineWords(
  words: readonly string[],
  takesNext: (option: string, next: string) => boolean,
): Generator<CommandLineWord> {
  for (let at = 0; at < words.length; at++) {
    const whole = words[at]!;
    const isOption = whole.startsWith('-') && whole !== '-';
    // `--=x` has no name before `=`.
    const equals = whole.startsWith('--=') ? -1 : whole.indexOf('=');
    if (equals >= 0) {
      yield { at, word: whole.slice(0, equals), isOption, value: whole.slice(equals + 1), isAttached: true };
      continue;
    }
    const next = words[at + 1];
    const isTaken = isOption && next !== undefined && takesNext(whole, next);
    yield { at, word: whole, isOption, value: isTaken ? next : undefined, isAttached: false };
    if (isTaken) at++;
  }
}

/** The prefix of the variables that oslo.config reads, and Portico too with `os_env_compat`. */
export const OS_PREFIX = 'OS';

/** Returns the variables of an environment that may be options: names that begin with `prefix` or `OS` and contain `__`. */
export function optionVariables(env: NodeJS.ProcessEnv, prefix: string): Record<string, string> {
  const form = new RegExp(`^(?:${prefix}|${OS_PREFIX})_.+?__.+$`, 's');
  const found = Object.entries(env).filter(([name, value]) => form.test(name) && value !== undefined);
  return Object.fromEntries(found) as Record<string, string>;
}

/** Returns the names that have the prefix but no `__`: options with one underscore too few, or unrelated variables. */
export function otherVariables(env: NodeJS.ProcessEnv, prefix: string): string[] {
  return Object.keys(env).filter((name) => name.startsWith(`${prefix}_`) && !name.includes('__'));
}
