/**
 * `api-cli routes`: route tables of the enabled APIs, in the order in which routes are tried; with `--match` the route that a client's
 * request reaches, through the filters and mounts of each API.
 */
import { STATUS_CODES } from 'node:http';
import type { Command } from 'commander';
import { decodePath } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import { UsageError } from '../../config/internal.js';
import {
  type BuiltRouter,
  type DescribedRoute,
  describeRoutes,
  type ExplainedMatch,
  explainMatch,
  findOverlaps,
  legacyRules,
  type PlacedRouter,
  type PluginAnswer,
  type RouteFacts,
  routeFactsOf,
  slowRequirements,
  warningsOf,
} from '../../routing/internal.js';
import { columns, example, placeText, print } from '../command.js';
import { addConfigurationOptions, type OutputArguments } from '../command-line.js';
import { readConfiguration } from '../configured/configuration.js';
import {
  type ChosenApi,
  chosenApis,
  loaderOf,
  methodText,
  pluginText,
  type RoutedApp,
  routedApps,
} from '../validate/api-routers.js';
import { limitsOf, type NamedRequest, namedRequest } from './named-request.js';
import { trialApp } from './trial.js';

/** Output for one router, or for a request to one API. */
interface RoutesResult {
  readonly api: string;
  readonly heading: string;
  readonly data: object;
  readonly lines: readonly string[];
}

interface RoutesArguments extends OutputArguments {
  readonly api?: string;
  readonly match?: NamedRequest;
  readonly check?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('routes')
    .description('show the routes of the enabled APIs: method, URL, name, action, line')
    .option('--api <name>', 'only this API (default: all)')
    .option(
      '--match <request>',
      "show the route that matches 'GET /v2.1/servers/1', and why earlier ones do not",
      wantedRequest,
    )
    .option('--check', 'find routes that never match, overlap, mislead or are slow')
    .option('--json', 'print JSON')
    .addHelpText('after', example("api-cli routes --api compute --match 'GET /v2.1/servers/detail'"));
  addConfigurationOptions(command).action(async (args: RoutesArguments) => {
    const config = await readConfiguration(args);
    const apis = await chosenApis(config, args.api);
    const results =
      args.match === undefined
        ? tables(await routedApps(config, apis), args.check === true ? checkResult : tableResult)
        : await matchedRoutes(config, apis, args.match);
    const routers = results.map(({ api, data }) => ({ api, ...data }));
    print(args, { schema: 'portico/routes', version: 1, routers }, () => text(apis, results));
  });
}

function wantedRequest(text: string): NamedRequest {
  const [, method, url] = /^\s*([^\s/]+)\s+((?:\/|https?:\/\/)\S*)\s*$/.exec(text) ?? [];
  if (method !== undefined && url !== undefined) return namedRequest(method, url);
  throw new UsageError(
    `--match takes a method and the URL of a client, not ${JSON.stringify(text)}`,
    "Example: api-cli routes --match 'GET /v2.1/servers/1'",
  );
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
  const slow = slowRequirements(table.routes, () => performance.now()).map(
    ({ compiled, variable, requirement, length, milliseconds }) =>
      `${at(compiled.route)}: ${variable}: ${requirement} takes ${milliseconds.toFixed(0)} ms for ${length} characters`,
  );
  const overlaps = findOverlaps(table.planned).map(
    ({ earlier, later, byDefinition }) =>
      `${at(earlier.route)} goes before ${at(later.route)}${byDefinition ? ', because it is defined first' : ''}`,
  );
  const parts = { shadowed, warnings, slow, legacy, overlaps };
  const lines = Object.entries(parts).flatMap(([name, found]) => [
    `${name}: ${found.length === 0 ? 'none' : found.length}`,
    ...found.map((line) => `  ${line}`),
  ]);
  return { data: { prefix, ...parts }, lines };
}

/** Returns the routes of a request in each of these APIs. */
async function matchedRoutes(
  config: Config,
  apis: readonly ChosenApi[],
  request: NamedRequest,
): Promise<readonly RoutesResult[]> {
  const results: RoutesResult[] = [];
  for (const api of apis) results.push({ api: api.name, heading: api.name, ...(await matchIn(config, api, request)) });
  return results;
}

interface ShownMatch extends Shown {
  readonly data: ExplainedMatch & { readonly plugin: PluginAnswer | null };
}

/** Runs a request of which only method and URL are known, and shows the routes that it meets. */
async function matchIn(config: Config, api: ChosenApi, request: NamedRequest): Promise<ShownMatch> {
  const tried = await trialApp(loaderOf(api, config), api.pipeline, limitsOf(config, api.name));
  try {
    const { trial, status, end, refusal } = await tried.run({ ...request, unknown: ['headers', 'body'] });
    if (refusal !== undefined) return { data: NONE, lines: [`${status} ${STATUS_CODES[status!]}: ${refusal.reason}`] };
    const met = trial.steps.flatMap((step) => {
      const facts = routeFactsOf(step);
      return facts === undefined ? [] : [matchResult(facts, step.url)];
    });
    // A cascade has tried the app of a miss before another one.
    const shown = met.filter(({ data }, at) => data.route !== null || at === met.length - 1);
    const last = shown.at(-1);
    // After the misses of a cascade, an app that is no Router.
    const isAnswered = end?.what === 'app' && last?.data.route === null;
    if (last !== undefined && !isAnswered) return { data: last.data, lines: shown.flatMap(({ lines }) => lines) };
    const { node, notes } = trial.steps.at(-1)!;
    if (end !== undefined) return { data: NONE, lines: [`${end.name} responds, which is not a Router`] };
    const isFilter = node.what === 'filter';
    return { data: NONE, lines: [isFilter ? `the filter ${node.name} responds with ${status}` : notes.join('; ')] };
  } finally {
    await tried.close();
  }
}

const NONE: ShownMatch['data'] = { route: null, match: null, passedOver: [], plugin: null };

function matchResult(facts: RouteFacts, url: string): ShownMatch {
  const { method, plugin = null } = facts;
  const path = decodePath(url.split('?', 1)[0]!);
  const explained = { ...explainMatch(facts), plugin };
  const { route, match, passedOver } = explained;
  const before = passedOver.map(({ template, methods, reason, origin }) => [
    methods?.join(',') ?? 'any',
    template,
    reason,
    placeText(origin),
  ]);
  const tried = before.length > 0 ? [route === null ? 'tried:' : 'tried before:', ...columns(before)] : [];
  if (route === null && plugin !== null) {
    const by = plugin.route === null ? 'the not-found handler' : `the route ${pluginText(plugin.route)}`;
    const lines = [`no route of the table matches ${method} ${path}`, `${by} of a plugin responds`, ...tried];
    return { data: explained, lines };
  }
  if (route === null) return { data: explained, lines: [`no route matches ${method} ${path}`, ...tried] };
  const lines = [`${methodText(route)} ${route.path}  ${targetOf(route)}  ${placeText(route.origin)}`];
  return { data: explained, lines: [...lines, JSON.stringify(match), ...tried] };
}

/** Returns the target of a route. */
function targetOf({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? (action ?? 'an app') : `${controller}.${action ?? ''}`;
}
