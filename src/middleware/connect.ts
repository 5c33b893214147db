/** connect and fastify_plugin: use packages made for Connect, Express and Fastify in a paste file. */
import { dirname } from 'node:path';
import {
  appFactory,
  type ConnectMiddleware,
  type ExpressFactory,
  type FactoryContext,
  fastifyApp,
  filterFactory,
  fromConnect,
  type LeafPlugin,
} from '../app/index.js';
import { optionOrigin } from '../app/internal.js';
import { boolean, defineOptions, module, string } from '../config/index.js';
import { ConfigurationRefused, isObject, type Origin } from '../errors/index.js';
import { importModuleExport } from '../service/internal.js';

const connectOptions = defineOptions({
  middleware: module({
    required: true,
    help: 'Middleware: a package, or module:export relative to the paste file.',
  }),
  options: string({ default: '{}', help: 'JSON options of the middleware.' }),
  call: boolean({
    default: true,
    help: 'Call the export with the options. If false, it is the middleware itself.',
  }),
  express: boolean({
    default: false,
    help: 'Run it inside an Express app, for methods such as res.send. Install express beside the paste file.',
  }),
});

const fastifyPluginOptions = defineOptions({
  plugin: module({ required: true, help: 'Plugin: a package, or module:export relative to the paste file.' }),
  options: string({ default: '{}', help: 'JSON options of the plugin.' }),
});

/** A filter that runs a Connect middleware from any package. */
export const connect = filterFactory('connect', connectOptions, async (options, ctx) => {
  const at = (option: string): Origin => optionOrigin(ctx, 'connect', option);
  const found = await exported(options.middleware, ctx, at('middleware'));
  const told = parsed(options.options, at('options'));
  const express = options.express
    ? ((await exported('express', ctx, at('express'))) as unknown as ExpressFactory)
    : undefined;
  return fromConnect((options.call ? found(told) : found) as ConnectMiddleware, { express });
});

/** An app that runs a Fastify plugin from any package. */
export const fastifyPlugin = appFactory('fastify_plugin', fastifyPluginOptions, async (options, ctx) => {
  const at = (option: string): Origin => optionOrigin(ctx, 'fastify_plugin', option);
  const plugin = (await exported(options.plugin, ctx, at('plugin'))) as unknown as LeafPlugin;
  return fastifyApp(plugin, { pluginOptions: parsed(options.options, at('options')) });
});

async function exported(name: string, { section }: FactoryContext, origin: Origin): Promise<(told: object) => unknown> {
  const folder = dirname(section.origin.file);
  const found = await importModuleExport(name, { folder, allowExternalModules: true });
  if (typeof found === 'function') return found as (told: object) => unknown;
  throw refused(`${name} is not a function`, 'Use an export that is one: module:export.', origin);
}

function parsed(text: string, origin: Origin): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    throw refused(`is not JSON: ${(error as Error).message}`, 'Write an object: {"name": "value"}.', origin);
  }
  throw refused('is not a JSON object', 'Write an object: {"name": "value"}.', origin);
}

function refused(message: string, hint: string, origin: Origin): ConfigurationRefused {
  return new ConfigurationRefused('PORTICO_CONFIG_VALUE', { message, hint, origin });
}
