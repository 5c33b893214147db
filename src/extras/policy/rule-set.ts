/**
 * The rules in force: those of the files, over those that are registered in code.
 */
import { isDeepStrictEqual } from 'node:util';
import { type Check, checksIn, checkText } from './check.js';
import type { FileRule } from './policy-file.js';
import type { RegisteredRule } from './rule-default.js';

/** Options of `[oslo_policy]` that choose between rules. */
export interface RuleChoice {
  /** Name of the rule for names without one; empty: such names are denied. */
  readonly policyDefaultRule: string;
  /** True if replaced rules no longer allow anything. */
  readonly enforceNewDefaults: boolean;
}

/** The rules in force. */
export class RuleSet {
  /** By name: rules of files, then registered ones without a rule in a file. */
  readonly rules: ReadonlyMap<string, Check>;
  readonly #default: Check | undefined;

  /** `files`: rules of the files, later ones first replaced. `known`: the names in files, as far as replaced rules depend on them. */
  constructor(
    registered: ReadonlyMap<string, RegisteredRule>,
    files: ReadonlyMap<string, FileRule>,
    { policyDefaultRule, enforceNewDefaults }: RuleChoice,
    known: ReadonlyMap<string, FileRule> = files,
  ) {
    const rules = new Map([...files].map(([name, { parsed }]): [string, Check] => [name, parsed.check]));
    for (const rule of registered.values()) {
      if (!rules.has(rule.name)) rules.set(rule.name, defaultOf(rule, known, enforceNewDefaults));
    }
    this.rules = rules;
    this.#default = policyDefaultRule === '' ? undefined : rules.get(policyDefaultRule);
  }

  /** Returns the rule of a name, else the default rule; undefined if there is neither. */
  find(name: string): Check | undefined {
    return this.rules.get(name) ?? this.#default;
  }

  /** Returns the names that a rule refers to and that have no rule. */
  undefinedIn(check: Check): string[] {
    return referredNames(check).filter((name) => !this.rules.has(name));
  }

  /** Reports whether a rule refers to itself by way of others. `path`: those that lead here; `ended`: those that lead to no circle. */
  isCyclic(check: Check, path: Set<string> = new Set(), ended: Set<string> = new Set()): boolean {
    if (check.is === 'rule') {
      const { name } = check;
      if (path.has(name)) return true;
      const named = ended.has(name) ? undefined : this.rules.get(name);
      path.add(name);
      const isCyclic = named !== undefined && this.isCyclic(named, path, ended);
      path.delete(name);
      if (!isCyclic) ended.add(name);
      return isCyclic;
    }
    if (check.is === 'not') return this.isCyclic(check.check, path, ended);
    if (check.is !== 'and' && check.is !== 'or') return false;
    return check.checks.some((each) => this.isCyclic(each, path, ended));
  }
}

/** Returns the names that a rule refers to. */
export function referredNames(check: Check): string[] {
  return [...checksIn(check)].flatMap((each) => (each.is === 'rule' ? [each.name] : []));
}

/**
 * Returns a registered rule. One that replaces another also allows what that one does; if a file has a rule under the old name, that is
 * the rule, unless it only refers to the new name.
 */
function defaultOf(
  { name, checkStr, parsed, old }: RegisteredRule,
  files: ReadonlyMap<string, FileRule>,
  onlyNew: boolean,
): Check {
  if (old === undefined) return parsed.check;
  const ofOldName = old.name === name ? undefined : files.get(old.name);
  const isReplaced = files.has(name);
  if (ofOldName !== undefined && !isReplaced && checkText(ofOldName.parsed.check) !== `rule:${name}`) {
    return ofOldName.parsed.check;
  }
  if (onlyNew || isReplaced || isDeepStrictEqual(old.checkStr, checkStr)) return parsed.check;
  return { is: 'or', checks: [parsed.check, old.parsed.check] };
}

/** Reports whether a rule of a file is equal to the registered one, which it could be removed for. */
export function isRedundant({ name, parsed }: FileRule, registered: ReadonlyMap<string, RegisteredRule>): boolean {
  const rule = registered.get(name);
  return rule !== undefined && checkText(rule.parsed.check) === checkText(parsed.check);
}
