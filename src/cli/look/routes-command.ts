/**
 * `api-cli routes`: route tables of the enabled APIs, in the order in which routes are tried.
 */
import type { Command } from 'commander';
import {
  type BuiltRouter,
  type DescribedRoute,
  describeRoutes,
  findOverlaps,
  legacyRules,
  type PlacedRouter,
  warningsOf,
} from '../../routing/internal.js';
import { columns, example, placeText, print } from '../command.js';
import { addConfigurationOptions, type OutputArguments } from '../command-line.js';
import { readConfiguration } from '../configured/configuration.js';
import { type ChosenApi, chosenApis, methodText, type RoutedApp, routedApps } from '../validate/api-routers.js';

/** Output for one router. */
interface RoutesResult {
  readonly api: string;
  readonly heading: string;
  readonly data: object;
  readonly lines: readonly string[];
}

interface RoutesArguments extends OutputArguments {
  readonly api?: string;
  readonly check?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('routes')
    .description('show the routes of the enabled APIs: method, URL, name, action, line')
    .option('--api <name>', 'only this API (default: all)')
    .option('--check', 'find routes that never match, overlap or mislead')
    .option('--json', 'print JSON')
    .addHelpText('after', example('api-cli routes --api compute'));
  addConfigurationOptions(command).action(async (args: RoutesArguments) => {
    const config = await readConfiguration(args);
    const apis = await chosenApis(config, args.api);
    const results = tables(await routedApps(config, apis), args.check === true ? checkResult : tableResult);
    const routers = results.map(({ api, data }) => ({ api, ...data }));
    print(args, { schema: 'portico/routes', version: 1, routers }, () => text(apis, results));
  });
}

function text(apis: readonly ChosenApi[], results: readonly RoutesResult[]): string {
  if (apis.length === 0) return 'No API is enabled.';
  const shown = apis.flatMap(({ name }): Pick<RoutesResult, 'heading' | 'lines'>[] => {
    const own = results.filter(({ api }) => api === name);
    return own.length > 0 ? own : [{ heading: name, lines: ['has no Router'] }];
  });
  return shown.map(({ heading, lines }) => [heading, ...lines.map((line) => `  ${line}`)].join('\n')).join('\n\n');
}

type Shown = Pick<RoutesResult, 'data' | 'lines'>;

function tables(apps: readonly RoutedApp[], show: (placed: PlacedRouter) => Shown): RoutesResult[] {
  return apps.flatMap(({ api: { name }, app, routers }) =>
    routers.map((placed) => ({
      api: name,
      heading: `${name}, ${app.name} at ${placed.prefix || '/'}`,
      ...show(placed),
    })),
  );
}

function tableResult({ router, prefix }: PlacedRouter): Shown {
  const routes = describeRoutes(router).map((route) => ({ url: urlOf(prefix, route), ...route }));
  const rows = routes.map((route) => [
    methodText(route),
    route.url,
    route.name ?? '',
    targetOf(route),
    placeText(route.origin),
    [
      ...Object.entries(route.requirements).map(([name, regex]) => `${name}: ${route.types[name] ?? regex}`),
      ...route.filters.map((filter) => `filter ${filter}`),
      ...route.shadowedBy.map(({ template, origin }) => `NEVER MATCHES: ${template} at ${placeText(origin)}`),
    ].join('; '),
  ]);
  // The prefix of the table does not apply to them.
  const mount = prefix.slice(0, prefix.length - router.prefix.length);
  const pluginRoutes = router.pluginRoutes.map(({ methods, url }) => ({
    url: url.startsWith('/') ? mount + url : `${mount}/${url}`,
    methods,
  }));
  const ofPlugins = pluginRoutes.map(({ methods, url }) => [methods.join(','), url, '', 'a plugin', '', '']);
  return { data: { prefix, routes, pluginRoutes }, lines: columns([...rows, ...ofPlugins]) };
}

/** Returns the URL for a client; if a template begins with a variable, a slash precedes it there. */
function urlOf(prefix: string, { path }: DescribedRoute): string {
  return path.startsWith('/') ? `${prefix}${path}` : `${prefix}/${path}`;
}

function checkResult({ router, prefix }: PlacedRouter): Shown {
  const table = router.compile();
  const at = (route: BuiltRouter['routes'][number]): string =>
    `${route.template} at ${placeText(router.originOf(route))}`;
  const shadowed = describeRoutes(router).flatMap(({ template, origin, shadowedBy }) =>
    shadowedBy.map(
      (by) => `${template} at ${placeText(origin)} can never match: ${by.template} at ${placeText(by.origin)}`,
    ),
  );
  const warnings = warningsOf(router.routes).map(({ route, message, hint }) => `${at(route)}: ${message}. ${hint}`);
  const legacy = router.routes.flatMap((route) => legacyRules(route).map((rule) => `${at(route)} uses ${rule}`));
  const overlaps = findOverlaps(table.ranked).map(
    ({ earlier, later, byDefinition }) =>
      `${at(earlier.route)} goes before ${at(later.route)}${byDefinition ? ', because it is defined first' : ''}`,
  );
  const parts = { shadowed, warnings, legacy, overlaps };
  const lines = Object.entries(parts).flatMap(([name, found]) => [
    `${name}: ${found.length === 0 ? 'none' : found.length}`,
    ...found.map((line) => `  ${line}`),
  ]);
  return { data: { prefix, ...parts }, lines };
}

/** Returns the target of a route. */
function targetOf({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? (action ?? 'an app') : `${controller}.${action ?? ''}`;
}
