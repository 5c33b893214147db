/**
 * Python's regular expressions as JavaScript's, with the same meaning or not at all.
 *
 * Route tables come with requirements written for Python's `re`. The two dialects share most of their syntax; where
 * they differ (`.`, `$`, `\d`, `\w`, `\b`, named groups, `{,3}`) the construct is rewritten, and what has no
 * counterpart is refused by name.
 */

import { type ClassSource, PatternReader, RegexProblem } from './pattern-reader.js';
import { readClass } from './python-class.js';

/** A translated expression, and what the router needs to know about it. */
export interface TranslatedRegex {
  /** For `new RegExp(source, 'v')`; has the same groups in the same order as the original. */
  readonly source: string;
  /** Names of its named groups, in order. */
  readonly names: readonly string[];
  /** It may match a `/`, so it may span segments of a path. */
  readonly matchesSlash: boolean;
  /** What it matches depends on the text around it (assertions), or on group numbers (back references). */
  readonly contextual: boolean;
}

interface Piece {
  readonly source: string;
  /** Fewest and most characters it matches: Python wants look-behinds of one width. */
  readonly min: number;
  readonly max: number;
  /** False for what Python will not repeat: `^`, `$`, `\b`. */
  readonly repeatable: boolean;
}

const NAME = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;
const WORD = '[\\p{L}\\p{N}_]';
/** Python's `$`: the end, or before a newline that is the last character. */
const END = '(?=\\n?$)';

/** Throws a {@link RegexProblem} with the offset when the expression is broken or has no counterpart. */
export function translateRegex(pattern: string): TranslatedRegex {
  return new Translator(pattern).translate();
}

class Translator {
  readonly #reader: PatternReader;
  readonly #names: string[] = [];
  /** For each group whether it is closed: an open one cannot be referred to. */
  readonly #closed: boolean[] = [];
  #matchesSlash = false;
  #contextual = false;
  #depth = 0;

  constructor(pattern: string) {
    this.#reader = new PatternReader(pattern);
  }

  translate(): TranslatedRegex {
    const whole = this.#alternatives();
    if (!this.#reader.done) throw this.#reader.problem('unbalanced parenthesis');
    return {
      source: whole.source,
      names: this.#names,
      matchesSlash: this.#matchesSlash,
      contextual: this.#contextual,
    };
  }

  #alternatives(): Piece {
    const branches = [this.#sequence()];
    while (this.#reader.take('|')) branches.push(this.#sequence());
    return {
      source: branches.map((branch) => branch.source).join('|'),
      min: Math.min(...branches.map((branch) => branch.min)),
      max: Math.max(...branches.map((branch) => branch.max)),
      repeatable: true,
    };
  }

  #sequence(): Piece {
    let source = '';
    let min = 0;
    let max = 0;
    for (;;) {
      this.#skipComments();
      if (this.#reader.done || this.#reader.looksAt('|') || this.#reader.looksAt(')')) break;
      const piece = this.#quantified();
      source += piece.source;
      min += piece.min;
      max += piece.max;
    }
    return { source, min, max, repeatable: true };
  }

  /** A comment is nothing: a quantifier after it belongs to what stands before it. */
  #skipComments(): void {
    for (let comment = this.#comment(); comment !== null; comment = this.#comment()) this.#reader.skip(comment.length);
  }

  #comment(): string | null {
    return this.#reader.match(/\(\?#[^)]*\)/y)?.[0] ?? null;
  }

  #quantified(): Piece {
    const start = this.#reader.offset;
    if (this.#quantifier() !== null) throw this.#reader.problem('nothing to repeat', start);
    const atom = this.#atom();
    this.#skipComments();
    const quantifierAt = this.#reader.offset;
    const quantifier = this.#quantifier();
    if (quantifier === null) return atom;
    if (!atom.repeatable) throw this.#reader.problem('nothing to repeat', quantifierAt);
    if (this.#reader.looksAt('+')) throw this.#reader.unsupported('a possessive quantifier');
    const lazy = this.#reader.take('?') ? '?' : '';
    const again = this.#reader.offset;
    if (this.#quantifier() !== null) throw this.#reader.problem('multiple repeat', again);
    const { text, min, max } = quantifier;
    return {
      source: `${atom.source}${text}${lazy}`,
      min: atom.min * min,
      max: max === 0 || atom.max === 0 ? 0 : atom.max * max,
      repeatable: true,
    };
  }

  /** The quantifier at this place, without `?` and `+` after it; null when there is none, as for `{` in `a{x}`. */
  #quantifier(): { text: string; min: number; max: number } | null {
    const reader = this.#reader;
    if (reader.take('*')) return { text: '*', min: 0, max: Number.POSITIVE_INFINITY };
    if (reader.take('+')) return { text: '+', min: 1, max: Number.POSITIVE_INFINITY };
    if (reader.take('?')) return { text: '?', min: 0, max: 1 };
    const counts = reader.match(/\{(\d*)(,?)(\d*)\}/y);
    if (counts === null || counts[0] === '{}') return null;
    const [text, low = '', comma, high = ''] = counts;
    if (low === '' && comma === '') return null;
    const min = low === '' ? 0 : Number(low);
    const max = comma === '' ? min : high === '' ? Number.POSITIVE_INFINITY : Number(high);
    if (max < min) throw reader.problem('min repeat greater than max repeat');
    reader.skip(text.length);
    return { text: `{${min}${comma}${high}}`, min, max };
  }

  #atom(): Piece {
    const reader = this.#reader;
    if (reader.looksAt('(')) return this.#group();
    if (reader.looksAt('[')) return this.#consume(readClass(reader));
    if (reader.looksAt('\\')) return this.#escape();
    const character = reader.next();
    if (character === '.') return this.#consume({ source: '[^\\n]', matchesSlash: true });
    if (character === '^') return this.#assertion('^');
    if (character === '$') return this.#assertion(END);
    return this.#literal(character);
  }

  #consume({ source, matchesSlash }: ClassSource): Piece {
    if (matchesSlash) this.#matchesSlash = true;
    return { source, min: 1, max: 1, repeatable: true };
  }

