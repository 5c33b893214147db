/**
 * The language of rules, exactly as oslo.policy reads it: `role:admin or (role:member and project_id:%(project_id)s)`, and the older lists of
 * lists. What it does not understand denies.
 */
import { whatItIs } from 'portico/extension';
import { ALLOW, brokenReason, type Check, checksIn, DENY, simpleCheck } from './check.js';
import { shown } from './policy-error.js';
import { isTruthy } from './python-text.js';

/** Something in a rule that denies, or cannot be evaluated. */
export interface RuleProblem {
  /** `error`: the result in Python is an accident. `warning`: it denies. */
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A parsed rule. */
export interface ParsedRule {
  readonly check: Check;
  readonly problems: readonly RuleProblem[];
  /** True if a part of it was not understood. */
  readonly failed: boolean;
}

/** Parses a rule: a text, or the older lists, which need not come from a file. */
export function parseRule(rule: unknown): ParsedRule {
  const problems: RuleProblem[] = [];
  const deny = (text: unknown, hint?: string): Check => {
    problems.push({ severity: 'warning', message: `${shown(text)} is not understood, so it denies`, hint });
    return DENY;
  };
  const check = typeof rule === 'string' ? ofText(rule, deny) : ofList(rule, deny);
  const failed = problems.length > 0;
  for (const each of checksIn(check)) {
    const why = brokenReason(each);
    if (why !== undefined) problems.push({ severity: 'error', message: why });
  }
  return { check, problems, failed };
}

/** Called for text that is not understood. */
type Deny = (text: unknown, hint?: string) => Check;

/** Parses one check of a rule. */
function ofWord(word: unknown, deny: Deny): Check {
  if (word === '!') return DENY;
  if (word === '@') return ALLOW;
  const colon = typeof word === 'string' ? word.indexOf(':') : -1;
  if (typeof word !== 'string' || colon < 0)
    return deny(word, 'A check is kind:match, such as role:admin or rule:owner.');
  return simpleCheck(word.slice(0, colon), word.slice(colon + 1));
}

/** Parses lists: the outer is joined by `or`, each inner one by `and`. An empty value allows. */
function ofList(rule: unknown, deny: Deny): Check {
  if (!isTruthy(rule)) return ALLOW;
  if (typeof rule !== 'object') return { is: 'broken', why: `${whatItIs(rule)} is no rule: a rule is a text` };
  const alternatives = itemsOf(rule).flatMap((inner): Check[] => {
    if (!isTruthy(inner)) return [];
    if (typeof inner !== 'string' && typeof inner !== 'object') {
      return [{ is: 'broken', why: `${whatItIs(inner)} is no check: a check is a text` }];
    }
    const checks = (typeof inner === 'string' ? [inner] : itemsOf(inner)).map((word) => ofWord(word, deny));
    return [checks.length === 1 ? checks[0]! : { is: 'and', checks }];
  });
  if (alternatives.length === 0) return DENY;
  return alternatives.length === 1 ? alternatives[0]! : { is: 'or', checks: alternatives };
}

const itemsOf = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : Object.keys(list as object));

/** White space between words is Python's: with the separators of ASCII, without U+FEFF. */
const SEPARATORS = '\x1c\x1d\x1e\x1f\x85';
const SPACES = new RegExp(`(?:(?!\\ufeff)[\\s${SEPARATORS}])+`, 'u');

interface Group {
  readonly is: 'and' | 'or';
  readonly checks: Check[];
}

/** A word, or what words have become: a `check` is complete, `and` and `or` groups can still grow. */
interface Token {
  readonly type: '(' | ')' | 'and' | 'or' | 'not' | 'text' | 'check' | 'and group' | 'or group';
  readonly check?: Check;
}

function* tokensOf(rule: string, deny: Deny): Generator<Token> {
  for (const word of rule.split(SPACES)) {
    const opened = word.replace(/^\(+/, '');
    for (let count = word.length - opened.length; count > 0; count--) yield { type: '(' };
    const clean = opened.replace(/\)+$/, '');
    const lower = clean.toLowerCase();
    if (lower === 'and' || lower === 'or' || lower === 'not') yield { type: lower };
    else if (clean !== '')
      yield /^(["']).*\1$/s.test(opened) && opened.length > 1
        ? { type: 'text' }
        : { type: 'check', check: ofWord(clean, deny) };
    for (let count = opened.length - clean.length; count > 0; count--) yield { type: ')' };
  }
}

function ofText(rule: string, deny: Deny): Check {
  if (rule === '') return ALLOW;
  const stack: Token[] = [];
  for (const token of tokensOf(rule, deny)) {
    stack.push(token);
    while (reduce(stack));
  }
  const [only] = stack;
  if (stack.length !== 1) return deny(rule, hintFor(rule));
  if (only?.check !== undefined) return only.check;
  // The reference returns the word itself, and fails when it is asked.
  return { is: 'broken', why: `${shown(rule)} is no rule: a rule is made of checks, such as role:admin` };
}

function hintFor(rule: string): string | undefined {
  const [opened, closed] = [rule.split('(').length, rule.split(')').length];
  if (/(^|[\s(])(["']).*\2/.test(rule)) return "A text in quotes is no check: write 'text':%(name)s.";
  return opened === closed ? 'Checks are joined by and, or; not stands before one.' : 'Its brackets do not match.';
}

/** Applies one rule of the grammar at the end of the words so far; false if none fits. */
function reduce(stack: Token[]): boolean {
  const [a, b, c] = [stack.at(-3), stack.at(-2), stack.at(-1)];
  const replace = (count: number, token: Token): true => {
    stack.splice(-count, count, token);
    return true;
  };
  if (a?.type === '(' && b?.check !== undefined && c?.type === ')')
    return replace(3, { type: 'check', check: b.check });
  if (c?.type !== 'check') return false;
  const check = c.check!;
  if (b?.type === 'not') return replace(2, { type: 'check', check: { is: 'not', check } });
  const before = a?.check;
  if (before === undefined || (b?.type !== 'and' && b?.type !== 'or')) return false;
  if (b.type === 'or') {
    if (a!.type !== 'or group') return replace(3, { type: 'or group', check: { is: 'or', checks: [before, check] } });
    (before as Group).checks.push(check);
    return replace(3, a!);
  }
  if (a!.type === 'check') return replace(3, { type: 'and group', check: { is: 'and', checks: [before, check] } });
  // `a or b and c`: the last check of an `or` is taken out again. One that is an `and`, in brackets too, grows.
  const { checks } = before as Group;
  if (a!.type === 'and group') checks.push(check);
  else {
    const last = checks.pop()!;
    if (last.is === 'and') (last as Group).checks.push(check);
    checks.push(last.is === 'and' ? last : { is: 'and', checks: [last, check] });
  }
  return replace(3, a!);
}
