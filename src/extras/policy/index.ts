/** `portico/policy`: decides who may do what, by rules in code and in policy files, as oslo.policy does. */

export type { Members } from './check.js';
export { credentialsOf } from './enforcer.js';
export {
  type Caller,
  definePolicy,
  type Policy,
  type PolicyDefinition,
  type PolicyGuard,
  type PolicyOptions,
} from './policy.js';
export type { CheckStr, DeprecatedRule, RuleDefault } from './rule-default.js';
