/**
 * The words of a command line, taken apart in one way for all who read one.
 */

/** An option with its value, or another word. */
export interface CommandLineWord {
  /** Position of the word, from 0. */
  readonly at: number;
  /** As it is written, `--a_b` of `--a_b=c`. */
  readonly word: string;
  /** Whether it begins with `-` and has more behind that; `--` is one too. */
  readonly isOption: boolean;
  readonly value?: string | undefined;
  /** Whether the value is in the same word, behind `=`. */
  readonly isAttached: boolean;
}

/**
 * Takes words apart, one after another. `takesNext` tells whether the word behind an option without `=` is its value. A caller
 * that gives `--` a meaning ends there.
 */
export function* commandLineWords(
  words: readonly string[],
  takesNext: (option: string, next: string) => boolean,
): Generator<CommandLineWord> {
  for (let at = 0; at < words.length; at++) {
    const whole = words[at]!;
    const isOption = whole.startsWith('-') && whole !== '-';
    // `--=x` has no name before its sign.
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
