/** A sample policy file: all rules of an application as comments, as oslopolicy-sample-generator writes it. */
import type { CheckStr, RuleDefault } from './rule-default.js';

/** Returns the sample file: each rule with its description, its requests and its scopes; YAML in which every rule is a comment. */
export function policySample(rules: Iterable<RuleDefault>): string {
  return [...rules].map(sampleOf).join('\n');
}

function sampleOf(rule: RuleDefault): string {
  const { name, checkStr, description, operations = [], scopeTypes = [], deprecatedRule: old } = rule;
  const removed = rule.deprecatedForRemoval
    ? [`DEPRECATED: "${name}" is deprecated since ${rule.deprecatedSince}.`, rule.deprecatedReason ?? '']
    : [];
  const replaced =
    old === undefined || rule.deprecatedForRemoval
      ? []
      : [
          `DEPRECATED: "${old.name}": ${written(old.checkStr)} is deprecated since ${old.deprecatedSince ?? rule.deprecatedSince ?? 'this release'}`,
          `in favor of "${name}": ${written(checkStr)}.`,
          old.deprecatedReason ?? rule.deprecatedReason ?? '',
          ...(old.name === name ? [] : [`To keep the old name in use: "${old.name}": "rule:${name}"`]),
        ];
  const above = [
    ...removed,
    description ?? '',
    ...operations.map(({ method, path }) => `${method}  ${path}`),
    scopeTypes.length === 0 ? '' : `Intended scope(s): ${scopeTypes.join(', ')}`,
  ];
  return [...comments(above), `#${JSON.stringify(name)}: ${written(checkStr)}`, ...comments(replaced), ''].join('\n');
}

const comments = (texts: readonly string[]): string[] =>
  texts.flatMap((text) => (text === '' ? [] : text.trim().split('\n'))).map((line) => `# ${line.trim()}`.trimEnd());

/** JSON is YAML: quotes and backslashes of a rule are escaped. */
const written = (checkStr: CheckStr): string => JSON.stringify(checkStr ?? '');
