/** Exports for other directories of Portico, in addition to the published ones. */
export { checkText } from './check.js';
export { credentialsOf, Enforcer } from './enforcer.js';
export { parseRule } from './parse-rule.js';
export { readPolicyFile } from './policy-file.js';
export { joinedRules, pathsInDirectory, policyPath } from './policy-files.js';
export { refuseUnregistered, registeredRules } from './rule-default.js';
export { RuleSet } from './rule-set.js';
