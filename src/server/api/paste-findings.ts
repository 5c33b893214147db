/** The errors of the paste file of an API: of the parts that it runs, and of all others. */
import type { Config } from '../../config/index.js';
import { type Diagnostic, shownPath, whole } from '../../errors/index.js';
import { Loader } from '../../loader/index.js';

/** An API, with the place of its app. */
interface PastedApi {
  readonly name: string;
  readonly pipeline: string;
  readonly pasteFile: string | undefined;
}

/** Returns the errors; none of an app in code. `all`: imports all that the file names, so that the names which it owns are known. */
export async function pasteFindings(
  { pasteFile, name, pipeline }: PastedApi,
  config: Config,
  all: boolean,
): Promise<readonly Diagnostic[]> {
  if (pasteFile === undefined) return [];
  const file = shownPath(pasteFile);
  const names = [pipeline];
  const own = await Loader.checkFile(file, { config, service: name, names });
  return all ? whole(own, await Loader.checkFile(file, { config, names, others: true, trial: false })) : own;
}
