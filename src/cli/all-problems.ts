/**
 * What else is wrong, when the configuration is refused anyway: all mistakes in one run.
 */
import type { Config } from '../config/index.js';
import type { Refusals } from '../errors/index.js';
import { Loader } from '../loader/index.js';
import { servingOptions } from '../server/index.js';
import { registerShippedOptions } from './shipped-options.js';

/**
 * Judges the configuration by every option that ships, and the paste file by its factories; adds every error. An API
 * that was refused at its first option never asked for the others.
 */
export async function addAllProblems(config: Config, problems: Refusals): Promise<void> {
  await problems.gather(() => registerShippedOptions(config));
  await problems.gather(() => config.validate({ complete: false }));
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path === undefined) return;
  const found = await Loader.checkFile(path, { config, trial: false });
  const errors = found.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  // The whole of the paste file says more than what was met there first.
  const files = new Set(errors.map(({ place }) => place?.origin?.file));
  problems.drop(({ code, place, section }) => {
    const file = place?.origin?.file;
    return code.startsWith('PORTICO_PASTE_') && (file === undefined ? section === undefined : files.has(file));
  });
  problems.add(errors.map((each) => ({ ...each, showLine: true })));
}
