/**
 * Programs without a configuration: no file was found, or none of those that were named can be read.
 */

import { type Config, ConfigError, searchedDirs } from '../config/index.js';
import type { Diagnostic } from '../errors/index.js';

/** What keeps the files from being read, where none of them was: everything else that is wrong follows from it. */
export function unread(config: Config): readonly Diagnostic[] {
  if (config.configFiles.length > 0) return [];
  return config.problems({ complete: false }).filter(({ code }) => code === 'PORTICO_CONFIG_FILE');
}

/** Throws ConfigError with that alone. */
export function refuseUnread(config: Config): void {
  const issues = unread(config);
  if (issues.length > 0) throw new ConfigError(issues);
}

/** That no configuration file was found, and where it was looked for; undefined where there is one. */
export function noConfiguration(config: Config): string | undefined {
  if (config.configFiles.length > 0) return undefined;
  const places = searchedDirs({ project: 'portico', prog: '', env: process.env });
  return `No configuration file was found: neither portico.ini nor paste/portico.ini in ${process.cwd()}, nor portico.conf in ${places.join(', ')}.`;
}

/** What to do about {@link noConfiguration}. */
export const NAME_A_CONFIGURATION = 'Name one with --config-file, or go to its folder first.';
