/**
 * `api-cli openapi`: an OpenAPI 3.1 document of an API, from its routes and schemas and the additions of its filters.
 */
import type { Command } from 'commander';
import { configuredFaultForm } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import { asTrial, UsageError } from '../../config/internal.js';
import { additionsOfNode, type MadeApps } from '../../loader/internal.js';
import {
  ApiVersion,
  type DocumentedRouter,
  documentedRouters,
  openApiOf,
  type RouteOperation,
} from '../../routing/internal.js';
import { formatAddress, isWildcard } from '../../service/internal.js';
import { example, placeText } from '../command.js';
import { addConfigurationOptions, type ConfigurationArguments } from '../command-line.js';
import { readConfiguration } from '../configured/configuration.js';
import { type ChosenApi, chosenApis, routedApps } from '../validate/api-routers.js';

interface OpenApiArguments extends ConfigurationArguments {
  readonly api?: string;
  readonly version?: ApiVersion;
}

export function register(program: Command): void {
  const command = program
    .command('openapi')
    .description('print the OpenAPI 3.1 document of an API')
    .option('--api <name>', 'the API (default: the only one)')
    .option('--version <version>', 'only this version (default: all together)', wantedVersion)
    .addHelpText('after', example('api-cli openapi --api compute > compute.json'));
  addConfigurationOptions(command).action(async (args: OpenApiArguments) => {
    const config = await readConfiguration(args);
    const api = onlyOne(await chosenApis(config, args.api));
    const left: string[] = [];
    const document = await documentOf(api, config, args.version ?? null, { left });
    for (const text of left) process.stderr.write(`warning: ${text}\n`);
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  });
}

function wantedVersion(text: string): ApiVersion {
  const version = ApiVersion.parse(text);
  if (version !== null) return version;
  const hint = 'Example: api-cli openapi --api compute --version 2.61';
  throw new UsageError(`--version is a version such as 2.61, not ${text}`, hint);
}

function onlyOne(apis: readonly ChosenApi[]): ChosenApi {
  const [api, ...others] = apis;
  if (api !== undefined && others.length === 0) return api;
  const names = apis.map(({ name }) => name).join(', ');
  const message = api === undefined ? 'no API is enabled' : `several APIs are enabled: ${names}`;
  throw new UsageError(message, 'Select one with --api.');
}

/**
 * Returns the document of an API. `version`: null for all together. `made`: the apps that this process serves; otherwise they are created
 * without filters, and released. `left` gets a sentence for each operation that the document leaves out.
 */
export async function documentOf(
  api: ChosenApi,
  config: Config,
  version: ApiVersion | null,
  { made, left }: { readonly made?: MadeApps; readonly left?: string[] } = {},
): Promise<object> {
  const apps = await asTrial(() => routedApps(config, [api], { made }));
  const routers = apps.flatMap(({ routers: placed, filters }) =>
    documentedRouters(
      placed,
      filters.flatMap((filter) => additionsOfNode(filter, config)),
    ),
  );
  if (version !== null) refuseUnserved(api, routers, version);
  const [facts] = routers.flatMap(({ router }) => router.documented.openapi ?? []);
  const { title, version: of, description } = facts ?? {};
  const options = {
    title: title ?? api.name,
    version: version === null ? of : undefined,
    description,
    server: serverOf(api),
    apiVersion: version,
    faults: await configuredFaultForm(config, api.name),
  };
  if (left !== undefined) left.push(...leftOut(routers, options));
  return openApiOf(routers, options);
}

/** Returns a sentence for each route whose path has the form of an earlier one: OpenAPI has one operation for both. */
function leftOut(routers: readonly DocumentedRouter[], options: Parameters<typeof openApiOf>[1]): string[] {
  const found: string[] = [];
  const named = ({ route }: RouteOperation['compiled']): string => {
    const origin = routers.map(({ router }) => router.originOf(route)).find((each) => each !== undefined);
    return `${route.template}${origin === undefined ? '' : ` (${placeText(origin)})`}`;
  };
  // The printed document has no components of what it leaves out.
  openApiOf(routers, {
    ...options,
    onOperation: ({ compiled, method, hiddenBy }) => {
      if (hiddenBy !== null)
        found.push(
          `the document leaves out ${method} ${named(compiled)}: for OpenAPI, it is the path of ${named(hiddenBy)}`,
        );
    },
  });
  return found;
}

function refuseUnserved(api: ChosenApi, routers: readonly DocumentedRouter[], version: ApiVersion): void {
  const served = routers.flatMap(({ router }) => router.documented.versions ?? []);
  if (served.some(({ min, max }) => version.atLeast(min) && version.atMost(max))) return;
  const ranges = served.map(({ min, max }) => `${min} to ${max}`).join(', ');
  const hint = served.length === 0 ? 'It has no versions: omit --version.' : `It has ${ranges}.`;
  throw new UsageError(`${api.name} has no version ${version.text}`, hint);
}

/** Returns the address for clients on this machine; undefined for a Unix socket and a port that is chosen at the start. */
function serverOf({ addresses, usesTls }: ChosenApi): string | undefined {
  const address = addresses.find((each) => 'port' in each && each.port !== 0);
  if (address === undefined || !('host' in address)) return undefined;
  const { host, port } = address;
  return `${usesTls ? 'https' : 'http'}://${formatAddress({ host: isWildcard(host) ? 'localhost' : host, port })}`;
}
