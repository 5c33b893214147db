/**
 * Rules that an application registers in code, with their descriptions, like oslo.policy's DocumentedRuleDefault.
 */
import { checkOptions, nearestOrAll, OPTION_KINDS } from 'portico/extension';
import { type ParsedRule, parseRule } from './parse-rule.js';
import { PolicyError } from './policy-error.js';

/** A rule as text, or in the older form of lists: the outer one is joined by `or`, the inner ones by `and`. Null allows everybody. */
export type CheckStr = string | readonly (string | readonly string[])[] | null;

/** A rule that another one replaces: files may still have it. */
export interface DeprecatedRule {
  readonly name: string;
  readonly checkStr: CheckStr;
  /** The reason for the new rule, for operators. */
  readonly deprecatedReason?: string | undefined;
  /** The release that replaced it. */
  readonly deprecatedSince?: string | undefined;
}

/** A rule that an application registers. */
export interface RuleDefault<N extends string = string> {
  /** Unique name: `os_compute_api:servers:create`. */
  readonly name: N;
  /** The rule, unless a policy file has another one: `role:member and project_id:%(project_id)s`. */
  readonly checkStr: CheckStr;
  /** Description for operators, in the sample file. Needed with `operations`. */
  readonly description?: string | undefined;
  /** The requests that it protects. */
  readonly operations?: readonly { readonly method: string; readonly path: string }[] | undefined;
  /** Kinds of tokens that may ask: `system`, `domain`, `project`. Default: all. */
  readonly scopeTypes?: readonly string[] | undefined;
  /** The rule that this one replaces: it also allows what that one does, unless `enforce_new_defaults` is set. */
  readonly deprecatedRule?: DeprecatedRule | undefined;
  /** True for a rule that a later release removes. Needs a reason and a release. */
  readonly deprecatedForRemoval?: boolean | undefined;
  readonly deprecatedReason?: string | undefined;
  readonly deprecatedSince?: string | undefined;
}

/** A registered rule with its parsed texts. */
export interface RegisteredRule extends RuleDefault {
  readonly parsed: ParsedRule;
  readonly old: { readonly name: string; readonly checkStr: CheckStr; readonly parsed: ParsedRule } | undefined;
}

const { any: ANY, flag: FLAG, list: LIST, object: OBJECT, text: TEXT } = OPTION_KINDS;
const TEXTS = { description: TEXT, deprecatedReason: TEXT, deprecatedSince: TEXT };
const OF_DEPRECATED = { name: TEXT, checkStr: ANY, deprecatedReason: TEXT, deprecatedSince: TEXT };
const OF_DEFAULT = {
  ...TEXTS,
  name: TEXT,
  checkStr: ANY,
  operations: ANY,
  scopeTypes: LIST,
  deprecatedRule: OBJECT,
  deprecatedForRemoval: FLAG,
};

/**
 * Checks and parses a rule. Throws `PORTICO_POLICY_OPERATIONS` for incomplete documentation, and `PORTICO_POLICY_DEFAULT` for anything else
 * that is wrong.
 */
export function registeredRule(written: RuleDefault): RegisteredRule {
  const what = `the policy rule ${JSON.stringify(written.name)}`;
  const rule = checkOptions('PORTICO_POLICY_DEFAULT', what, written, OF_DEFAULT, ['name']);
  const { checkStr, scopeTypes = [], deprecatedRule, deprecatedForRemoval = false } = rule;
  if (deprecatedRule !== undefined)
    checkOptions('PORTICO_POLICY_DEFAULT', `deprecatedRule of ${what}`, deprecatedRule, OF_DEPRECATED, ['name']);
  const refuse = (message: string, hint: string, code: PolicyError['code'] = 'PORTICO_POLICY_DEFAULT'): never => {
    throw new PolicyError(code as 'PORTICO_POLICY_DEFAULT', { message: `${what} ${message}`, hint });
  };
  if (deprecatedForRemoval && ((rule.deprecatedReason ?? null) === null || (rule.deprecatedSince ?? null) === null)) {
    refuse('is deprecated for removal without a reason or a release', 'Set deprecatedReason and deprecatedSince.');
  }
  if (!scopeTypes.every((scope) => typeof scope === 'string') || new Set(scopeTypes).size < scopeTypes.length) {
    refuse('has scopeTypes that are not different texts', "Write scopeTypes: ['project'].");
  }
  const wrong = rule.operations === undefined ? undefined : wrongDocumentation(rule);
  if (wrong !== undefined) refuse(...wrong, 'PORTICO_POLICY_OPERATIONS');
  const { name: oldName, checkStr: oldCheck } = deprecatedRule ?? { name: '', checkStr: null };
  const old = deprecatedRule && { name: oldName, checkStr: oldCheck, parsed: parseRule(oldCheck) };
  return { ...rule, parsed: parseRule(checkStr), old };
}

function wrongDocumentation({ description, operations }: RuleDefault): readonly [string, string] | undefined {
  if (!description) return ['has operations and no description', 'Add a description for operators.'];
  if (!Array.isArray(operations) || operations.length === 0) {
    return ['has no list of operations', "Write operations: [{ method: 'GET', path: '/books' }]."];
  }
  const keys = operations.map((each: object) => Object.keys(each).toSorted().join());
  if (keys.every((each) => each === 'method,path')) return undefined;
  return ['has an operation without exactly a method and a path', "Write { method: 'GET', path: '/books' }."];
}

/** Checks and parses rules, which need different names. Throws as {@link registeredRule}, and `PORTICO_POLICY_DUPLICATE`. */
export function registeredRules(
  rules: readonly RuleDefault[],
  known: ReadonlyMap<string, RegisteredRule> = new Map(),
): ReadonlyMap<string, RegisteredRule> {
  const all = new Map(known);
  for (const rule of rules.map(registeredRule)) {
    if (all.has(rule.name)) {
      throw new PolicyError('PORTICO_POLICY_DUPLICATE', {
        message: `the policy rule ${JSON.stringify(rule.name)} is registered twice`,
        hint: 'Give each rule its own name.',
      });
    }
    all.set(rule.name, rule);
  }
  return all;
}

/** Throws `PORTICO_POLICY_DEFAULT` for a rule, or one that it replaces, with a part that is not understood or cannot be evaluated. */
export function refuseProblems(registered: ReadonlyMap<string, RegisteredRule>): void {
  for (const { name, parsed, old } of registered.values()) {
    const [problem] = [...parsed.problems, ...(old?.parsed.problems ?? [])];
    if (problem === undefined) continue;
    const { message, hint } = problem;
    throw new PolicyError('PORTICO_POLICY_DEFAULT', {
      message: `the policy rule ${JSON.stringify(name)}: ${message}`,
      hint,
    });
  }
}

/** Throws `PORTICO_POLICY_NOT_REGISTERED` for a name without a registered rule. */
export function refuseUnregistered(registered: ReadonlyMap<string, RegisteredRule>, rule: string): void {
  if (registered.has(rule)) return;
  throw new PolicyError('PORTICO_POLICY_NOT_REGISTERED', {
    message: `the policy rule ${JSON.stringify(rule)} is not registered`,
    hint: nearestOrAll(rule, [...registered.keys()], 'Rules'),
  });
}
