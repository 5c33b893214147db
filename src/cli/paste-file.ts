/**
 * Which paste file a command is about: the one it names, else the one the configuration names.
 */
import { relative } from 'node:path';
import type { Config } from '../config/index.js';
import { noPasteFile, servingOptions } from '../server/index.js';
import type { ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';

/** A paste file, and the configuration its factories read. */
export interface PasteFile {
  readonly path: string;
  readonly config: Config;
}

/** The file that `--paste` names, or `[DEFAULT] api_paste_config`. Throws ConfigNotFound when there is none. */
export async function pasteFile(given: ConfigurationArguments & { readonly paste?: string }): Promise<PasteFile> {
  const config = await readConfiguration(given);
  if (given.paste !== undefined) return { path: given.paste, config };
  return { path: configuredPasteFile(config), config };
}

/** The file that `[DEFAULT] api_paste_config` names. Throws ConfigNotFound when there is none. */
export function configuredPasteFile(config: Config): string {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const path = config.findFile(apiPasteConfig);
  if (path !== undefined) return nearby(path);
  throw noPasteFile(config, apiPasteConfig);
}

/** The path as people would write it from here, where the file is below. */
function nearby(path: string): string {
  const from = relative('', path);
  return from.startsWith('..') ? path : from;
}
