/** The errors of a paste file. */
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Diagnostic } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { type PlannedApi, readablePaste } from '../../server/internal.js';
import { configuredPasteFile } from '../configured/configuration.js';

/**
 * Returns the errors of the configured paste file: of each of these APIs as it would load it, then, as warnings, those of parts that no
 * API reaches. `imports`: false finds modules without importing them, and takes the whole file as one.
 */
export async function pasteErrors(
  config: Config,
  apis: readonly Pick<PlannedApi, 'name' | 'pipeline'>[],
  imports: boolean,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  try {
    const file = configuredPasteFile(config);
    // A file with errors in its lines is checked as a whole.
    const paste = imports ? readablePaste(config) : undefined;
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
