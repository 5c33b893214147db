/**
 * Findings about the routes of a built API: warnings of its routers, and routes for callers whom no filter identifies.
 */
import type { App } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { type Diagnostic, placeInFile } from '../../errors/index.js';
import type { ContextTree, Loader } from '../../loader/index.js';
import { describeNode, findsNoCaller, mountedApps } from '../../loader/internal.js';
import { MOST_SERIES, metricsOptions, SERIES_A_ROUTE, SERIES_HINT } from '../../metrics/index.js';
import {
  type BuiltRouter,
  collectRouters,
  mountedRouter,
  needsKnownCaller,
  routerOfApp,
  type TableWarning,
} from '../../routing/internal.js';
import { type LoadedApi, loaderOf } from './api-routers.js';

/** Builds an API, and returns findings about its routes. Rejects with the errors of `build`. */
export async function buildAndFind(
  api: LoadedApi,
  config: Config,
  build: () => Promise<void>,
): Promise<readonly Diagnostic[]> {
  const { routers, warnings } = await collectRouters(build);
  const asks = routers.some((router) => routesForCallers(router).length > 0);
  const found = [...warnings, ...(asks ? await withoutCallers(api, config) : [])].map(({ origin, ...said }) => {
    return { severity: 'warning' as const, ...said, place: origin && placeInFile(origin) };
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
      place: config.getLocation('metrics', 'enabled'),
      section: 'metrics',
      option: 'enabled',
      message: `the API ${name} has ${routes} routes, and metrics tell at most ${most} from each other: further ones are counted as route="other"`,
      hint: SERIES_HINT,
    },
  ];
}

/** Returns routes with `auth: true` of apps without a filter that identifies the caller. */
async function withoutCallers(api: LoadedApi, config: Config): Promise<readonly TableWarning[]> {
  const loader = loaderOf(api, config);
  const findsNone = await findsNoCaller(config);
  const found: TableWarning[] = [];
  for (const { app, filters } of mountedApps(await loader.tree(api.pipeline), config)) {
    if (describeNode(app, config) !== undefined || !filters.every(findsNone)) continue;
    const router = await routerOf(loader, app);
    const routes = router === undefined ? [] : routesForCallers(router);
    if (routes.length > 0) found.push(refusing(app.name, routes));
  }
  return found;
}

/** Returns the router of an app; undefined if something wraps it, which may identify the caller. */
async function routerOf(loader: Loader, node: ContextTree): Promise<BuiltRouter | undefined> {
  let made: App | undefined;
  const aroundApp = (app: App): App => {
    made = app;
    return app;
  };
  const loaded = await loader.makeApp(node, { aroundApp });
  await loaded.close();
  return made && routerOfApp(made);
}

type PlacedRoute = Pick<TableWarning, 'origin'> & { readonly template: string };

/** Returns routes with `auth: true`, including those of mounted routers. A filter in code may identify the caller. */
function routesForCallers(router: BuiltRouter): readonly PlacedRoute[] {
  return router.routes.flatMap((route) => {
    const isMount = router.mountOf(route) !== undefined;
    // Of the two routes of a mount, the one for paths below it.
    if (isMount && !route.variables.has('path_info')) return [];
    const leadsOn = isMount || router.redirectOf(route) !== undefined;
    const filters = leadsOn ? router.guardsOf(route) : (router.operationSource(route)?.filters ?? []);
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
    message: `the route ${first!.template}${others} auth: true, and no filter of the pipeline identifies the caller: every request is answered with 401`,
    hint: 'Put jwt, auth_token or basic_auth into the pipeline, or a filter of yours that sets environ(req).identity.',
    origin: first!.origin,
  };
}
