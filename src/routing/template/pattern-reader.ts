/**
 * A cursor over a Python regular expression: its escapes, its sets, and errors that know their place.
 */

/** An expression that is broken, or that has no counterpart here. */
export class RegexProblem extends Error {
  /** Where in the expression, in UTF-16 units from 0. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Python's `\s`: what `str.isspace` says, which is not JavaScript's list. */
const SPACES = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';

/** `\d`, `\w`, `\s` of Python are those of Unicode. */
const SETS: ReadonlyMap<string, string> = new Map([
  ['d', '\\p{Nd}'],
  ['w', '\\p{L}\\p{N}_'],
  ['s', SPACES],
]);

const CONTROLS: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);

/** A class, or anything else that matches one character. */
export interface ClassSource {
  readonly source: string;
  readonly matchesSlash: boolean;
}

/** A cursor over an expression. */
export class PatternReader {
  readonly #pattern: string;
  #offset = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  get offset(): number {
    return this.#offset;
  }

  get done(): boolean {
    return this.#offset >= this.#pattern.length;
  }

  looksAt(text: string): boolean {
    return this.#pattern.startsWith(text, this.#offset);
  }

  take(text: string): boolean {
    if (!this.looksAt(text)) return false;
    this.#offset += text.length;
    return true;
  }

  /** What a sticky expression matches here; takes nothing. */
  match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#offset;
    return sticky.exec(this.#pattern);
  }

  skip(length: number): void {
    this.#offset += length;
  }

  /** The next character, a whole one where it takes two UTF-16 units. */
  next(): string {
    const code = this.#pattern.codePointAt(this.#offset);
    if (code === undefined) throw this.problem('unexpected end of pattern');
    const character = String.fromCodePoint(code);
    this.#offset += character.length;
    return character;
  }

  /** `\d`, `\D` and so on; null when something else stands here. */
  takeSet(): ClassSource | null {
    const found = this.match(/\\([dDwWsS])/y);
    if (found === null) return null;
    this.skip(2);
    const letter = found[1]!;
    const negated = letter !== letter.toLowerCase();
    return {
      source: `[${negated ? '^' : ''}${SETS.get(letter.toLowerCase())!}]`,
      matchesSlash: negated,
    };
  }

  /** The character that an escape stands for. */
  takeEscapedCharacter(): string {
    const start = this.#offset;
    this.skip(1);
    if (this.done) throw this.problem('bad escape (end of pattern)', start);
    const octal = this.match(/[0-7]{1,3}/y);
    if (octal !== null) {
      if (Number.parseInt(octal[0], 8) > 0o377) throw this.problem('octal escape above \\377', start);
      return this.#coded(octal[0], 8, octal[0].length, start);
    }
    const hex = this.match(/x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})/y);
    if (hex !== null) return this.#coded(hex[0].slice(1), 16, hex[0].length, start);
    const character = this.next();
    const control = CONTROLS.get(character);
    if (control !== undefined) return control;
    if (/[A-Za-z0-9]/.test(character)) throw this.problem(`bad escape \\${character}`, start);
    return character;
  }

  problem(message: string, offset: number = this.#offset): RegexProblem {
    return new RegexProblem(message, offset);
  }

  unsupported(construct: string, offset: number = this.#offset): RegexProblem {
    return new RegexProblem(`${construct} has no counterpart in JavaScript`, offset);
  }

  #coded(digits: string, base: number, length: number, start: number): string {
    const code = Number.parseInt(digits, base);
    if (code > 0x10ffff) throw this.problem('bad escape: no such character', start);
    this.skip(length);
    return String.fromCodePoint(code);
  }
}
