/**
 * `api-cli routes`: route tables of the enabled APIs, in the order in which routes are tried; with `--match` the route that a client's
 * request reaches, through the mounts of each API, without filters.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Command } from 'commander';
import { decodePath } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import { UsageError } from '../../config/internal.js';
import type { ContextTree } from '../../loader/index.js';
import { describeNode, type ExplainedStep, explainRequest } from '../../loader/internal.js';
import {
  type BuiltRouter,
  type DescribedRoute,
  describeRoutes,
  type ExplainedMatch,
  enterMount,
  explainMatch,
  explainRoute,
  findOverlaps,
  legacyRules,
  mountedRouter,
  type PlacedRouter,
  type PluginAnswer,
  slowRequirements,
  warningsOf,
} from '../../routing/internal.js';
import { pathsOf } from '../../server/internal.js';
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
  routersOf,
} from '../validate/api-routers.js';
import { admitted, type NamedRequest, namedRequest } from './named-request.js';

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

async function matchIn(config: Config, api: ChosenApi, request: NamedRequest): Promise<ShownMatch> {
  const taken = admitted(request, pathsOf(config, api.name));
  if ('status' in taken)
    return { data: NONE, lines: [`${taken.status} ${STATUS_CODES[taken.status]}: ${taken.reason}`] };
  const loader = loaderOf(api, config);
  let shown: ShownMatch | undefined;
  const { steps } = await explainRequest(await loader.tree(api.pipeline), taken, {
    describe: (filter, req) => passed(filter, config, req),
    explainApp: async (app, req) => {
      // A cascade also tries the next apps.
      if (shown !== undefined && (shown.data.route !== null || shown.data.plugin !== null))
        return { steps: [], answer: 'decided' };
      const [router, ...others] = await routersOf(loader, app);
      if (router === undefined || others.length > 0) {
        shown = { data: NONE, lines: [`${app.name} answers, which is not a Router`] };
        return { steps: [], answer: undefined };
      }
      const { answer } = explainRoute(router, req);
      shown = matchResult(router, req);
      const { route, plugin } = shown.data;
      return { steps: [], answer: route === null && plugin === null ? (answer?.status ?? 404) : 'decided' };
    },
  });
  return shown ?? { data: NONE, lines: [whyNot(steps)] };
}

const NONE: ShownMatch['data'] = { route: null, match: null, passedOver: [], plugin: null };

/** Returns the request after a filter that always passes it on, perhaps with another path. */
function passed(filter: ContextTree, config: Config, req: IncomingMessage) {
  const rewrites = describeNode(filter, config, req)?.rewrites;
  return { does: 'hands on', ...(rewrites === undefined ? {} : { rewrites }) };
}

/** Returns the reason of a composite that answers in place of an app. */
function whyNot(steps: readonly ExplainedStep[]): string {
  return steps.findLast(({ what }) => what === 'composite')!.text;
}

function matchResult(router: BuiltRouter, req: IncomingMessage): ShownMatch {
  const { method = '', url = '' } = req;
  const path = decodePath(url.split('?', 1)[0]!);
  const { plugin } = explainRoute(router, req);
  const explained = { ...explainMatch(router, method, path), plugin };
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
    const lines = [`no route of the table matches ${method} ${path}`, `${by} of a plugin answers`, ...tried];
    return { data: explained, lines };
  }
  if (route === null) return { data: explained, lines: [`no route matches ${method} ${path}`, ...tried] };
  const lines = [`${methodText(route)} ${route.path}  ${targetOf(route)}  ${placeText(route.origin)}`];
  lines.push(JSON.stringify(match), ...tried);
  const inner = mountedRouter(router, router.find(method, path)!.compiled.route);
  if (inner === undefined) return { data: explained, lines };
  enterMount(req, match!.path_info);
  const within = matchResult(inner, req);
  return { data: within.data, lines: [...lines, ...within.lines] };
}

/** Returns the target of a route. */
function targetOf({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? (action ?? 'an app') : `${controller}.${action ?? ''}`;
}
