/**
 * Builds of everything that a configuration names, so that the list of its errors is whole. Nothing is started.
 */
import type { Config } from '../../config/index.js';
import { buildAsWorker } from '../../config/internal.js';
import { MOST_SERIES, metricsOptions, SERIES_A_ROUTE, SERIES_HINT } from '../../counts/index.js';
import { type Diagnostic, locationInFile, Refusals, shownPath } from '../../errors/index.js';
import { bundledParts, findsNoCaller, type Walk } from '../../loader/internal.js';
import { silentLogger } from '../../log/internal.js';
import { callsProvider, checkManager, type SectionService } from '../../managers/index.js';
import {
  type BuiltRouter,
  collectRouters,
  mountedRouter,
  needsKnownCaller,
  routerOfApp,
  type TableWarning,
} from '../../routing/internal.js';
import { WSGIService } from '../../server/index.js';
import { managerOf, type Names, type PlannedApi, pipelineOf } from '../../server/internal.js';
import { extensionsOf, isOneProcess } from '../../service/internal.js';
import { configuredPasteFile } from '../configured/configuration.js';
import { enabledServices } from '../configured/enabled-services.js';
import { namedLogger } from '../configured/named-logger.js';
import { type LoadedApi, loaderOf } from './api-routers.js';
import type { Planned } from './plan.js';

/** Options of {@link buildAll}. */
export interface BuildOptions {
  /** Gets what the builds refuse. */
  readonly refusals: Refusals;
  readonly names: Names;
  readonly dev: boolean | undefined;
  /** Gets the APIs that were built, with what their builds have found. */
  readonly built: WSGIService[];
}

/**
 * Builds each planned service as its worker would, and releases it; imports the logger and the managers. Returns warnings. Rejects with
 * errors that are no refusals.
 */
export async function buildAll(
  config: Config,
  { apis, services }: Planned,
  { refusals, names, dev = false, built }: BuildOptions,
): Promise<readonly Diagnostic[]> {
  const found: Diagnostic[] = [];
  const isAlone = isOneProcess(config) && !dev;
  /** Builds a service as its worker would, or the process that serves all; and releases it. */
  const tryToBuild = (
    { name, workers }: PlannedApi | SectionService,
    make: () => WSGIService | SectionService,
  ): Promise<void> => buildAsWorker({ name, workers: isAlone ? 0 : workers }, async () => (await make().prepare())());
  await refusals.gather(() => namedLogger(config));
  for (const api of apis) {
    const make = (): WSGIService => {
      const service = new WSGIService(api.name, config, { log: silentLogger(), useSsl: api.usesTls, dev });
      built.push(service);
      return service;
    };
    const odd = await refusals.gather(() =>
      buildAndFind(api, config, async () => {
        await tryToBuild(api, make);
        return built.at(-1)?.walked;
      }),
    );
    found.push(...(odd ?? []));
  }
  await refusals.gather(() => checkCalls(config, names));
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
    const odd = await refusals.gather(async () => {
      const api = { name, pipeline: pipelineOf(config, name), pasteFile: configuredPasteFile(config) };
      let walk: Walk | undefined;
      const odd = await buildAndFind(api, config, async () => (walk = await tryToLoad(api, config)));
      return [...(walk?.diagnostics ?? []), ...odd];
    });
    found.push(...(odd ?? []));
  }
  if (services.length === 0) return found;
  const made = await enabledServices(config, names, { log: silentLogger(), dev }, ({ make }) => make());
  for (const service of made.services) await refusals.gather(() => tryToBuild(service, () => service));
  return found;
}

/** Builds only its app. */
async function tryToLoad(api: LoadedApi, config: Config): Promise<Walk | undefined> {
  const loader = loaderOf(api, config);
  const { pipeline } = api;
  if (!loader.has(pipeline)) return undefined;
  let walk: Walk | undefined;
  const walked = (made: Walk): void => {
    walk = made;
  };
  const app = await loader.loadApp(pipeline, { walked });
  await app.close();
  return walk;
}

/** Imports the manager that a section names, if any. */
async function findManager(group: string, config: Config): Promise<void> {
  const manager = managerOf(config, group);
  if (manager !== undefined) await checkManager(manager, config, { group, opt: 'manager' });
}

