/**
 * The options that the application brings along: of the factories that the paste file names.
 */
import type { Config } from '../config/index.js';
import { ConfigurationRefused } from '../errors/index.js';
import { Loader } from '../loader/index.js';
import { configuredPasteFile } from './paste-file.js';

/** Imports what the paste file names, and declares the options that its factories say they read. Calls none of them. */
export async function declareFactories(config: Config): Promise<void> {
  try {
    // What is wrong with the file, or keeps it from being found, is told by `check`.
    await Loader.checkFile(configuredPasteFile(config), { config, trial: false });
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
  }
}
