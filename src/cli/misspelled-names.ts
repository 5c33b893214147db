/**
 * Names of APIs and sections that lead nowhere, and what was meant by them: what stands under them would not count, and
 * an API would do without its port or without TLS.
 */
import type { Config, OptionMistake } from '../config/index.js';
import { nearestNames } from '../errors/index.js';
import { apiNames, apiSections, appsOf } from './api-names.js';
import { apiOptions } from './api-options.js';
import { missingComma } from './missing-comma.js';

/**
 * `enabled_ssl_apis` names APIs that are not enabled. One that is known elsewhere, by its section or the paste file, may
 * be enabled another day. Any other is refused: the API that was meant would be served in plain text.
 */
export function tlsOfUnknownApis(config: Config): OptionMistake[] {
  const { enabledSslApis } = config.group('DEFAULT', apiOptions, { partial: true });
  const enabled = apiNames(config);
  const strangers = enabledSslApis.filter((name) => !enabled.includes(name));
  if (strangers.length === 0) return [];
  const hasApp = appsOf(config);
  const sections = apiSections(config);
  const plain = enabled.filter((name) => !enabledSslApis.includes(name));
  return strangers.map((name) => {
    const place = { group: 'DEFAULT', opt: 'enabled_ssl_apis', item: name };
    const message = `names an API that is not enabled: ${name}`;
    const comma = missingComma(name, enabled);
    if (comma !== undefined) return { ...place, message, hint: comma };
    const [near] = nearTo(name, plain);
    if (sections.includes(name) || hasApp?.(name) === true || (hasApp === undefined && near === undefined)) {
      return { ...place, message, severity: 'warning' };
    }
    const hint =
      near === undefined
        ? 'nothing has an API of that name: take it out, or write the one that is to speak TLS'
        : `did you mean ${near}? Without TLS ${near} would be served in plain text`;
    return { ...place, message, hint };
  });
}

/** `[api:]`, and sections of APIs that are not enabled and that nothing else knows. */
export function strangeApiSections(config: Config): OptionMistake[] {
  const enabled = apiNames(config);
  const issues: OptionMistake[] = [];
  if (config.listAllSections().includes('api:')) {
    issues.push({ group: 'api:', message: 'this section names no API', hint: 'write [api:<name>]' });
  }
  const strangers = apiSections(config).filter((name) => !enabled.includes(name));
  const hasApp = strangers.length === 0 ? undefined : appsOf(config);
  for (const name of strangers) {
    if (hasApp === undefined || hasApp(name)) continue;
    const [near] = nearTo(name, enabled);
    const place = { group: `api:${name}`, message: 'no API of that name is enabled' };
    if (near !== undefined && config.getSectionLocation(`api:${near}`) === undefined && hasApp(near)) {
      // Nothing says where that API is to listen.
      issues.push({ ...place, hint: `did you mean [api:${near}]?` });
    } else {
      const strict = config.resolve('DEFAULT', 'strict_config').value === true;
      const hint = 'the paste file has no app of that name either: take the section out, or enable the API';
      issues.push({ ...place, hint, severity: strict ? 'error' : 'warning' });
    }
  }
  return [...issues, ...strangeArguments(config, enabled)];
}

/** `--set api:helo.port=1`, where no file has that section: nobody would ever ask for it. */
function strangeArguments(config: Config, enabled: readonly string[]): OptionMistake[] {
  const known = new Set([...enabled, ...apiSections(config)]);
  return config.arguments.flatMap(({ group, opt }) => {
    const name = group.startsWith('api:') ? group.slice('api:'.length) : undefined;
    if (name === undefined || known.has(name)) return [];
    const [near] = nearTo(name, enabled);
    const hint =
      near === undefined ? `enabled are ${enabled.join(', ') || 'none'}` : `did you mean api:${near}.${opt}?`;
    return [{ group, opt, message: 'no API of that name is enabled', hint }];
  });
}

/** Sections that have nearly the name of one of ours and hold options of it: `[DEFUALT]` with `enabled_ssl_apis`. */
export function misspelledSections(config: Config): OptionMistake[] {
  const known = new Set(['DEFAULT', ...config.resolveAll().map(({ group }) => group)]);
  return config.listAllSections().flatMap((section) => {
    if (known.has(section) || section.startsWith('x-')) return [];
    const names = config.listOptions(section);
    const near = nearTo(section, known).find((group) => names.some((name) => config.has(group, name)));
    if (near === undefined) return [];
    return [
      { group: section, message: 'unknown section: what it holds does not count', hint: `did you mean [${near}]?` },
    ];
  });
}

/** A name of one letter comes near everything. */
function nearTo(name: string, candidates: Iterable<string>): string[] {
  return name.length < 2 ? [] : nearestNames(name, candidates);
}
