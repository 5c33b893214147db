/**
 * Translates Python's regular expressions into JavaScript's with the same meaning, or refuses them.
 *
 * Route tables have requirements written for Python's `re`. The two dialects share most of their syntax; where they differ (`.`, `$`, `\d`,
 * `\w`, `\b`, named groups, `{,3}`) the construct is rewritten, and one without a counterpart is refused by name.
 */
import { allExcept, PatternReader, RegexProblem } from './pattern-reader.js';

/** A translated expression, and its properties that the router needs. */
export interface TranslatedRegex {
  /** For `new RegExp(source, 'v')`; has the same groups in the same order as the original. */
  readonly source: string;
  /** Names of its named groups, in order. */
  readonly names: readonly string[];
  /** True if it may match a `/`, and so span segments of a path. */
  readonly matchesSlash: boolean;
  /** True if its matches depend on the text around it (assertions), or on group numbers (back references). */
  readonly contextual: boolean;
}

/** Translates an expression. Throws a {@link RegexProblem} if it is invalid or has no counterpart. */
export function translateRegex(pattern: string): TranslatedRegex {
  return new Translator(pattern).translate();
}

/** Keeps the results of a function for expressions: many routes and methods share the same ones. */
export function remembered<T>(findOut: (pattern: string) => T): (pattern: string) => T {
  const known = new Map<string, T>();
  return (pattern) => {
    const fact = known.get(pattern) ?? findOut(pattern);
    known.set(pattern, fact);
    return fact;
  };
}

interface Piece {
  readonly source: string;
  /** Minimum and maximum number of matched characters: Python requires look-behinds of fixed width. */
  readonly min: number;
  readonly max: number;
  /** False for elements that Python does not repeat: `^`, `$`, `\b`. */
  readonly repeatable: boolean;
  /** True if it tries to match nothing before something: `a*?`, `(|a)`. */
  readonly emptyFirst: boolean;
  /** Whether its matches set the named groups in it; null if there are none. */
  readonly setsNames: 'always' | 'sometimes' | null;
}

/** Properties of most elements. */
const PLAIN = { repeatable: true, emptyFirst: false, setsNames: null } as const;

/** A quantifier, without `?` or `+` after it. */
interface Quantifier {
  readonly text: string;
  readonly min: number;
  readonly max: number;
}

const NAME = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;
const WORD = '[\\p{L}\\p{N}_]';
/** Python's `$`: the end, or before a final newline. */
const END = '(?=\\n?$)';

const ASSERTIONS: Readonly<Record<string, string>> = {
  A: '^',
  Z: '$',
  b: `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`,
  B: `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`,
};

/** Reads an expression from left to right, by Python's grammar. */
class Translator extends PatternReader {
  readonly #names: string[] = [];
  /** For each group, whether it is closed: an open one cannot be referenced. */
  readonly #closed: boolean[] = [];
  #matchesSlash = false;
  #contextual = false;
  #depth = 0;

