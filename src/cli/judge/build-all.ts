/**
 * Builds of everything that a configuration names, so that the list of its errors is whole. Nothing is started.
 */
import type { Config } from '../../config/index.js';
import { buildAsWorker } from '../../config/internal.js';
import { type Diagnostic, Refusals } from '../../errors/index.js';
import { silentLogger } from '../../log/internal.js';
import { checkManager } from '../../managers/index.js';
import type { RPCService } from '../../rpc/index.js';
import { WSGIService } from '../../server/index.js';
import type { PlannedApi } from '../../server/internal.js';
import { isOneProcess, managerOf, type Names, pipelineOf } from '../../server/internal.js';
import { configuredPasteFile } from '../configured/configuration.js';
import { enabledServices, makingServices } from '../configured/enabled-services.js';
import { namedLogger } from '../configured/named-logger.js';
import { type LoadedApi, loaderOf } from './api-routers.js';
import type { Planned } from './plan.js';
import { buildAndFind } from './route-findings.js';

/** Options of {@link buildAll}. */
export interface BuildOptions {
  /** Gets what the builds refuse. */
  readonly refusals: Refusals;
  readonly names: Names;
  readonly dev: boolean | undefined;
}

/**
 * Builds each planned service as its worker would, and releases it; imports the logger and the managers. Returns warnings. Rejects with
 * errors that are no refusals.
 */
export async function buildAll(
  config: Config,
  { apis, services }: Planned,
  { refusals, names, dev = false }: BuildOptions,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  const isAlone = isOneProcess(config) && !dev;
  /** Builds a service as its worker would, or the process that serves all; and releases it. */
  const tryToBuild = (
    { name, workers }: PlannedApi | RPCService,
    make: () => WSGIService | RPCService,
  ): Promise<void> => buildAsWorker({ name, workers: isAlone ? 0 : workers }, async () => (await make().prepare())());
  await refusals.gather(() => namedLogger(config));
  for (const api of apis) {
    const make = () => new WSGIService(api.name, config, { log: silentLogger(), useSsl: api.usesTls, dev });
    const odd = await refusals.gather(() => buildAndFind(api, config, () => tryToBuild(api, make)));
    found.push(...(odd ?? []));
  }
  if (names.apis.some((name) => managerOf(config, `api:${name}`) !== undefined))
    await refusals.gather(() => makeCalls(config));
  for (const name of names.sections.service.filter((each) => !names.services.includes(each))) {
    const elsewhere = new Refusals();
    await elsewhere.gather(() => findManager(`service:${name}`, config));
    for (const { message, ...each } of elsewhere.diagnostics)
      found.push({ ...each, severity: 'warning', message: `${message} (this service is not enabled here)` });
  }
  // The app of an API with refused options or certificates may have errors too.
  const refused = names.apis.filter((name) => apis.every((api) => api.name !== name));
  for (const name of refused) {
    await refusals.gather(() => findManager(`api:${name}`, config));
    const odd = await refusals.gather(() => {
      const api = { name, pipeline: pipelineOf(config, name), pasteFile: configuredPasteFile(config) };
      return buildAndFind(api, config, () => tryToLoad(api, config));
    });
    found.push(...(odd ?? []));
  }
  if (services.length === 0) return found;
  const made = await enabledServices(config, names, { log: silentLogger(), dev }, makingServices);
  for (const service of made.services) await refusals.gather(() => tryToBuild(service, () => service));
  return found;
}

/** Builds only its app. */
async function tryToLoad(api: LoadedApi, config: Config): Promise<void> {
  const loader = loaderOf(api, config);
  const { pipeline } = api;
  if (!loader.has(pipeline)) return;
  const app = await loader.loadApp(pipeline);
  await app.close();
}

/** Imports the manager that a section names, if any. */
async function findManager(group: string, config: Config): Promise<void> {
  const manager = managerOf(config, group);
  if (manager !== undefined) await checkManager(manager, config, { group, opt: 'manager' });
}

/** Reads `[rpc]`. Only if a manager may make remote calls, because that loads their modules. */
async function makeCalls(config: Config): Promise<void> {
  const { RPCConnection } = await import('../../rpc/index.js');
  new RPCConnection({ config, log: silentLogger() });
}
