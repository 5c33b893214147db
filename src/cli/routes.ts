/**
 * `api-cli routes`: the route tables of the enabled APIs, in the order in which routes are tried. `api-cli openapi`: an OpenAPI
 * 3.1 document of each, from its routes and schemas.
 */
import { relative } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.js';
import { ConfigurationRefused, didYouMean, type Origin, PorticoError } from '../errors/index.js';
import { Loader } from '../loader/index.js';
import { silentLogger } from '../log/index.js';
import { type DescribedRoute, describeRoutes, explainMatch, findOverlaps, openApiDocument } from '../routing/index.js';
import { type BuiltRouter, collectRouters, legacyRules, slowRequirements, warningsOf } from '../routing/internal.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { enabledApis } from './enabled-apis.js';
import { columns } from './output.js';
import { refuseErrors } from './plan.js';

interface RoutesArguments extends ConfigurationArguments {
  readonly api?: string;
  readonly json?: boolean;
  readonly match?: WantedRequest;
  readonly check?: boolean;
}

interface WantedRequest {
  readonly method: string;
  readonly path: string;
}

export function register(program: Command): void {
  const command = program
    .command('routes')
    .description('show the routes of the enabled APIs: method, path, name, action, and where each is defined')
    .option('--api <name>', 'only this API (default: all that are enabled)')
    .option('--match <request>', "which route answers 'GET /servers/1', and why not those before it", wantedRequest)
    .option('--check', 'find routes that cannot win, overlap, say something else than they seem, or are slow')
    .option('--json', 'print JSON')
    .addHelpText('after', "\nExample:\n  api-cli routes --api compute --match 'GET /servers/detail'");
  addConfigurationOptions(command).action(async (given: RoutesArguments) => {
    const config = await readConfiguration(given);
    process.stdout.write(`${report(await apiRouters(config, given.api), given)}\n`);
  });
  registerOpenApi(program);
}

function wantedRequest(text: string): WantedRequest {
  const [, method, path] = /^\s*([^\s/]+)\s+(\/\S*)\s*$/.exec(text) ?? [];
  if (method !== undefined && path !== undefined) return { method, path };
  throw new PorticoError('PORTICO_USAGE', {
    message: `--match takes a method and a path, not ${JSON.stringify(text)}`,
    hint: "As in: api-cli routes --match 'GET /servers/1'",
  });
}

function report(apis: readonly ApiRouters[], given: RoutesArguments): string {
  const results = apis.flatMap(({ api, routers }) =>
    routers.map((router, index) => {
      const heading = routers.length > 1 ? `${api} (${index + 1} of ${routers.length})` : api;
      return { api, heading, ...resultOf(router, given) };
    }),
  );
  if (given.json === true) {
    const routers = results.map(({ api, data }) => ({ api, ...data }));
    return JSON.stringify({ schema: 'portico/routes', version: 1, routers }, undefined, 2);
  }
  if (results.length === 0) return 'No enabled API has a router.';
  return results.map(({ heading, lines }) => [heading, ...lines.map((line) => `  ${line}`)].join('\n')).join('\n\n');
}

interface Result {
  readonly data: object;
  readonly lines: readonly string[];
}

function resultOf(router: BuiltRouter, given: RoutesArguments): Result {
  if (given.match !== undefined) return matchResult(router, given.match);
  return given.check === true ? checkResult(router) : tableResult(router);
}

function tableResult(router: BuiltRouter): Result {
  const routes = describeRoutes(router);
  const rows = routes.map((route) => [
    methodText(route),
    route.template,
    route.name ?? '',
    targetOf(route),
    place(route.origin),
    [
      ...Object.entries(route.requirements).map(([name, regex]) => `${name}: ${regex}`),
      ...route.filters.map((filter) => `filter ${filter}`),
      ...route.shadowedBy.map(({ template, origin }) => `NEVER WINS: ${template} at ${place(origin)}`),
    ].join('; '),
  ]);
  return { data: { routes }, lines: columns(rows) };
}

function matchResult(router: BuiltRouter, { method, path }: WantedRequest): Result {
  const explained = explainMatch(router, method.toUpperCase(), path);
  const { route, match, passedOver } = explained;
  const answer =
    route === null
      ? [`no route takes ${method} ${path}`]
      : [`${methodText(route)} ${route.template}  ${targetOf(route)}  ${place(route.origin)}`, JSON.stringify(match)];
  const before = passedOver.map(({ template, methods, reason, origin }) => [
    methods?.join(',') ?? 'any',
    template,
    reason,
    place(origin),
  ]);
  return {
    data: { ...explained },
    lines: [...answer, ...(before.length > 0 ? ['tried before:'] : []), ...columns(before)],
  };
}

function checkResult(router: BuiltRouter): Result {
  const table = router.compile();
  const at = (route: BuiltRouter['routes'][number]): string => `${route.template} at ${place(router.originOf(route))}`;
  const shadowed = describeRoutes(router).flatMap(({ template, origin, shadowedBy }) =>
    shadowedBy.map((by) => `${template} at ${place(origin)} can never win: ${by.template} at ${place(by.origin)}`),
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
  return { data: parts, lines };
}

function methodText({ methods }: DescribedRoute): string {
  return methods?.join(',') ?? 'any';
}

function targetOf({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? 'an app' : `${controller}.${action ?? ''}`;
}

function place(origin: Origin | undefined): string {
  return origin === undefined ? '-' : `${relative('', origin.file)}:${origin.line}`;
}

interface OpenApiArguments extends ConfigurationArguments {
  readonly api?: string;
}

function registerOpenApi(program: Command): void {
  const command = program
    .command('openapi')
    .description('print OpenAPI 3.1 of the enabled APIs: one document, or a JSON list of several')
    .option('--api <name>', 'only this API (default: all that are enabled)')
    .addHelpText('after', '\nExample:\n  api-cli openapi --api compute > compute.json');
  addConfigurationOptions(command).action(async (given: OpenApiArguments) => {
    const config = await readConfiguration(given);
    const documents = (await apiRouters(config, given.api)).flatMap(({ api, routers }) =>
      routers.map((router) => openApiDocument(router, { title: api })),
    );
    process.stdout.write(`${JSON.stringify(documents.length === 1 ? documents[0] : documents, undefined, 2)}\n`);
  });
}

/** One API and the routers that its app is made of. */
export interface ApiRouters {
  readonly api: string;
  readonly routers: readonly BuiltRouter[];
}

/** The routers of one API, or of all that are enabled. */
export async function apiRouters(config: Config, wanted: string | undefined): Promise<ApiRouters[]> {
  const { services, diagnostics } = await enabledApis(config, { log: silentLogger() });
  refuseErrors(diagnostics);
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
