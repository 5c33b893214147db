/**
 * Checks: a parsed rule is a tree of them. Their canonical texts are those of oslo.policy, which compares rules by them.
 */
import { isObject } from 'portico/extension';
import { type Format, formatWith, parseFormat } from './format.js';
import { type Kind, readKind } from './kind.js';
import { PolicyError, shown } from './policy-error.js';
import { pythonText } from './python-text.js';

/** A check. Constants and groups, `kind:match`, and what cannot be evaluated. */
export type Check =
  | { readonly is: 'constant'; readonly allows: boolean }
  | { readonly is: 'not'; readonly check: Check }
  | { readonly is: 'and' | 'or'; readonly checks: readonly Check[] }
  | { readonly is: 'rule'; readonly name: string }
  | { readonly is: 'role'; readonly match: string; readonly format: Format }
  | { readonly is: 'http'; readonly scheme: string; readonly match: string; readonly format: Format }
  | {
      readonly is: 'value';
      readonly kind: string;
      /** Undefined for a kind that Python cannot read. */
      readonly meaning: Kind | undefined;
      readonly match: string;
      readonly format: Format;
    }
  /** The result in Python is an accident: the rule is refused, even below `not`. */
  | { readonly is: 'broken'; readonly why: string };

export const ALLOW: Check = { is: 'constant', allows: true };
export const DENY: Check = { is: 'constant', allows: false };

/** Returns the check of a kind and a match: `role:admin`, `user_id:%(user_id)s`. */
export function simpleCheck(kind: string, match: string): Check {
  if (kind === 'rule') return { is: 'rule', name: match };
  const format = parseFormat(match);
  if (kind === 'role') return { is: 'role', match, format };
  if (kind === 'http' || kind === 'https') return { is: 'http', scheme: kind, match, format };
  return { is: 'value', kind, meaning: readKind(kind), match, format };
}

/** Returns the canonical text: `(role:admin or not rule:owner)`. */
export function checkText(check: Check): string {
  switch (check.is) {
    case 'constant':
      return check.allows ? '@' : '!';
    case 'broken':
      return '!';
    case 'not':
      return `not ${checkText(check.check)}`;
    case 'and':
    case 'or':
      return `(${check.checks.map(checkText).join(` ${check.is} `)})`;
    case 'rule':
      return `rule:${check.name}`;
    case 'http':
      return `${check.scheme}:${check.match}`;
    case 'role':
      return `role:${check.match}`;
    default:
      return `${check.kind}:${check.match}`;
  }
}

/** Yields a check and all checks inside. */
export function* checksIn(check: Check): Generator<Check> {
  yield check;
  if (check.is === 'not') yield* checksIn(check.check);
  else if (check.is === 'and' || check.is === 'or') for (const each of check.checks) yield* checksIn(each);
}

/** Returns why a check itself cannot be evaluated, whatever the request; undefined if it can. */
export function brokenReason(check: Check): string | undefined {
  if (check.is === 'broken') return check.why;
  if (check.is === 'value' && check.meaning === undefined) return `${shown(check.kind)} is no name and no literal`;
  return 'format' in check ? check.format.problem : undefined;
}

/** Members of an object, by name. */
export type Members = Readonly<Record<string, unknown>>;

/** A question of a caller about a target, with what the checks need. */
export interface Question {
  readonly credentials: Members;
  readonly target: Members;
  /** The rule that was asked for; null for a check without one. */
  readonly asked: string | null;
  /** Returns the rule of a name, or the default rule; undefined if there is neither. */
  rule(name: string): Check | undefined;
  /** Asks a server whether it allows the request. */
  askServer(url: string, question: Question): Promise<boolean>;
  /** What named rules have decided. */
  decided?: Map<Check, boolean | Promise<boolean>>;
}

/**
 * Returns whether a check allows; a promise only after a check that asks a server. Throws `PORTICO_POLICY_RULE` where the reference raises
 * an error of Python. `path`: the rules that led here.
 */
export function evaluate(check: Check, question: Question, path: readonly Check[] = []): boolean | Promise<boolean> {
  switch (check.is) {
    case 'constant':
      return check.allows;
    case 'not': {
      const inner = evaluate(check.check, question, path);
      return typeof inner === 'boolean' ? !inner : inner.then((allows) => !allows);
    }
    case 'and':
    case 'or':
      return evaluateGroup(check.checks, check.is === 'or', question, path);
    case 'rule': {
      const named = question.rule(check.name);
      if (named === undefined) return false;
      if (path.includes(named)) throw refused(question, `rule:${check.name} leads back to itself`);
      // Rules that refer twice to the next one would double the work each time.
      question.decided ??= new Map();
      const allows = question.decided.get(named) ?? evaluate(named, question, [...path, named]);
      question.decided.set(named, allows);
      return allows;
    }
    case 'broken':
      throw refused(question, check.why);
    default: {
      const { problem } = check.format;
      if (problem !== undefined) throw refused(question, problem);
      const match = formatWith(check.format, question.target);
      if (match === undefined) return false;
      if (check.is === 'http') return question.askServer(`${check.scheme}:${match}`, question);
      return check.is === 'role' ? hasRole(match, question) : hasValue(check, match, question);
    }
  }
}

/** Evaluates checks in their order, until one decides: `decisive` ends an `or`. */
function evaluateGroup(
  checks: readonly Check[],
  decisive: boolean,
  question: Question,
  path: readonly Check[],
): boolean | Promise<boolean> {
  for (const [at, check] of checks.entries()) {
    const allows = evaluate(check, question, path);
    if (typeof allows !== 'boolean') {
      const others = checks.slice(at + 1);
      return allows.then((is) => (is === decisive ? decisive : evaluateGroup(others, decisive, question, path)));
    }
    if (allows === decisive) return decisive;
  }
  return !decisive;
}

function refused({ asked }: Question, why: string): PolicyError {
  return new PolicyError('PORTICO_POLICY_RULE', {
    message: `the rule ${shown(asked)} cannot be evaluated: ${why}`,
    hint: 'api-cli policy check names its file and line.',
  });
}

function hasRole(match: string, question: Question): boolean {
  const { credentials } = question;
  if (!Object.hasOwn(credentials, 'roles')) return false;
  const { roles } = credentials;
  // A text is a list of letters in Python.
  const names: readonly unknown[] | undefined =
    typeof roles === 'string'
      ? Array.from(roles)
      : Array.isArray(roles)
        ? roles
        : isObject(roles)
          ? Object.keys(roles)
          : undefined;
  if (names?.every((name) => typeof name === 'string') !== true) throw refused(question, 'roles is no list of names');
  const wanted = match.toLowerCase();
  return names.some((name) => name.toLowerCase() === wanted);
}

function hasValue({ kind, meaning }: Check & { is: 'value' }, match: string, question: Question): boolean {
  if (meaning === undefined) throw refused(question, `${shown(kind)} is no name and no literal`);
  if ('literal' in meaning) return match === meaning.literal;
  return isFound(question.credentials, meaning.path);

  function isFound(value: unknown, [name, ...rest]: readonly string[]): boolean {
    if (name === undefined) return match === pythonText(value);
    if (!isObject(value)) throw refused(question, `${JSON.stringify(name)} of ${kind} is a member of no object`);
    if (!Object.hasOwn(value, name)) return false;
    const member = value[name];
    return Array.isArray(member) ? member.some((each) => isFound(each, rest)) : isFound(member, rest);
  }
}
