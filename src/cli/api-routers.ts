/**
 * The routers of the APIs of a configuration: their apps are built, and released again; nothing listens.
 */
import type { Config } from '../config/index.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import { Loader } from '../loader/index.js';
import { silentLogger } from '../log/index.js';
import { collectRouters, type Router } from '../routing/index.js';
import { enabledApis } from './enabled-apis.js';

/** One API and the routers that its app is made of. */
export interface ApiRouters {
  readonly api: string;
  readonly routers: readonly Router[];
}

/** The routers of one API, or of all that are enabled. */
export async function apiRouters(config: Config, wanted: string | undefined): Promise<ApiRouters[]> {
  const services = await enabledApis(config, { log: silentLogger() });
  const names = services.map(({ name }) => name);
  if (wanted !== undefined && !names.includes(wanted)) {
    throw new ConfigurationRefused('PORTICO_CLI_NO_API', {
      message: `no enabled API is called "${wanted}"`,
      hint: didYouMean(wanted, names) ?? `There are: ${names.join(', ') || 'none'}.`,
    });
  }
  const found: ApiRouters[] = [];
  for (const { name, pipeline, pasteFile } of services) {
    if (pasteFile === undefined || (wanted !== undefined && name !== wanted)) continue;
    const loader = new Loader(pasteFile, { config, service: name, log: silentLogger() });
    const { routers, result } = await collectRouters(() => loader.loadApp(pipeline));
    await result.close();
    found.push({ api: name, routers });
  }
  return found;
}
