/**
 * A cursor over a Python regular expression, and its elements that match one character: escapes and classes.
 */

/** An expression that is invalid, or has no counterpart in JavaScript. */
export class RegexProblem extends Error {}

/** Python's `\d`, `\w`, `\s` are Unicode sets; `\s` is that of `str.isspace`, which differs from JavaScript's. */
const SETS: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000',
};

const CONTROLS: Readonly<Record<string, string>> = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/**
 * Returns the class of all characters except these. It has two pairs of brackets because the V8 of Node 20 loses the `^` of `[^…]` in
 * repeated groups: there `/^(?:a[^b])+$/v` matches `ab`.
 */
export function allExcept(members: string): string {
  return `[[^${members}]]`;
}

/** Reads an expression from left to right. */
export class PatternReader {
  readonly #pattern: string;
  #offset = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  protected get done(): boolean {
    return this.#offset >= this.#pattern.length;
  }

  protected looksAt(text: string): boolean {
    return this.#pattern.startsWith(text, this.#offset);
  }

  protected take(text: string): boolean {
    const isHere = this.looksAt(text);
    if (isHere) this.#offset += text.length;
    return isHere;
  }

  /** Consumes the match of a sticky expression. */
  protected match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#offset;
    const found = sticky.exec(this.#pattern);
    if (found !== null) this.#offset += found[0].length;
    return found;
  }

  /** Returns the next character, a whole one even if it takes two UTF-16 units. */
  protected next(): string {
    const code = this.#pattern.codePointAt(this.#offset);
    if (code === undefined) throw new RegexProblem('unexpected end of pattern');
    const character = String.fromCodePoint(code);
    this.#offset += character.length;
    return character;
  }

  /** Returns the set for `\d`, `\D` and so on; null for anything else. */
  protected set(): string | null {
    const letter = this.match(/\\([dDwWsS])/y)?.[1];
    if (letter === undefined) return null;
    const small = letter.toLowerCase();
    return letter === small ? `[${SETS[small]}]` : allExcept(SETS[small]!);
  }

  /** Returns the character of an escape. */
  protected escapedCharacter(): string {
    this.next();
    if (this.done) throw new RegexProblem('bad escape (end of pattern)');
    const octal = this.match(/[0-7]{1,3}/y)?.[0];
    if (octal !== undefined) {
      const code = Number.parseInt(octal, 8);
      if (code > 0o377) throw new RegexProblem('octal escape above \\377');
      return String.fromCodePoint(code);
    }
    const hex = this.match(/x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}/y)?.[0];
    if (hex !== undefined) {
      const code = Number.parseInt(hex.slice(1), 16);
      if (code > 0x10ffff) throw new RegexProblem('bad escape: no such character');
      return String.fromCodePoint(code);
    }
    const character = this.next();
    if (Object.hasOwn(CONTROLS, character)) return CONTROLS[character]!;
    if (/[A-Za-z0-9]/.test(character)) throw new RegexProblem(`bad escape \\${character}`);
    return character;
  }

  /** Returns a class as an expression, read after its opening bracket. A `]` right after the bracket is an ordinary character in Python. */
  protected readClass(): string {
    const isNegated = this.take('^');
    let members = '';
    do members += this.#classItem();
    while (!this.take(']'));
    return isNegated ? allExcept(members) : `[${members}]`;
  }

  #classItem(): string {
    const low = this.#classMember();
    if (this.match(/-(?!\])/y) === null) return low.source;
    const high = this.#classMember();
    if (low.code === undefined || high.code === undefined || high.code < low.code) {
      throw new RegexProblem('bad character range');
    }
    return `${low.source}-${high.source}`;
  }

  /** Returns one end of a range, or a set such as `\d`, which has no code. */
  #classMember(): { source: string; code?: number } {
    if (this.done) throw new RegexProblem('unterminated character set');
    const set = this.set();
    if (set !== null) return { source: set };
    const isEscape = this.looksAt('\\');
    const character = this.take('\\b') ? '\b' : isEscape ? this.escapedCharacter() : this.next();
    const code = character.codePointAt(0)!;
    // As a number: no character then has a special meaning, now or in a later version of the language.
    return { source: `\\u{${code.toString(16)}}`, code };
  }
}
