/**
 * `api-cli openapi`: one OpenAPI 3.1 document of an API, from its routes and schemas and from what its filters say of themselves.
 */
import type { Command } from 'commander';
import { PorticoError } from '../errors/index.js';
import { ApiVersion } from '../routing/internal.js';
import type { WSGIService } from '../server/index.js';
import { documentOf } from './api-document.js';
import { chosenApis } from './api-routers.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { endSoon } from './run-main.js';

interface OpenApiArguments extends ConfigurationArguments {
  readonly api?: string;
  readonly version?: ApiVersion;
}

export function register(program: Command): void {
  const command = program
    .command('openapi')
    .description('print one OpenAPI 3.1 document of an API: paths, schemas, security, limits and faults')
    .option('--api <name>', 'the API (default: the only one that is enabled)')
    .option('--version <version>', 'as the API is in this version (default: all versions together)', wantedVersion)
    .addHelpText('after', '\nExample:\n  api-cli openapi --api compute > compute.json');
  addConfigurationOptions(command).action(async (args: OpenApiArguments) => {
    const config = await readConfiguration(args);
    const api = onlyOne(await chosenApis(config, args.api));
    const document = await documentOf(api, config, args.version ?? null);
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
    endSoon(0);
  });
}

function wantedVersion(text: string): ApiVersion {
  const version = ApiVersion.parse(text);
  if (version !== null) return version;
  const hint = 'As in: api-cli openapi --api compute --version 2.61';
  throw new PorticoError('PORTICO_USAGE', { message: `--version is a version such as 2.61, not ${text}`, hint });
}

function onlyOne(apis: readonly WSGIService[]): WSGIService {
  const [api, ...others] = apis;
  if (api !== undefined && others.length === 0) return api;
  const names = apis.map(({ name }) => name).join(', ');
  throw new PorticoError('PORTICO_USAGE', {
    message: api === undefined ? 'no API is enabled' : `there are several APIs: ${names}`,
    hint: 'Name one with --api.',
  });
}
