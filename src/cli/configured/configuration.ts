/**
 * First step of every command: the configuration that its options name, and its paste file.
 */
import type { Config } from '../../config/index.js';
import { ConfigError, searchedDirs } from '../../config/internal.js';
import { type Diagnostic, shownPath } from '../../errors/index.js';
import { apiOptions, namesIn, configuredPasteFile as pasteFileOf, serviceOptions } from '../../server/internal.js';
import { loadConfiguration } from './load-configuration.js';

/** Reads the configuration. With `collect`, errors in the files are kept for `config.validate()`. */
export async function readConfiguration(...how: Parameters<typeof loadConfiguration>): Promise<Config> {
  return registered(await loadConfiguration(...how));
}

/** Declares the options of the loaded modules, and of the enabled APIs and services. Returns the configuration. */
export function registered(config: Config): Config {
  config.registerLoaded();
  registerNamed(config);
  return config;
}

/** Declares the options of the enabled APIs and services, which may have no section: all from the environment and the command line. */
export function registerNamed(config: Config): void {
  const { apis, services } = namesIn(config);
  for (const name of apis) config.register(`api:${name}`, apiOptions);
  for (const name of services) config.register(`service:${name}`, serviceOptions);
}

/** Returns the reasons why no file could be read: every other error follows from them. */
export function unread(config: Config): readonly Diagnostic[] {
  if (config.configFiles.length > 0) return [];
  return config.problems({ complete: false }).filter(({ code }) => code === 'PORTICO_CONFIG_FILE');
}

/** Throws ConfigError with these reasons only. */
export function refuseUnread(config: Config): void {
  const issues = unread(config);
  if (issues.length > 0) throw new ConfigError(issues);
}

/**
 * Returns the message that no configuration file was found, with the locations searched; undefined if there is a file, even an unreadable one.
 */
export function noConfiguration(config: Config): string | undefined {
  if (config.configFiles.length > 0 || unread(config).length > 0) return undefined;
  const folder = process.cwd();
  const places = searchedDirs({ project: 'portico', prog: '', env: process.env });
  return `No configuration file was found: neither portico.ini nor paste/portico.ini in ${folder}, nor portico.conf in ${places.join(', ')}.`;
}

/** Hint for {@link noConfiguration}. */
export const NAME_A_CONFIGURATION =
  'Pass one with --config-file, or change to its directory. api-cli init <folder> creates a project, and npm install there installs Portico.';

/** Option that names a paste file. */
export const PASTE_OPTION = ['--paste <file>', 'the paste file (default: that of the configuration)'] as const;

/** Returns the file in `[DEFAULT] api_paste_config`, as displayed. Throws ConfigNotFound if there is none. */
export function configuredPasteFile(config: Config): string {
  return shownPath(pasteFileOf(config));
}
