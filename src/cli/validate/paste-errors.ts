/** The errors of a paste file. */
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Diagnostic } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { PasteError } from '../../loader/internal.js';
import type { PlannedApi } from '../../server/internal.js';
import { configuredPasteFile } from '../configured/configuration.js';

/**
 * Returns the errors of the configured paste file: of each of these APIs as it would load it, then, as warnings, those of parts that no
 * API reaches. `imports`: false finds modules without importing them, and takes the whole file as one.
 */
export async function pasteErrors(
  config: Config,
  { apis }: { readonly apis: readonly Pick<PlannedApi, 'name' | 'pipeline'>[] },
  imports: boolean,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  try {
    const file = configuredPasteFile(config);
    const loader = imports ? readable(file, config) : undefined;
    const started = apis.filter(({ pipeline }) => loader?.has(pipeline) === true);
    for (const { name, pipeline } of started)
      found.push(...(await Loader.checkFile(file, { config, service: name, names: [pipeline] })));
    const rest = loader === undefined ? {} : { names: started.map(({ pipeline }) => pipeline), others: true };
    found.push(...(await Loader.checkFile(file, { config, import: imports, trial: false, ...rest })));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    found.push(...error.diagnostics);
  }
  return found;
}

/** Returns undefined for a file with errors in its lines, which a check of the whole reports. */
function readable(file: string, config: Config): Loader | undefined {
  try {
    return new Loader(file, { config });
  } catch (error) {
    if (error instanceof PasteError) return undefined;
    throw error;
  }
}
