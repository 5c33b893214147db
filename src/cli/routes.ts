/**
 * `api-cli routes`: the route tables of the enabled APIs, in the order in which routes are tried.
 */
import type { Command } from 'commander';
import { PorticoError } from '../errors/index.js';
import { type DescribedRoute, describeRoutes, findOverlaps } from '../routing/index.js';
import { type BuiltRouter, legacyRules, type PlacedRouter, slowRequirements, warningsOf } from '../routing/internal.js';
import { chosenApis, type RoutedApp, routedApps } from './api-routers.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { columns, placeText, print } from './output.js';
import { type NamedRequest, namedRequest } from './request-arguments.js';
import { matchedRoutes, methodText, type RoutesResult, targetOf } from './routes-match.js';
import { endSoon } from './run-main.js';

interface RoutesArguments extends ConfigurationArguments {
  readonly api?: string;
  readonly json?: boolean;
  readonly match?: NamedRequest;
  readonly check?: boolean;
}

export function register(program: Command): void {
  const command = program
    .command('routes')
    .description('show the routes of the enabled APIs: method, URL, name, action, and where each is defined')
    .option('--api <name>', 'only this API (default: all that are enabled)')
    .option(
      '--match <request>',
      "which route answers 'GET /v2.1/servers/1', and why not those before it",
      wantedRequest,
    )
    .option('--check', 'find routes that cannot win, overlap, say something else than they seem, or are slow')
    .option('--json', 'print JSON')
    .addHelpText('after', "\nExample:\n  api-cli routes --api compute --match 'GET /v2.1/servers/detail'");
  addConfigurationOptions(command).action(async (args: RoutesArguments) => {
    const config = await readConfiguration(args);
    const apis = await chosenApis(config, args.api);
    const results =
      args.match === undefined
        ? tables(await routedApps(config, apis), args.check === true ? checkResult : tableResult)
        : await matchedRoutes(config, apis, args.match);
    const routers = results.map(({ api, data }) => ({ api, ...data }));
    print(args, { schema: 'portico/routes', version: 1, routers }, () => text(results));
    endSoon(0);
  });
}

function wantedRequest(text: string): NamedRequest {
  const [, method, url] = /^\s*([^\s/]+)\s+((?:\/|https?:\/\/)\S*)\s*$/.exec(text) ?? [];
  if (method !== undefined && url !== undefined) return namedRequest(method, url);
  throw new PorticoError('PORTICO_USAGE', {
    message: `--match takes a method and the URL of a client, not ${JSON.stringify(text)}`,
    hint: "As in: api-cli routes --match 'GET /v2.1/servers/1'",
  });
}

function text(results: readonly RoutesResult[]): string {
  if (results.length === 0) return 'No enabled API has a router.';
  return results.map(({ heading, lines }) => [heading, ...lines.map((line) => `  ${line}`)].join('\n')).join('\n\n');
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
      ...Object.entries(route.requirements).map(([name, regex]) => `${name}: ${regex}`),
      ...route.filters.map((filter) => `filter ${filter}`),
      ...route.shadowedBy.map(({ template, origin }) => `NEVER WINS: ${template} at ${placeText(origin)}`),
    ].join('; '),
  ]);
  return { data: { prefix, routes }, lines: columns(rows) };
}

/** As a client asks for it; a template that begins with a variable has a slash in front of it there. */
function urlOf(prefix: string, { path }: DescribedRoute): string {
  return path.startsWith('/') ? `${prefix}${path}` : `${prefix}/${path}`;
}

function checkResult({ router, prefix }: PlacedRouter): Shown {
  const table = router.compile();
  const at = (route: BuiltRouter['routes'][number]): string =>
    `${route.template} at ${placeText(router.originOf(route))}`;
  const shadowed = describeRoutes(router).flatMap(({ template, origin, shadowedBy }) =>
    shadowedBy.map(
      (by) => `${template} at ${placeText(origin)} can never win: ${by.template} at ${placeText(by.origin)}`,
    ),
  );
  const warnings = router.routes.flatMap((route) => warningsOf(route).map(({ message }) => `${at(route)}: ${message}`));
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