  #literal(character: string): Piece {
    return this.#consume({ source: escapeLiteral(character), matchesSlash: character === '/' });
  }

  #assertion(source: string): Piece {
    this.#contextual = true;
    return { source, min: 0, max: 0, repeatable: false };
  }

  #group(): Piece {
    const reader = this.#reader;
    const start = reader.offset;
    reader.next();
    if (++this.#depth > 100) throw reader.problem('groups are nested too deeply', start);
    const piece = this.#groupBody(start);
    if (!reader.take(')')) throw reader.problem('missing ), unterminated subpattern', start);
    this.#depth--;
    return piece;
  }

  #groupBody(start: number): Piece {
    const reader = this.#reader;
    if (!reader.take('?')) return this.#captured('(', null);
    if (reader.take(':')) return this.#wrapped('(?:');
    for (const look of ['=', '!', '<=', '<!']) if (reader.take(look)) return this.#look(look, start);
    if (reader.take('P<')) return this.#captured('', this.#name('>'));
    if (reader.take('P=')) return this.#namedReference();
    if (reader.take('>')) throw reader.unsupported('an atomic group', start);
    if (reader.take('(')) throw reader.unsupported('a conditional group', start);
    if (reader.match(/[aiLmsux-]/y) !== null) throw reader.unsupported('an inline flag', start);
    throw reader.problem('unknown extension after (?', start);
  }

  #captured(open: string, name: string | null): Piece {
    const index = this.#closed.push(false) - 1;
    if (name !== null) {
      if (this.#names.includes(name)) throw this.#reader.problem(`redefinition of the group name "${name}"`);
      this.#names.push(name);
    }
    const body = this.#alternatives();
    this.#closed[index] = true;
    return { ...body, source: `${name === null ? open : `(?<${name}>`}${body.source})` };
  }

  #wrapped(open: string): Piece {
    const body = this.#alternatives();
    return { ...body, source: `${open}${body.source})` };
  }

  #look(look: string, start: number): Piece {
    const slash = this.#matchesSlash;
    const body = this.#alternatives();
    if (look.startsWith('<') && body.min !== body.max) {
      throw this.#reader.problem('a look-behind needs a fixed width', start);
    }
    this.#matchesSlash = slash;
    this.#contextual = true;
    // JavaScript refuses a quantifier right after an assertion, Python does not.
    return { source: `(?:(?${look}${body.source}))`, min: 0, max: 0, repeatable: true };
  }

  #name(end: string): string {
    const found = this.#reader.match(/[^>)]*/y)![0];
    if (found === '') throw this.#reader.problem('missing group name');
    if (!NAME.test(found)) throw this.#reader.problem(`"${found}" is not a name`);
    this.#reader.skip(found.length);
    if (!this.#reader.take(end)) throw this.#reader.problem(`missing ${end}, unterminated name`);
    return found;
  }

  #namedReference(): Piece {
    const name = this.#name('');
    if (!this.#names.includes(name)) throw this.#reader.problem(`unknown group name "${name}"`);
    return this.#reference(`\\k<${name}>`);
  }

  #reference(source: string): Piece {
    this.#contextual = true;
    this.#matchesSlash = true;
    return { source: `(?:${source})`, min: 0, max: Number.POSITIVE_INFINITY, repeatable: true };
  }

  #escape(): Piece {
    const reader = this.#reader;
    const start = reader.offset;
    const digits = reader.match(/\\(?![0-7]{3})([1-9][0-9]?)/y);
    if (digits !== null) {
      const number = Number(digits[1]);
      if (this.#closed[number - 1] === undefined) throw reader.problem(`invalid group reference ${number}`, start);
      if (!this.#closed[number - 1]) throw reader.problem('cannot refer to an open group', start);
      reader.skip(digits[0].length);
      return this.#reference(`\\${number}`);
    }
    if (reader.take('\\A')) return this.#assertion('^');
    if (reader.take('\\Z')) return this.#assertion('$');
    if (reader.take('\\b')) return this.#assertion(`(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`);
    if (reader.take('\\B')) return this.#assertion(`(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`);
    const set = reader.takeSet();
    if (set !== null) return this.#consume(set);
    return this.#literal(reader.takeEscapedCharacter());
  }
}

/** Literal text in an expression with the `v` flag. */
function escapeLiteral(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

export { RegexProblem };
