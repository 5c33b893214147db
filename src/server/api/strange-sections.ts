/** Sections and arguments of APIs and services that do not exist: neither enabled, nor with an app or a section. */
import type { Config, OptionMistake } from '../../config/index.js';
import { nearestNames } from '../../errors/index.js';
import { appsOf, type Names } from './names.js';

/** Returns the errors: the group `api:<name>` belongs to the API of that name, if there is one. */
export function strangeSections(config: Config, names: Names): OptionMistake[] {
  const issues: OptionMistake[] = [];
  const hasApp = appsOf(config, names);
  for (const name of names.sections.api) {
    if (names.apis.includes(name) || hasApp?.(name) !== false) continue;
    const [near] = nearTo(name, names.apis);
    const hint = near === undefined ? `remove the section, or enable the API` : `did you mean [api:${near}]?`;
    issues.push({
      group: `api:${name}`,
      message: 'no API with this name is enabled, and the paste file has none',
      hint,
    });
  }
  for (const { group, opt } of config.arguments) {
    const [, kind, name] = /^(api|service):(.+)/s.exec(group) ?? [];
    if (name === undefined) continue;
    const [word, enabled] = kind === 'api' ? ['API', names.apis] : ['service', names.services];
    if (enabled.includes(name) || names.sections[kind as 'api' | 'service'].includes(name)) continue;
    const [near] = nearTo(name, enabled);
    const hint =
      near === undefined ? `enabled are ${enabled.join(', ') || 'none'}` : `did you mean ${kind}:${near}.${opt}?`;
    issues.push({ group, opt, message: `no ${word} with this name is enabled`, hint });
  }
  return issues;
}

/** A name of one letter is similar to everything. */
export function nearTo(name: string, candidates: Iterable<string>): string[] {
  return name.length < 2 ? [] : nearestNames(name, candidates);
}