  translate(): TranslatedRegex {
    const { source } = this.#alternatives();
    if (!this.done) throw new RegexProblem('unbalanced parenthesis');
    return { source, names: this.#names, matchesSlash: this.#matchesSlash, contextual: this.#contextual };
  }

  #alternatives(): Piece {
    const branches = [this.#sequence()];
    while (this.take('|')) branches.push(this.#sequence());
    return {
      source: branches.map((branch) => branch.source).join('|'),
      min: Math.min(...branches.map((branch) => branch.min)),
      max: Math.max(...branches.map((branch) => branch.max)),
      repeatable: true,
      emptyFirst: branches.some(
        (branch, place) => branch.emptyFirst || (branch.min === 0 && isFollowedByText(branches, place)),
      ),
      setsNames: branches.length > 1 && allNames(branches) !== null ? 'sometimes' : allNames(branches),
    };
  }

  #sequence(): Piece {
    const pieces: Piece[] = [];
    for (;;) {
      this.#skipComments();
      if (this.done || this.looksAt('|') || this.looksAt(')')) break;
      pieces.push(this.#quantified());
    }
    const min = pieces.reduce((sum, piece) => sum + piece.min, 0);
    return {
      source: pieces.map((piece) => piece.source).join(''),
      min,
      max: pieces.reduce((sum, piece) => sum + piece.max, 0),
      repeatable: true,
      emptyFirst: min === 0 && pieces.some((piece) => piece.emptyFirst),
      setsNames: allNames(pieces),
    };
  }

  /** Skips comments: a quantifier after one belongs to the element before it. */
  #skipComments(): void {
    this.match(/(?:\(\?#[^)]*\))+/y);
  }

  #quantified(): Piece {
    if (this.#quantifier() !== null) throw new RegexProblem('nothing to repeat');
    const atom = this.#atom();
    this.#skipComments();
    const quantifier = this.#quantifier();
    if (quantifier === null) return atom;
    if (!atom.repeatable) throw new RegexProblem('nothing to repeat');
    if (this.looksAt('+')) throw unsupported('a possessive quantifier');
    const lazy = this.take('?') ? '?' : '';
    if (this.#quantifier() !== null) throw new RegexProblem('multiple repeat');
    const { text, min, max } = quantifier;
    checkRepetition(atom, quantifier, lazy);
    return {
      source: min === 0 && max === 1 && atom.min === 0 ? orNothing(atom.source, lazy) : `${atom.source}${text}${lazy}`,
      min: atom.min * min,
      max: max === 0 || atom.max === 0 ? 0 : atom.max * max,
      repeatable: true,
      emptyFirst: atom.emptyFirst || (lazy !== '' && atom.min * min === 0 && atom.max > 0 && max > min),
      setsNames: min === 0 && atom.setsNames !== null ? 'sometimes' : atom.setsNames,
    };
  }

  /** Returns the quantifier here, without `?` and `+` after it; null if there is none, as for `{` in `a{x}`. */
  #quantifier(): Quantifier | null {
    const found = this.match(/[*+?]|\{(?=[\d,])(\d*)(,?)(\d*)\}/y);
    if (found === null) return null;
    const [text, low, comma, high] = found;
    if (text === '*') return { text, min: 0, max: Number.POSITIVE_INFINITY };
    if (text === '+') return { text, min: 1, max: Number.POSITIVE_INFINITY };
    if (text === '?') return { text, min: 0, max: 1 };
    const min = Number(low);
    const max = comma === '' ? min : high === '' ? Number.POSITIVE_INFINITY : Number(high);
    if (max < min) throw new RegexProblem('min repeat greater than max repeat');
    return { text: `{${min}${comma}${high}}`, min, max };
  }

  #atom(): Piece {
    if (this.take('(')) return this.#group();
    if (this.take('[')) {
      const characters = this.readClass();
      return this.#one(characters, new RegExp(`^${characters}$`, 'v').test('/'));
    }
    if (this.looksAt('\\')) return this.#escape();
    const character = this.next();
    if (character === '.') return this.#one(allExcept('\\n'), true);
    if (character === '^') return this.#assertion('^');
    if (character === '$') return this.#assertion(END);
    return this.#literal(character);
  }

  /** Returns an element that matches one character. */
  #one(source: string, matchesSlash: boolean): Piece {
    if (matchesSlash) this.#matchesSlash = true;
    return { ...PLAIN, source, min: 1, max: 1 };
  }

  #literal(character: string): Piece {
    return this.#one(character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&'), character === '/');
  }

  #assertion(source: string): Piece {
    this.#contextual = true;
    return { ...PLAIN, source, min: 0, max: 0, repeatable: false };
  }

  /** Reads a group after its parenthesis. */
  #group(): Piece {
    if (++this.#depth > 100) throw new RegexProblem('groups are nested too deeply');
    const piece = this.#groupBody();
    if (!this.take(')')) throw new RegexProblem('missing ), unterminated subpattern');
    this.#depth--;
    return piece;
  }

  #groupBody(): Piece {
    const kind = this.match(/\?(?:<?[=!]|P[<=]|[:>(aiLmsux-])/y)?.[0];
    if (kind === undefined) {
      if (this.take('?')) throw new RegexProblem('unknown extension after (?');
      return this.#captured(null);
    }
    if (kind === '?:') {
      const body = this.#alternatives();
      return { ...body, source: `(?:${body.source})` };
    }
    if (kind === '?P<') return this.#captured(this.#name('>'));
    if (kind === '?P=') return this.#namedReference();
    if (/[=!]/.test(kind)) return this.#look(kind);
    if (kind === '?>') throw unsupported('an atomic group');
    throw unsupported(kind === '?(' ? 'a conditional group' : 'an inline flag');
  }

