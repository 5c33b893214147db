/**
 * Sections and arguments for unknown APIs, services and groups, with the nearest known ones.
 */
import type { Config, OptionMistake } from '../../config/index.js';
import { UNKNOWN_SECTION } from '../../config/internal.js';
import { nearestNames } from '../../errors/index.js';
import { appsOf, hasKnownOption, type Names, pastedSections } from './names.js';
import { isShippedGroup } from './shipped-options.js';

/** `[api:]`, and sections of APIs that are not enabled and otherwise unknown. */
export function strangeApiSections(config: Config, names: Names): OptionMistake[] {
  const enabled = names.apis;
  const issues: OptionMistake[] = [];
  if (config.listAllSections().includes('api:')) {
    issues.push({ group: 'api:', message: 'this section has no API name', hint: 'write [api:<name>]' });
  }
  const strangers = names.sections.api.filter((name) => !enabled.includes(name));
  const hasApp = strangers.length === 0 ? undefined : appsOf(config, names);
  for (const name of strangers) {
    if (hasApp === undefined || hasApp(name)) continue;
    const [near] = nearTo(name, enabled);
    const place = { group: `api:${name}`, message: 'no API with this name is enabled' };
    if (near !== undefined && config.getSectionLocation(`api:${near}`) === undefined && hasApp(near)) {
      // Nothing sets the address of that API.
      issues.push({ ...place, hint: `did you mean [api:${near}]?` });
    } else {
      const strict = config.resolve('DEFAULT', 'strict_config').value === true;
      const hint = 'the paste file has no app with this name either: remove the section, or enable the API';
      issues.push({ ...place, hint, severity: strict ? 'error' : 'warning' });
    }
  }
  return [...issues, ...strangeArguments(config, 'api', names), ...strangeArguments(config, 'service', names)];
}

/** `--set api:helo.port=1`, if no file has that section: no API would read it. */
function strangeArguments(
  config: Config,
  kind: 'api' | 'service',
  { apis, services, sections }: Names,
): OptionMistake[] {
  const [word, enabled] = kind === 'api' ? ['API', apis] : ['service', services];
  const known = new Set([...enabled, ...sections[kind]]);
  return config.arguments.flatMap(({ group, opt }) => {
    const name = group.startsWith(`${kind}:`) ? group.slice(kind.length + 1) : undefined;
    if (name === undefined || known.has(name)) return [];
    const [near] = nearTo(name, enabled);
    const hint =
      near === undefined ? `enabled are ${enabled.join(', ') || 'none'}` : `did you mean ${kind}:${near}.${opt}?`;
    return [{ group, opt, message: `no ${word} with this name is enabled`, hint }];
  });
}

/**
 * Sections that have nearly the name of a known one and hold its options: `[DEFUALT]` with `enabled_ssl_apis`. Near a group of the
 * application, which a start does not know before it has loaded that, an unknown section is a warning as others are.
 */
export function misspelledSections(config: Config, names: Names): OptionMistake[] {
  if (config.listAllSections().every((section) => hasKnownOption(config, section))) return [];
  const known = new Set(['DEFAULT', ...config.resolveAll().map(({ group }) => group)]);
  const strange = config.listAllSections().filter((section) => !known.has(section) && !section.startsWith('x-'));
  if (strange.length === 0) return [];
  const found = strange.flatMap((section): OptionMistake[] => {
    const written = config.listOptions(section);
    const near = nearTo(section, known).find(
      (group) => isShippedGroup(group) && written.some((name) => config.has(group, name)),
    );
    if (near === undefined) return [];
    const message = 'unknown section: its options have no effect';
    return [{ group: section, code: UNKNOWN_SECTION, message, hint: `did you mean [${near}]?` }];
  });
  if (found.length === 0) return [];
  const isPasted = pastedSections(config, names);
  return found.filter(({ group }) => !isPasted(group));
}

/** A name of one letter is similar to everything. */
export function nearTo(name: string, candidates: Iterable<string>): string[] {
  return name.length < 2 ? [] : nearestNames(name, candidates);
}
