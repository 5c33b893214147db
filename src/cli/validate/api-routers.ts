/**
 * The enabled APIs that a command selects, and the routers of their apps, built without filters.
 */
import type { Config } from '../../config/index.js';
import { type ContextTree, Loader } from '../../loader/index.js';
import { bundledParts, type MadeApps, type MountedApp, mountedApps } from '../../loader/internal.js';
import { silentLogger } from '../../log/internal.js';
import type { DescribedRoute, PluginRoute } from '../../routing/internal.js';
import {
  type BuiltRouter,
  collectRouters,
  outerRouters,
  type PlacedRouter,
  routerOfApp,
  withMounted,
} from '../../routing/internal.js';
import type { PlannedApi } from '../../server/internal.js';
import { namesIn } from '../../server/internal.js';
import type { JobList } from '../../tasks/index.js';
import { unknownName } from '../command.js';
import { enabledApis } from '../configured/enabled-apis.js';
import { refuseErrors } from './plan.js';

/** An API as planned or as served. */
export type ChosenApi = Pick<PlannedApi, 'name' | 'pipeline' | 'pasteFile' | 'addresses' | 'usesTls'>;

/** The parts of it that lead to its app. */
export type LoadedApi = Pick<ChosenApi, 'name' | 'pipeline' | 'pasteFile'>;

/** An app of an API's tree, with its routers. */
export interface RoutedApp extends MountedApp {
  readonly api: ChosenApi;
  /** Each with the prefix of its routes in the URL of a client. */
  readonly routers: readonly PlacedRouter[];
}

/** Returns the plan of the API of that name, or all enabled ones. Throws a usage error for an unknown name. */
export async function chosenApis(config: Config, wanted: string | undefined): Promise<readonly PlannedApi[]> {
  const { apis, diagnostics } = await enabledApis(config, namesIn(config), { log: silentLogger() });
  refuseErrors(diagnostics);
  if (wanted === undefined) return apis;
  const found = apis.filter(({ name }) => name === wanted);
  if (found.length > 0) return found;
  const names = apis.map(({ name }) => name);
  throw unknownName(`no enabled API is called "${wanted}"`, wanted, names, 'APIs');
}

/** Returns a loader of an API's paste file, with the API's options. */
export function loaderOf(api: LoadedApi, config: Config): Loader {
  return new Loader(api.pasteFile!, { config, service: api.name, log: silentLogger() });
}

/** Options of {@link routedApps}. */
export interface RoutedOptions {
  /** Gets the periodic tasks that the factories declare. */
  readonly tasks?: JobList;
  /** The apps of one API that this process serves: no factory is called then. */
  readonly made?: MadeApps | undefined;
}

/** Returns the apps of APIs that have routers, in the order of the paste file. Unless they are served here, they are created and released. */
export async function routedApps(
  config: Config,
  apis: readonly ChosenApi[],
  { tasks, made }: RoutedOptions = {},
): Promise<readonly RoutedApp[]> {
  const routed: RoutedApp[] = [];
  const bundled = await bundledParts();
  for (const api of apis) {
    const loader = loaderOf(api, config);
    for (const mounted of mountedApps(await loader.tree(api.pipeline), config)) {
      // None of ours is a Router.
      if (bundled.has(mounted.app.resolved)) continue;
      const built = made === undefined ? await routersOf(loader, mounted.app, tasks) : routersIn(made, mounted.app);
      const routers = built.flatMap((router) => withMounted(router, mounted.prefix));
      if (routers.length > 0) routed.push({ api, ...mounted, routers });
    }
  }
  return routed;
}

function routersIn(made: MadeApps, app: ContextTree): readonly BuiltRouter[] {
  return outerRouters(made.of(app).flatMap((each) => routerOfApp(each) ?? []));
}

/** Returns the routers of an app; releases the resources of its factory at once. */
async function routersOf(
  loader: Loader,
  app: ContextTree,
  tasks: JobList | undefined,
): Promise<readonly BuiltRouter[]> {
  const { routers, result } = await collectRouters(() => loader.makeApp(app, { tasks }));
  await result.close();
  return outerRouters(routers);
}

/** Returns methods and URL of a plugin's route. */
export function pluginText({ methods, url }: PluginRoute): string {
  return `${methods.join(',')} ${url}`;
}

/** Returns the methods of a route. */
export function methodText({ methods }: Pick<DescribedRoute, 'methods'>): string {
  return methods?.join(',') ?? 'any';
}
