/** The Loader of an API's paste file, and its errors, in a file that only processes load which build an app: a parent of workers reads it without. */
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Diagnostic, ignoreErrors, shownPath } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { openPasteFile } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import { configuredPasteFile } from './configured-paste-file.js';

/** Returns a Loader of the file in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, or the errors of the file. */
export function pasteLoader(config: Config, log: Logger, service: string): Loader {
  return new Loader(configuredPasteFile(config), { config, service, log });
}

/**
 * Returns the errors of a paste file, default that of the configuration: of each of these APIs as it would load it, then, as warnings, those of
 * parts that no API reaches. `imports`: false finds modules without importing them, and takes the whole file as one.
 */
export async function pasteErrors(
  config: Config,
  apis: readonly { readonly name: string; readonly pipeline: string }[],
  imports: boolean,
  pasteFile?: string,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  try {
    const path = pasteFile ?? configuredPasteFile(config);
    const file = shownPath(path);
    // A file with errors in its lines is checked as a whole.
    const paste = imports ? ignoreErrors(() => openPasteFile(path, config)) : undefined;
    const started = apis.filter(({ pipeline }) => paste?.has(pipeline) === true);
    for (const { name, pipeline } of started)
      found.push(...(await Loader.checkFile(file, { config, service: name, names: [pipeline] })));
    const rest = paste === undefined ? {} : { names: started.map(({ pipeline }) => pipeline), others: true };
    found.push(...(await Loader.checkFile(file, { config, import: imports, trial: false, ...rest })));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    found.push(...error.diagnostics);
  }
  return found;
}
