/**
 * The judgement of a first worker, after the build of its service.
 */
import type { Config } from '../../config/index.js';
import { isUnknownSection } from '../../config/internal.js';
import { ConfigurationRefused, type Diagnostic, Refusals, severalRefusals, untold } from '../../errors/index.js';
import { configuredPasteFile } from '../configured/configuration.js';
import type { EnabledApisOptions } from '../configured/enabled-apis.js';
import { apiNames } from '../configured/names.js';
import { besideOptions } from '../configured/passed-over.js';
import { registerServedOptions } from '../configured/shipped-options.js';
import { isError } from './plan.js';

/** Returns the judgement of a first worker: most configurations have no findings after the build, and need no further one. */
export function judgeOfFirst(config: Config, { dev = false }: EnabledApisOptions) {
  return async (failure?: unknown): Promise<readonly Diagnostic[]> => {
    if (failure !== undefined && !(failure instanceof ConfigurationRefused)) return [];
    const sections = failure === undefined ? await onlySections(config) : undefined;
    if (sections !== undefined) return sections;
    const { judge } = await import('./judge.js');
    const refusals = new Refusals();
    const found = (await judge(config, { dev, refusals })).map(asLogged);
    // Only code that the configuration names has failed.
    const blames =
      refusals.refusal?.blamesConfiguration !== false || untold(refusals.diagnostics, found.filter(isError)).length > 0;
    if (found.some(isError)) throw severalRefusals(found, { blames });
    return found;
  };
}

/**
 * Returns the sections that a configuration, whose service is built, does not know, if it has nothing else to tell: no mistake in its
 * files, no other unknown name. Another service may know them.
 */
async function onlySections(config: Config): Promise<readonly Diagnostic[] | undefined> {
  registerServedOptions(config);
  if (besideOptions(config).length > 0) return undefined;
  const unknown = config.problems({ complete: true });
  if (!unknown.every((each) => isUnknownSection(each) && !isError(each))) return undefined;
  if (unknown.length > 0) return (await import('./judge.js')).unknownSections(config);
  if (apiNames(config).length === 0) return [];
  const { Loader } = await import('../../loader/index.js');
  const checked = { config: config.copy(), import: false, trial: false };
  return (await Loader.checkFile(configuredPasteFile(config), checked)).length === 0 ? [] : undefined;
}

/** Uses the words of the log, which oslo's operators know. */
export function asLogged(diagnostic: Diagnostic): Diagnostic {
  if (diagnostic.code !== 'PORTICO_PASTE_NO_SECTION' || diagnostic.severity === 'error') return diagnostic;
  const message = `${diagnostic.message}. enabled_apis includes bad values. Fix to remove this warning.`;
  return { ...diagnostic, message };
}
