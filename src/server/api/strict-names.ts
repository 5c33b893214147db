/**
 * Undeclared names in a program that embeds an API under `strict_config`.
 */
import { type Config, ConfigError } from '../../config/index.js';
import { isStranger, workerAssignment } from '../../config/internal.js';
import { Loader } from '../../loader/index.js';
import { namedManager } from '../../registry/internal.js';

/**
 * Throws ConfigError with the sections, variables and options that neither the program nor a factory of the paste file
 * has declared; imports all these factories. A section that has the name of one in the paste file may be read by its
 * factory. Called after the API's app is built. Does nothing without `strict_config`, in workers other than the first,
 * and if an API or a service has a manager, which may read any name.
 */
export async function refuseStrangers(config: Config, name: string, loader: Loader): Promise<void> {
  if ((workerAssignment()?.index ?? 0) > 0 || mayReadAny(config, name)) return;
  if (config.resolve('DEFAULT', 'strict_config').value !== true) return;
  if (!config.problems().some(isStranger)) return;
  const pasted = await declarePasted(loader, config);
  const issues = config
    .problems()
    .filter(
      (issue) => isStranger(issue) && (issue.option !== undefined || !pasted.has((issue.section ?? '').toLowerCase())),
    );
  if (issues.length > 0) throw new ConfigError(issues);
}

/**
 * Reports whether a manager may read any name: that of an API, or of another service, which may not have been imported
 * yet.
 */
export function mayReadAny(config: Config, name: string): boolean {
  if (namedManager(config, { group: `api:${name}`, opt: 'manager' })) return true;
  const sections = config.listAllSections().filter((section) => /^(api|service):/i.test(section));
  return sections.some((section) => config.listOptions(section).includes('manager'));
}

/**
 * Imports all factories of a paste file, so that they declare their options in `config`, and returns the names of its
 * sections in lower case: a factory may read the section of its name.
 */
export async function declarePasted(loader: Loader, config: Config): Promise<ReadonlySet<string>> {
  // It declares the options of the file's other APIs, which report the mistakes of their own sections.
  await Loader.checkFile(loader.path, { config, trial: false });
  return new Set(loader.sections().map(({ name }) => name.toLowerCase()));
}
