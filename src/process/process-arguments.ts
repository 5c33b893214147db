/** Splits a command line into options and words, in one way for all callers. */

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
