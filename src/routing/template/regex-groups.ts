/**
 * The groups of an expression while it is translated, and what they match for certain.
 *
 * The languages differ where something may be left out. When a group matches nothing again, Python ends the repetition there, and JavaScript
 * looks for another match of the group. JavaScript forgets the groups of the repetition before, Python does not. A reference to a group
 * that is not set never matches in Python, and always in JavaScript. Expressions that could differ are refused.
 */

/** An expression that is invalid, or has no counterpart in JavaScript. */
export class RegexProblem extends Error {}

export function unsupported(construct: string): RegexProblem {
  return new RegexProblem(`${construct} has no counterpart in JavaScript`);
}

/** What a part of an expression matches and sets, whatever the text. */
interface Certain {
  /** True if it is at least one character. */
  readonly hasText: boolean;
  /** Numbers of the groups that it sets. */
  readonly sets: readonly number[];
}

const NOTHING: Certain = { hasText: false, sets: [] };

/** A group that is not closed yet, or the whole expression. */
interface Group extends Pick<ClosedGroup, 'at'> {
  /** Undefined if it does not capture. */
  readonly number: number | undefined;
  readonly isAssertion: boolean;
  /** Numbers of the named groups in it, and its own. */
  readonly named: number[];
  /** The current branch, and what it was before its last element. */
  branch: Certain;
  before: Certain;
  hasBranches: boolean;
  /** True if an earlier branch may match nothing. */
  mayBeEmpty: boolean;
}

interface ClosedGroup {
  /** Index of its parenthesis among the translated elements. */
  readonly at: number;
  readonly mayBeEmpty: boolean;
  /** True if each match of it sets all named groups in it. */
  readonly setsNames: boolean;
}

/** The translated elements of an expression, from left to right. */
export class RegexGroups {
  readonly #elements: string[] = [];
  readonly #open: Group[] = [];
  #count = 0;
  /** The last element, if it is a group. */
  #last: ClosedGroup | undefined;

  constructor() {
    this.#enter(undefined, false, false);
  }

  get source(): string {
    return this.#elements.join('');
  }

  /** Adds what is no group and no quantifier. `hasText`: it matches at least one character. */
  add(source: string, hasText: boolean): void {
    this.#add(source, { hasText, sets: [] });
  }

  /** Begins a group with `(`, `(?:`, `(?=` and so on; returns its number if it captures. */
  open(opener: string, isNamed: boolean): number | undefined {
    const number = opener === '(' ? ++this.#count : undefined;
    this.#enter(number, isNamed, /[=!]$/.test(opener));
    this.#elements.push(opener);
    return number;
  }

  nextBranch(): void {
    const group = this.#open.at(-1)!;
    group.mayBeEmpty ||= !group.branch.hasText;
    group.hasBranches = true;
    group.branch = NOTHING;
    this.#elements.push('|');
  }

  close(): void {
    const group = this.#open.pop()!;
    const { at, number, isAssertion, named, branch, hasBranches } = group;
    const outer = this.#open.at(-1);
    if (outer === undefined) throw new RegexProblem('unbalanced parenthesis');
    const mayBeEmpty = isAssertion || group.mayBeEmpty || !branch.hasText;
    const sets = [...(hasBranches ? [] : branch.sets), ...(number === undefined ? [] : [number])];
    this.#add(')', { hasText: !mayBeEmpty, sets: isAssertion ? [] : sets });
    outer.named.push(...named);
    this.#last = { at, mayBeEmpty, setsNames: named.every((each) => sets.includes(each)) };
  }

  /** Repeats the last element. `isLazy`: as rarely as possible. */
  repeat(quantifier: string, isLazy: boolean): void {
    const [least, most] = limitsOf(quantifier);
    if (this.#last !== undefined && most > 1) {
      if (this.#last.mayBeEmpty) throw unsupported('a repeated group that may match nothing');
      if (!this.#last.setsNames) throw unsupported('a named group that a repetition may leave unset');
    }
    const current = this.#open.at(-1)!;
    if (least === 0) current.branch = current.before;
    if (this.#last?.mayBeEmpty === true && least < most) {
      // In JavaScript `(x*)?` leaves the group undefined, in Python it is empty.
      this.#elements[this.#last.at] = `(?:${isLazy ? '|' : ''}${this.#elements[this.#last.at]}`;
      this.#elements.push(isLazy ? ')' : '|)');
    } else {
      this.#elements.push(`${quantifier.replace('{,', '{0,')}${isLazy ? '?' : ''}`);
    }
    this.#last = undefined;
  }

  /** Reports whether a group is closed and set wherever the next element is tried. */
  isSet(number: number): boolean {
    return this.#open.some(({ branch }) => branch.sets.includes(number));
  }

  #enter(number: number | undefined, isNamed: boolean, isAssertion: boolean): void {
    const named = isNamed && number !== undefined ? [number] : [];
    const at = this.#elements.length;
    const begin = { branch: NOTHING, before: NOTHING, hasBranches: false, mayBeEmpty: false };
    this.#open.push({ at, number, isAssertion, named, ...begin });
  }

  #add(source: string, { hasText, sets }: Certain): void {
    const group = this.#open.at(-1)!;
    group.before = group.branch;
    group.branch = { hasText: group.branch.hasText || hasText, sets: [...group.branch.sets, ...sets] };
    this.#elements.push(source);
    this.#last = undefined;
  }
}

/** Returns the least and the greatest number of repetitions: `{,3}` is 0 to 3. */
function limitsOf(quantifier: string): readonly [least: number, most: number] {
  if (quantifier === '?') return [0, 1];
  const [, least, comma, most] = /^\{(\d*)(,?)(\d*)\}$/.exec(quantifier) ?? [];
  if (least === undefined) return [quantifier === '+' ? 1 : 0, Number.POSITIVE_INFINITY];
  if (comma === '') return [Number(least), Number(least)];
  return [Number(least), most === '' ? Number.POSITIVE_INFINITY : Number(most)];
}
