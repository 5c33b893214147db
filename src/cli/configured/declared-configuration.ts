/** A configuration with all options declared: those of Portico, and those of the modules that its paste file names. */
import type { Config } from '../../config/index.js';
import { type Diagnostic, refusalsOnly } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { loadAnnounced } from '../../modules/index.js';
import type { ConfigurationArguments } from '../command-line.js';
import { registerBundledOptions } from './bundled-options.js';
import { configuredPasteFile, readConfiguration, refuseUnread } from './configuration.js';

/** Arguments of a command that reads a configuration; `import: false`: without the options of factories. */
export type ReadArguments = ConfigurationArguments & { readonly import?: boolean };

/** Reads a configuration with any errors. Throws ConfigError if none of its files can be read. */
export async function readDeclared(args: ReadArguments): Promise<Config> {
  const config = await readConfiguration(args, { collect: true });
  refuseUnread(config);
  await registerBundledOptions(config);
  if (args.import !== false) await declareFactories(config);
  // The check gives each [api:<name>] its options.
  config.problems({ complete: false });
  return config;
}

/** Imports the factories of the paste file, and what packages announce, and declares the options of their modules. Calls none of them. */
export async function declareFactories(config: Config): Promise<readonly Diagnostic[]> {
  await loadAnnounced(config.configFiles);
  try {
    // `check` reports errors in the file, or its absence.
    return await Loader.checkFile(configuredPasteFile(config), { config, trial: false });
  } catch (error) {
    refusalsOnly(error);
    return [];
  } finally {
    config.registerLoaded();
  }
}
