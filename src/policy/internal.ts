/** Exports for other directories of Portico, in addition to the published ones. */
export { checkText } from './check.js';
export { Enforcer } from './enforcer.js';
export { parseRule } from './parse-rule.js';
export { type LoadedPolicy, loadedPolicies } from './policy.js';
export { readPolicyFile } from './policy-file.js';
export { joinedRules, pathsInDirectory, policyPath } from './policy-files.js';
export { policyOptions } from './policy-options.js';
export { refuseUnregistered, registeredRules } from './rule-default.js';
export { isRedundant, RuleSet } from './rule-set.js';
export { policySample } from './sample.js';
