/**
 * Builds the app of an API: from its paste file, as a configuration says.
 */
import { inPlace, selfPlaced } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { ConfigurationRefused, printDiagnostics } from '../../errors/index.js';
import { type LoadedApp, Loader } from '../../loader/index.js';
import type { Logger } from '../../log/index.js';
import { toldOnce } from '../../service/internal.js';
import type { BuiltApp } from './api-app.js';
import { refuseUnknown } from './api-settings.js';
import { type AppLoader, pasteLoader } from './paste-config.js';

/** What there is to build, and where its app comes from when not from the paste file. */
export interface ApiBuild {
  readonly pipeline: string;
  readonly log: Logger;
  readonly loader: AppLoader | undefined;
}

/** The app and its loader. All workers build the same one: what filters warn of meanwhile, the first worker says. */
export async function buildApp(
  name: string,
  config: Config,
  { pipeline, log, loader: own }: ApiBuild,
): Promise<BuiltApp> {
  const building = toldOnce(log);
  const loader = own ?? pasteLoader(config, building.log, name);
  const app = await loadWhole(loader, pipeline).finally(building.over);
  try {
    refuseUnknown(config, name);
  } catch (error) {
    await app.close();
    throw error;
  }
  return { app, loader };
}

/** The app, built. When the file is refused the error has everything that is wrong with it, not what came first. */
async function loadWhole(loader: AppLoader, name: string): Promise<LoadedApp> {
  try {
    // A Loader puts places round the innermost apps; of another loader's app the server counts the whole.
    if (!(loader instanceof Loader)) return await loader.loadApp(name);
    return selfPlaced(await loader.loadApp(name, { aroundApp: inPlace }));
  } catch (error) {
    if (!(error instanceof ConfigurationRefused) || !(loader instanceof Loader)) throw error;
    const findings = await loader.check().catch(() => []);
    const errors = findings.filter(({ severity }) => severity === 'error');
    if (errors.length < 2) throw error;
    const message = printDiagnostics(errors, { showLine: false });
    throw new ConfigurationRefused(error.code, { diagnostics: errors, message, cause: error });
  }
}
