/** Sections of a program that launches its APIs and services itself: a misspelled one, such as `[api:helo]`, would have no effect in silence. */
import type { Config, OptionMistake } from '../config/index.js';
import { nearestNames } from '../errors/index.js';

/** Warns of sections `[api:<name>]` and `[service:<name>]` without a launched service, now and after each reload. */
export function warnOfUnlaunched(config: Config, launched: () => readonly string[]): void {
  const find = (read: Config): OptionMistake[] => unlaunched(read, launched());
  config.check(find);
  if (find(config).length > 0) config.warn(config.problems());
}

function unlaunched(config: Config, launched: readonly string[]): OptionMistake[] {
  // These say which of the sections are meant, in a file, a variable or an argument.
  if (isWritten(config, 'enabled_apis') || isWritten(config, 'enabled_services')) return [];
  return config.listAllSections().flatMap((group) => {
    const [, kind, name] = /^(api|service):(.+)/s.exec(group) ?? [];
    if (name === undefined || launched.includes(name)) return [];
    const [near] = nearestNames(name, launched);
    const hint =
      near === undefined
        ? `this program has ${launched.join(', ') || 'no service'}; if another program reads the section, add it to [DEFAULT] other_names`
        : `did you mean [${kind}:${near}]?`;
    return [{ group, message: 'this program has launched no service with this name', hint, severity: 'warning' }];
  });
}

function isWritten(config: Config, opt: string): boolean {
  if (!config.has('DEFAULT', opt)) return config.listOptions('DEFAULT').includes(opt);
  return config.getLocation('DEFAULT', opt).kind !== 'default';
}
