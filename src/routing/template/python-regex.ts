/**
 * Translates Python's regular expressions into JavaScript's with the same meaning, or refuses them.
 *
 * Route tables have requirements written for Python's `re`. The two dialects share most of their syntax: an expression is read element by
 * element, those that differ (`.`, `$`, `\d`, `\w`, `\b`, classes, named groups, `{,3}`) are written anew, and one without a counterpart is
 * refused by name. What is wrong in both, such as an open group, JavaScript's own parser refuses.
 */
import { RegexGroups, RegexProblem, unsupported } from './regex-groups.js';

/** A translated expression, and its properties that the router needs. */
export interface TranslatedRegex {
  /** For `new RegExp(source, 'v')`; has the same groups in the same order as the original, without their names. */
  readonly source: string;
  /** Numbers of its named groups, in order. */
  readonly names: ReadonlyMap<string, number>;
  /** True if it may match a `/`, and so span segments of a path. */
  readonly matchesSlash: boolean;
  /** True if its matches depend on the text around it (assertions), or on group numbers (back references). */
  readonly contextual: boolean;
}

const ESCAPE = String.raw`\\(?:0[0-7]{0,2}|[0-7]{3}|[1-9]\d?|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[\s\S]|$)`;

/** The elements of an expression; a `]` right after the bracket of a class is an ordinary character. */
const ELEMENT = new RegExp(
  [
    String.raw`\(\?#[^\)]*\)`,
    String.raw`\(\?P<(?<name>[^>\)]*)>`,
    String.raw`\(\?P=(?<reference>[^\)]*)\)`,
    String.raw`(?<opener>\((?:\?(?::|<?[=!]))?(?!\?))`,
    String.raw`\(\?(?<unknown>[\s\S]?)`,
    String.raw`(?<members>\[(?=(?<start>\^?\]?))\k<start>(?:\\[\s\S]|[^\]\\])*\])`,
    String.raw`(?<quantifier>[*+?]|\{(?=[\d,])\d*,?\d*\})(?<mode>[?+]?)`,
    `(?<escaped>${ESCAPE})`,
    String.raw`[\s\S]`,
  ].join('|'),
  'gu',
);

const NAME = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;
const WORD = '[\\p{L}\\p{N}_]';
const ASSERTIONS: ReadonlyMap<string, string> = new Map([
  ['^', '^'],
  // Python's `$`: the end, or before a final newline.
  ['$', '(?=\\n?$)'],
  ['\\A', '^'],
  ['\\Z', '$'],
  ['\\b', `(?=(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`],
  ['\\B', `(?=(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`],
]);