/** Checks remote calls. Only if a manager may make them or an option of theirs is written, because that loads their modules. */
async function checkCalls(config: Config, { apis, services }: Names): Promise<void> {
  const mayCall = services.length > 0 || apis.some((name) => managerOf(config, `api:${name}`) !== undefined);
  if (!mayCall && (await extensionsOf(config, { configured: true, providing: 'calls' })).length === 0) return;
  const provider = await callsProvider(config);
  if (mayCall) provider.calls().connect(config, { log: silentLogger() });
  await provider.load(config);
}

// Findings about the routes of a built API: routes for callers whom no filter identifies, and too many for metrics.

/** Builds an API, and returns findings about its routes. Rejects with the errors of `build`, which returns its walk. */
async function buildAndFind(
  api: LoadedApi,
  config: Config,
  build: () => Promise<Walk | undefined>,
): Promise<readonly Diagnostic[]> {
  const { routers, result: walk } = await collectRouters(build);
  const asks = walk !== undefined && routers.some((router) => routesForCallers(router).length > 0);
  const found = (asks ? await withoutCallers(walk, config) : []).map(({ origin, ...said }) => {
    const location = origin && locationInFile({ ...origin, file: shownPath(origin.file) });
    return { severity: 'warning' as const, ...said, location };
  });
  return [...found, ...tooManySeries(api, config, routers)];
}

/** Warns of an API with more routes than metrics can show one by one. */
function tooManySeries({ name }: LoadedApi, config: Config, routers: readonly BuiltRouter[]): Diagnostic[] {
  const routes = routers.reduce((sum, router) => sum + router.routes.length, 0);
  const most = MOST_SERIES / SERIES_A_ROUTE;
  if (routes <= most || !config.group('metrics', metricsOptions).enabled) return [];
  return [
    {
      severity: 'warning',
      code: 'PORTICO_METRICS_SERIES',
      location: config.getLocation('metrics', 'enabled'),
      section: 'metrics',
      option: 'enabled',
      message: `the API ${name} has ${routes} routes, and metrics tell at most ${most} from each other: further ones are counted as route="other"`,
      hint: SERIES_HINT,
    },
  ];
}

/** Returns routes with `auth: true` of apps without a filter that identifies the caller. Something around a router may identify the caller. */
async function withoutCallers(walk: Walk, config: Config): Promise<readonly TableWarning[]> {
  const findsNone = await findsNoCaller(config);
  const bundled = await bundledParts();
  return walk.mounted().flatMap(({ app, filters, made }) => {
    if (made === undefined || bundled.has(app.resolved) || !filters.every(findsNone)) return [];
    const router = routerOfApp(made);
    const routes = router === undefined ? [] : routesForCallers(router);
    return routes.length > 0 ? [refusing(app.name, routes)] : [];
  });
}

type PlacedRoute = Pick<TableWarning, 'origin'> & { readonly template: string };

/** Returns routes with `auth: true`, including those of mounted routers. A filter in code may identify the caller. */
function routesForCallers(router: BuiltRouter): readonly PlacedRoute[] {
  return router.compile().ranked.flatMap((compiled) => {
    const { route } = compiled;
    const isMount = router.mountOf(route) !== undefined;
    // Of the two routes of a mount, the one for paths below it.
    if (isMount && !route.variables.has('path_info')) return [];
    const leadsOn = isMount || router.redirectOf(route) !== undefined;
    const filters = leadsOn ? router.guardsOf(route) : (router.operationOf(compiled)?.filters ?? []);
    if (filters.length === 1 && needsKnownCaller(filters[0])) {
      return [{ template: route.template, origin: router.originOf(route) }];
    }
    const inner = mountedRouter(router, route);
    return inner === undefined ? [] : routesForCallers(inner);
  });
}

function refusing(app: string, [first, ...more]: readonly PlacedRoute[]): TableWarning {
  const others = more.length === 0 ? ' has' : ` and ${more.length} more of the app "${app}" have`;
  return {
    code: 'PORTICO_ROUTE_NO_CALLER',
    message: `the route ${first!.template}${others} auth: true, and no filter of the pipeline identifies the caller: every request gets 401`,
    hint: 'Put jwt, auth_token or basic_auth into the pipeline, or a filter of yours that sets environ(req).identity.',
    origin: first!.origin,
  };
}