  #captured(name: string | null): Piece {
    const index = this.#closed.push(false) - 1;
    if (name !== null) {
      if (this.#names.includes(name)) throw new RegexProblem(`redefinition of the group name "${name}"`);
      this.#names.push(name);
    }
    const body = this.#alternatives();
    this.#closed[index] = true;
    const source = `${name === null ? '(' : `(?<${name}>`}${body.source})`;
    return { ...body, source, setsNames: body.setsNames ?? (name === null ? null : 'always') };
  }

  #look(kind: string): Piece {
    const slash = this.#matchesSlash;
    const body = this.#alternatives();
    if (kind.startsWith('?<') && body.min !== body.max) throw new RegexProblem('a look-behind needs a fixed width');
    this.#matchesSlash = slash;
    this.#contextual = true;
    // JavaScript refuses a quantifier right after an assertion, Python does not.
    return { ...PLAIN, source: `(?:(${kind}${body.source}))`, min: 0, max: 0, setsNames: body.setsNames };
  }

  #name(end: string): string {
    const [found] = this.match(/[^>)]*/y)!;
    if (found === '') throw new RegexProblem('missing group name');
    if (!NAME.test(found)) throw new RegexProblem(`"${found}" is not a name`);
    if (!this.take(end)) throw new RegexProblem(`missing ${end}, unterminated name`);
    return found;
  }

  #namedReference(): Piece {
    const name = this.#name('');
    if (!this.#names.includes(name)) throw new RegexProblem(`unknown group name "${name}"`);
    return this.#reference(`\\k<${name}>`);
  }

  #reference(source: string): Piece {
    this.#contextual = true;
    this.#matchesSlash = true;
    return { ...PLAIN, source: `(?:${source})`, min: 0, max: Number.POSITIVE_INFINITY };
  }

  #escape(): Piece {
    const digits = this.match(/\\(?![0-7]{3})([1-9][0-9]?)/y);
    if (digits !== null) {
      const number = Number(digits[1]);
      const closed = this.#closed[number - 1];
      if (closed === undefined) throw new RegexProblem(`invalid group reference ${number}`);
      if (!closed) throw new RegexProblem('cannot refer to an open group');
      return this.#reference(`\\${number}`);
    }
    const assertion = this.match(/\\([AZbB])/y);
    if (assertion !== null) return this.#assertion(ASSERTIONS[assertion[1]!]!);
    const set = this.set();
    // A class such as "no digit, letter or space" may match a slash.
    return set === null ? this.#literal(this.escapedCharacter()) : this.#one(set, set.startsWith('[[^'));
  }
}

/**
 * Refuses repetitions that differ. When an element matches nothing again, Python ends the repetition there, and JavaScript looks for another
 * match of the element. JavaScript forgets the groups of the repetition before, Python does not.
 */
function checkRepetition(atom: Piece, { min, max }: Quantifier, lazy: string): void {
  if (max <= 1) return;
  if (lazy === '' && max > min && atom.emptyFirst) throw unsupported('a repeated group that prefers to match nothing');
  if (atom.setsNames === 'sometimes' || (atom.setsNames === 'always' && atom.min === 0 && max > min)) {
    throw unsupported('a named group that a repetition may leave unset');
  }
}

/** Reports whether a branch that matches something follows the branch at `place`. */
function isFollowedByText(branches: readonly Piece[], place: number): boolean {
  return branches.slice(place + 1).some((branch) => branch.max > 0);
}

/** Returns whether a match of all elements sets their named groups. */
function allNames(pieces: readonly Piece[]): Piece['setsNames'] {
  const sets = pieces.map((piece) => piece.setsNames);
  return sets.find((each) => each === 'sometimes') ?? sets.find((each) => each !== null) ?? null;
}

/**
 * Makes an element optional that may match nothing itself: in JavaScript `(x*)?` then leaves the group undefined, in Python it is empty.
 */
function orNothing(source: string, lazy: string): string {
  return lazy === '' ? `(?:${source}|)` : `(?:|${source})`;
}

function unsupported(construct: string): RegexProblem {
  return new RegexProblem(`${construct} has no counterpart in JavaScript`);
}
