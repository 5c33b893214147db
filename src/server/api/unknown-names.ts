/**
 * Names of a configuration that a program with an embedded API does not read.
 */
import type { Config } from '../../config/index.js';
import { isUnknownName, isUnknownSection } from '../../config/internal.js';
import type { Diagnostic } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { namedManager } from '../../registry/internal.js';
import { osloNotificationOptions, osloRabbitOptions, rpcOptions, upgradeLevelOptions } from '../../service/internal.js';

/**
 * Returns the names that neither the program, the API's app nor a factory of the paste file at `path` has declared; imports all these
 * factories. Called after the app is built. `only`: warnings, of sections, or errors, which are of all kinds under `strict_config`. The
 * section of the API's own name is checked with the app. None if a manager may read any name.
 */
export async function unknownNames(
  config: Config,
  name: string,
  { path, only }: { readonly path: string | undefined; readonly only: Diagnostic['severity'] },
): Promise<Diagnostic[]> {
  const isIt = ({ section = '' }: Diagnostic): boolean => section.toLowerCase() === name.toLowerCase();
  const isWanted = only === 'error' ? isUnknownName : (each: Diagnostic) => isUnknownSection(each) && !isIt(each);
  const own = config.problems().filter((each) => each.severity === only && isWanted(each));
  if (own.length === 0 || mayReadAny(config, name)) return [];
  const others = config.copy();
  others.register('rpc', rpcOptions);
  others.register('oslo_messaging_rabbit', osloRabbitOptions);
  others.register('oslo_messaging_notifications', osloNotificationOptions);
  others.register('upgrade_levels', upgradeLevelOptions);
  const loader = path === undefined ? undefined : new Loader(path, { config: others });
  // It declares the options of the file's other APIs, which report the mistakes of their own sections.
  if (loader !== undefined) await Loader.checkFile(loader.path, { config: others, trial: false });
  // A factory may read the section of its name.
  const pasted = new Set(loader?.sections().map((section) => section.name.toLowerCase()));
  const left = others.problems();
  return own.flatMap((each) => {
    const other = left.find(({ place, option }) => place?.detail === each.place?.detail && option === each.option);
    if (other === undefined || (each.option === undefined && pasted.has((each.section ?? '').toLowerCase()))) return [];
    // Either of the two may suggest a similar name.
    return [each.hint?.startsWith('did you mean') === true ? each : other];
  });
}

/**
 * Reports whether a manager may read any name: that of an API, or of another service, which may not have been imported
 * yet.
 */
function mayReadAny(config: Config, name: string): boolean {
  if (namedManager(config, { group: `api:${name}`, opt: 'manager' })) return true;
  const sections = config.listAllSections().filter((section) => /^(api|service):/i.test(section));
  return sections.some((section) => config.listOptions(section).includes('manager'));
}
