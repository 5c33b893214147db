/**
 * Finds the paste file of a service and the app in it.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { ConfigNotFound, type LoadedApp, Loader, PasteAppNotFound } from '../../loader/index.js';
import type { Logger } from '../../log/index.js';
import { missingFileHint } from '../missing-file.js';
import { servingOptions } from './api-options.js';

/** What a service needs of a Loader. */
export interface AppLoader {
  has(name: string): boolean;
  loadApp(name?: string): Promise<LoadedApp>;
  /** Where the apps come from, for people. */
  readonly path?: string;
}

/** A Loader of the file that `[DEFAULT] api_paste_config` names. Throws ConfigNotFound, or what is wrong with it. */
export function pasteLoader(config: Config, log: Logger, service: string): Loader {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const found = config.findFile(apiPasteConfig);
  if (found === undefined) {
    throw noPasteFile(config, apiPasteConfig);
  }
  return new Loader(found, { config, service, log });
}

/**
 * Throws PasteAppNotFound unless the loader has an app of that name. Reads the files that the paste file includes: they
 * belong to what is accepted with it.
 */
export function checkApp(loader: AppLoader, name: string): void {
  if (loader.has(name)) {
    if (loader instanceof Loader) loader.writtenFiles(name);
    return;
  }
  // The Loader's own error knows the names that come near.
  if (loader instanceof Loader) loader.appConfig(name);
  else throw new PasteAppNotFound('PORTICO_PASTE_NO_SECTION', { message: `no app is called "${name}"` });
}

/** There is no paste file where the configuration says: who says so, and what is there instead. */
export function noPasteFile(config: Config, file: string): ConfigNotFound {
  const location = config.getLocation('DEFAULT', 'api_paste_config');
  const near = missingFileHint(
    resolve(dirname(config.configFiles.at(-1) ?? resolve('x')), file),
    '.ini',
    config.configFiles,
  );
  const hints = [
    location.kind === 'default' ? '[DEFAULT] api_paste_config names it, by default.' : undefined,
    near,
    isAbsolute(file) ? undefined : `A relative path is looked for beside ${beside(config)}.`,
  ].filter((hint) => hint !== undefined);
  const hint = hints.length === 0 ? 'Write it, or name another.' : hints.join(' ');
  return new ConfigNotFound('PORTICO_PASTE_NO_FILE', { message: `Could not find config at ${file}`, hint }, location);
}

function beside(config: Config): string {
  const files = config.configFiles;
  return files.length === 0 ? `${resolve('.')} and its paste/; no configuration file was read` : files.join(', ');
}
