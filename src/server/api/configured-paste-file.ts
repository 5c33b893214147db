/**
 * The paste file of a configuration.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { shownPath } from '../../errors/index.js';
import { ConfigNotFound, openPasteFile, type PasteFile, unreadable } from '../../loader/internal.js';
import { missingFileHint } from '../missing-file.js';
import { servingOptions } from './api-options.js';

/** Returns the file in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, or the errors of the file. */
export function configuredPaste(config: Config): PasteFile {
  return openPasteFile(configuredPasteFile(config), config);
}

/**
 * Returns the path in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, with the location of the option, if it cannot
 * be read.
 */
export function configuredPasteFile(config: Config): string {
  const { apiPasteConfig } = config.group('DEFAULT', servingOptions, { partial: true });
  const found = config.findFile(apiPasteConfig);
  if (found === undefined) throw noPasteFile(config, apiPasteConfig);
  try {
    config.readFile(found);
  } catch (cause) {
    const { code, message, hint } = unreadable(cause, shownPath(found));
    throw new ConfigNotFound(code, { message, hint, cause }, config.getLocation('DEFAULT', 'api_paste_config'));
  }
  return found;
}

/** Error of a missing paste file: names the option, and the files that exist instead. */
function noPasteFile(config: Config, file: string): ConfigNotFound {
  const location = config.getLocation('DEFAULT', 'api_paste_config');
  const near = missingFileHint(
    resolve(dirname(config.configFiles.at(-1) ?? resolve('x')), file),
    '.ini',
    config.configFiles,
  );
  const hints = [
    location.kind === 'default' ? 'It is the default of [DEFAULT] api_paste_config.' : undefined,
    near,
    isAbsolute(file) ? undefined : `A relative path is looked for beside ${beside(config)}.`,
  ].filter((hint) => hint !== undefined);
  const hint = hints.length === 0 ? 'Create it, or set another path.' : hints.join(' ');
  return new ConfigNotFound('PORTICO_PASTE_NO_FILE', { message: `Could not find config at ${file}`, hint }, location);
}

function beside(config: Config): string {
  const files = config.configFiles;
  return files.length === 0
    ? `${resolve('.')} and paste/ in it, because no configuration file was read`
    : files.join(', ');
}
