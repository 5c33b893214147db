/**
 * Which paste file a command is about: the one it names, else the one the configuration names.
 */

import { readFileSync } from 'node:fs';
import { Config } from '../config/index.js';
import { type Diagnostic, placeInFile, shownPath } from '../errors/index.js';
import { isPasteSection } from '../loader/internal.js';
import { enabledApisOptions, noPasteFile, servingOptions } from '../server/internal.js';
import type { ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { shippedOptions } from './shipped-options.js';

/** The option that names one. */
export const PASTE_OPTION = ['--paste <file>', 'the paste file (default: the one the configuration names)'] as const;

/** A paste file, and the configuration its factories read. */
export interface PasteFile {
  readonly path: string;
  readonly config: Config;
}

/** The file that `--paste` names, or `[DEFAULT] api_paste_config`. Throws ConfigNotFound when there is none. */
export async function pasteFile(args: ConfigurationArguments & { readonly paste?: string }): Promise<PasteFile> {
  const config = await readConfiguration(args);
  if (args.paste !== undefined) return { path: args.paste, config };
  return { path: configuredPasteFile(config), config };
}

/** The file that `[DEFAULT] api_paste_config` names. Throws ConfigNotFound when there is none. */
export function configuredPasteFile(config: Config): string {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path !== undefined) return shownPath(path);
  throw noPasteFile(config, apiPasteConfig);
}

/** An error for a file that has sections and none of a paste file; undefined for any other. */
export async function notAPasteFile(file: string): Promise<Diagnostic | undefined> {
  const config = sectionsOf(file);
  const sections = config?.listAllSections() ?? [];
  if (config === undefined || sections.length === 0 || sections.some(isPasteSection)) return undefined;
  const shipped = await shippedOptions();
  const first =
    sections.find((name) => name.startsWith('api:')) ??
    sections.find((name) => shipped.some(({ group }) => name === group && (name !== 'DEFAULT' || servesApis(config))));
  return {
    severity: 'error',
    code: 'PORTICO_PASTE_NO_SECTION',
    place: placeInFile({ file, line: 1, column: 1 }),
    message: 'no section of this file makes an app, a filter or a server: it is no paste file',
    hint:
      first === undefined
        ? 'Sections of a paste file are [app:<name>], [filter:<name>], [pipeline:<name>] and [composite:<name>].'
        : `With [${first}] this looks like a service file: api-cli check --config-file ${file}`,
  };
}

/** Whether `[DEFAULT]`, which both kinds have, is that of a service. */
function servesApis(config: Config): boolean {
  config.register('DEFAULT', enabledApisOptions);
  config.register('DEFAULT', servingOptions);
  return ['enabled_apis', 'api_paste_config'].some((opt) => config.getLocation('DEFAULT', opt).kind === 'file');
}

function sectionsOf(file: string): Config | undefined {
  try {
    return Config.fromText(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)));
  } catch {
    // What cannot be read, or is no INI at all, is told as a paste file that cannot be read.
    return undefined;
  }
}
