/** Builds of apps alone, for commands that look at what their factories load. */
import type { Config } from '../../config/index.js';
import { mountedApps } from '../../loader/internal.js';
import { chosenApis, loaderOf } from './api-routers.js';

/** Builds each app of the enabled APIs, and closes it. `failed`: called with the error of one that cannot be built; default: reject. */
export async function buildApps(config: Config, failed?: (error: unknown) => void): Promise<void> {
  for (const api of await chosenApis(config, undefined)) {
    const loader = loaderOf(api, config);
    for (const { app } of mountedApps(await loader.tree(api.pipeline), config)) {
      try {
        await (await loader.makeApp(app)).close();
      } catch (error) {
        if (failed === undefined) throw error;
        failed(error);
      }
    }
  }
}
