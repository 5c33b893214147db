/** The Loader of an API's paste file, and its errors, in a file that only processes load which build an app: a parent of workers reads it without. */
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, type Diagnostic, ignoreErrors, shownPath } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';
import { openPasteFile, type Walk } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import { configuredPasteFile } from './configured-paste-file.js';

/** Returns a Loader of the file in `[DEFAULT] api_paste_config`. Throws ConfigNotFound, or the errors of the file. */
export function pasteLoader(config: Config, log: Logger, service: string): Loader {
  return new Loader(configuredPasteFile(config), { config, service, log });
}

/** An API of a paste file, with the walk of its build if it was built. */
interface WalkedApi {
  readonly name: string;
  readonly pipeline: string;
  readonly walked?: Walk | undefined;
}

/**
 * Returns the errors of a paste file, by default that of the configuration. For each of these APIs they are those that its build has found
 * or would find; errors of parts that no API reaches follow as warnings. `imports`: false locates modules without importing them, and
 * treats what was not built as one part. `factories`: false calls no factory of the application.
 */
export async function pasteErrors(
  config: Config,
  apis: readonly WalkedApi[],
  {
    imports,
    factories = true,
    pasteFile,
  }: { readonly imports: boolean; readonly factories?: boolean; readonly pasteFile?: string },
): Promise<readonly Diagnostic[]> {
  const walks: Walk[] = [];
  const found: Diagnostic[] = [];
  try {
    const path = pasteFile ?? configuredPasteFile(config);
    const file = shownPath(path);
    // A file with errors in its lines is checked as a whole.
    const paste = ignoreErrors(() => openPasteFile(path, config));
    for (const { name: service, pipeline, walked } of apis) {
      if (walked !== undefined) walks.push(walked);
      else if (imports && paste?.has(pipeline) === true)
        walks.push(await Loader.walkFile(file, { config, service, names: [pipeline], trial: factories || 'bundled' }));
    }
    const after = walks.length > 0 || (imports && paste !== undefined) ? [...walks] : undefined;
    walks.push(await Loader.walkFile(file, { config, import: imports, trial: false, after }));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    found.push(...error.diagnostics);
  }
  found.unshift(...walks.flatMap(({ diagnostics }) => diagnostics));
  return found;
}
