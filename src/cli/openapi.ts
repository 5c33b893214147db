/**
 * `api-cli openapi`: an OpenAPI 3.1 document of each enabled API, from its routes and schemas.
 */
import type { Command } from 'commander';
import { openApiDocument } from '../routing/index.js';
import { chosenApis, routedApps } from './api-routers.js';
import { addConfigurationOptions, type ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';

interface OpenApiArguments extends ConfigurationArguments {
  readonly api?: string;
}

export function register(program: Command): void {
  const command = program
    .command('openapi')
    .description('print OpenAPI 3.1 of the enabled APIs: one document, or a JSON list of several')
    .option('--api <name>', 'only this API (default: all that are enabled)')
    .addHelpText('after', '\nExample:\n  api-cli openapi --api compute > compute.json');
  addConfigurationOptions(command).action(async (args: OpenApiArguments) => {
    const config = await readConfiguration(args);
    const apps = await routedApps(config, await chosenApis(config, args.api));
    const documents = apps.flatMap(({ api, routers }) =>
      routers.map(({ router }) => openApiDocument(router, { title: api.name })),
    );
    process.stdout.write(`${JSON.stringify(documents.length === 1 ? documents[0] : documents, undefined, 2)}\n`);
  });
}