/** Python's `\d`, `\w`, `\s` are Unicode sets; `\s` is that of `str.isspace`, which differs from JavaScript's. */
const SETS: ReadonlyMap<string, string> = new Map([
  ['\\d', '\\p{Nd}'],
  ['\\w', '\\p{L}\\p{N}_'],
  ['\\s', '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'],
]);
const CONTROLS: Readonly<Record<string, string>> = { a: '\x07', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const UNKNOWN: ReadonlyMap<string, string> = new Map([
  ['>', 'an atomic group'],
  ['(', 'a conditional group'],
]);

/** Translates an expression. Throws a {@link RegexProblem} if it is invalid or has no counterpart. */
export function translateRegex(pattern: string): TranslatedRegex {
  const names = new Map<string, number>();
  const groups = new RegexGroups();
  let matchesSlash = false;
  let contextual = false;
  const openGroup = (opener: string, name: string | undefined): void => {
    const number = groups.open(opener, name !== undefined);
    contextual ||= /[=!]$/.test(opener);
    if (name === undefined) return;
    if (!NAME.test(name)) throw new RegexProblem(`"${name}" is not a name`);
    if (names.has(name)) throw new RegexProblem(`redefinition of the group name "${name}"`);
    names.set(name, number!);
  };
  const refer = (element: string, number: number): void => {
    if (!groups.isSet(number)) {
      throw new RegexProblem(`${element} refers to a group that is open, unknown or may be unset`);
    }
    contextual = true;
    matchesSlash = true;
    groups.add(`(?:\\${number})`, false);
  };
  const addCharacter = (source: string): void => {
    matchesSlash ||= new RegExp(`^${source}$`, 'v').test('/');
    groups.add(source, true);
  };
  try {
    for (const { 0: element, groups: kinds } of pattern.matchAll(ELEMENT)) {
      const { opener, name, reference, unknown, members, quantifier, mode, escaped } = kinds!;
      const assertion = ASSERTIONS.get(element);
      if (element.startsWith('(?#')) continue;
      if (unknown !== undefined) throw unsupported(UNKNOWN.get(unknown) ?? 'an inline flag, or an unknown group,');
      if (mode === '+') throw unsupported('a possessive quantifier');
      if (opener !== undefined || name !== undefined) openGroup(opener ?? '(', name);
      else if (element === '|') groups.nextBranch();
      else if (element === ')') groups.close();
      else if (element === '[') throw new RegexProblem('no ] ends a class');
      else if (quantifier !== undefined) groups.repeat(quantifier, mode === '?');
      else if (reference !== undefined) refer(element, names.get(reference) ?? Number.NaN);
      else if (/^\\[1-9]\d?$/.test(element)) refer(element, Number(element.slice(1)));
      else if (assertion !== undefined) {
        contextual = true;
        groups.add(assertion, false);
      } else if (members !== undefined) addCharacter(classOf(members));
      else addCharacter(setOf(element) ?? literal(escaped === undefined ? element : characterOf(escaped)));
    }
    const { source } = groups;
    // What is wrong in both languages, JavaScript's own parser refuses.
    void new RegExp(source, 'v');
    return { source, names, matchesSlash, contextual };
  } catch (cause) {
    if (cause instanceof RegexProblem) throw cause;
    throw new RegexProblem((cause as Error).message.replace(/^Invalid regular expression: .*: /s, ''), { cause });
  }
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

/** Returns the set for `.`, `\d`, `\D` and so on; undefined for anything else. */
function setOf(element: string): string | undefined {
  if (element === '.') return allExcept('\\n');
  const members = SETS.get(element.toLowerCase());
  if (members === undefined || element.length > 2) return undefined;
  return SETS.has(element) ? `[${members}]` : allExcept(members);
}

/**
 * Returns the class of all characters except these. It has two pairs of brackets because the V8 of Node 20 loses the `^` of `[^…]` in
 * repeated groups: there `/^(?:a[^b])+$/v` matches `ab`.
 */
function allExcept(members: string): string {
  return `[[^${members}]]`;
}

/** Translates a class, written with its brackets. */
function classOf(text: string): string {
  const isNegated = text.startsWith('[^');
  const items = text.slice(isNegated ? 2 : 1, -1).match(new RegExp(`${ESCAPE}|[\\s\\S]`, 'gu')) ?? [];
  // As a number: no character then has a special meaning, now or in a later version of the language.
  const codeOf = (item: string): string => {
    const character = item === '\\b' ? '\b' : item.startsWith('\\') ? characterOf(item) : item;
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  };
  let members = '';
  for (let at = 0; at < items.length; at++) {
    const [low, dash, high] = items.slice(at, at + 3) as [string, string?, string?];
    const isRange = dash === '-' && high !== undefined;
    const set = low === '.' ? undefined : setOf(low);
    if (isRange && (set ?? (high === '.' ? undefined : setOf(high))) !== undefined) {
      throw new RegexProblem('bad character range');
    }
    members += isRange ? `${codeOf(low)}-${codeOf(high)}` : (set ?? codeOf(low));
    if (isRange) at += 2;
  }
  return isNegated ? allExcept(members) : `[${members}]`;
}

/** Returns the character of an escape. */
function characterOf(written: string): string {
  const [, octal, hex] = /^\\(?:([0-7]{1,3})|[xuU]([\da-fA-F]{2,8}))$/.exec(written) ?? [];
  const code = octal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(octal, 8);
  if (code > (octal === undefined ? 0x10ffff : 0o377))
    throw new RegexProblem(`bad escape ${written}: no such character`);
  if (!Number.isNaN(code)) return String.fromCodePoint(code);
  const character = written.slice(1);
  if (Object.hasOwn(CONTROLS, character)) return CONTROLS[character]!;
  if (character === '' || /^[A-Za-z0-9]/.test(character)) throw new RegexProblem(`bad escape ${written}`);
  return character;
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
}
