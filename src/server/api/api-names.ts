/**
 * Names of APIs and of other services: enabled ones, those with sections, and those with an app in the paste file; and the options of a
 * service's section.
 */
import {
  type Config,
  defineOptions,
  integer,
  list,
  module,
  type OptionDeclarations,
  string,
} from '../../config/index.js';
import { writtenElsewhere } from '../../config/internal.js';
import { refusalsOnly } from '../../errors/index.js';
import type { PasteFile } from '../../loader/internal.js';
import { namedManager } from '../../managers/index.js';
import { apiOptions, enabledApisOptions } from './api-options.js';
import { configuredPaste } from './configured-paste-file.js';

/** Names of oslo.messaging in `[DEFAULT]`. */
const POOL = 'Remove the line: a process has two connections to the broker.';

/** Names in `[DEFAULT]` that oslo.messaging knows and that have no effect here. */
const osloDefaultNames: Readonly<Record<string, string>> = {
  rpc_ping_enabled: 'Remove the line: each service responds to oslo_rpc_server_ping.',
  rpc_conn_pool_size: POOL,
  conn_pool_min_size: POOL,
  conn_pool_ttl: POOL,
  executor_thread_pool_size: 'Write executor_pool_size in [rpc].',
  rpc_thread_pool_size: 'Write executor_pool_size in [rpc].',
};

/** Services that an application runs in addition to its APIs. */
export const enabledServicesOptions = writtenElsewhere(
  defineOptions('DEFAULT', {
    enabled_services: list({
      unique: true,
      help: 'Sections [service:<name>] to run beside the APIs. With neither this nor enabled_apis, all APIs and services run.',
    }),
  }),
  { unused: osloDefaultNames },
);

/** `[service:<name>]`. */
export const serviceOptions = defineOptions('service:<name>', {
  manager: module({
    aliases: ['DEFAULT.<name>_manager'],
    help: 'Manager as module:export, whose methods other services call.',
  }),
  topic: string({
    sampleDefault: 'name of the service',
    help: 'Topic of calls to the service.',
  }),
  workers: integer({ default: 1, min: 1, help: 'Number of worker processes.' }),
});

/** Names of APIs and services. */
export interface Names {
  /** APIs that the configuration enables: `enabled_apis`; else every `[api:<name>]`, unless it enables services by name. */
  readonly apis: readonly string[];
  /** `enabled_ssl_apis`. */
  readonly sslApis: readonly string[];
  /** Services that it enables: `enabled_services`; else every `[service:<name>]`, unless it enables APIs by name. */
  readonly services: readonly string[];
  /** Names of the sections `[api:<name>]` and `[service:<name>]`, in the order of the files. */
  readonly sections: Readonly<Record<'api' | 'service', readonly string[]>>;
}

/** Returns the names in a configuration. */
export function namesIn(config: Config): Names {
  const apis = listed(config, enabledApisOptions, 'enabled_apis');
  const services = listed(config, enabledServicesOptions, 'enabled_services');
  const sections = { api: [] as string[], service: [] as string[] };
  for (const section of config.listAllSections()) {
    const [, kind, name] = /^(api|service):(.+)/s.exec(section) ?? [];
    if (name !== undefined) sections[kind as 'api' | 'service'].push(name);
  }
  const isListed = apis.length > 0 || services.length > 0;
  return {
    apis: isListed ? apis : sections.api,
    sslApis: listed(config, enabledApisOptions, 'enabled_ssl_apis'),
    services: isListed ? services : sections.service,
    sections,
  };
}

/** Returns the names in an option of `[DEFAULT]`, each once: a duplicate is reported with other errors, and hides none of them. */
function listed(config: Config, options: OptionDeclarations, opt: string): readonly string[] {
  if (!config.has('DEFAULT', opt)) config.register('DEFAULT', options);
  return (config.resolve('DEFAULT', opt).value ?? []) as readonly string[];
}

/** Returns the manager that a section names; undefined if it names none, or has no such option. */
export function managerOf(config: Config, group: string): string | undefined {
  return config.has(group, 'manager') ? namedManager(config, { group, opt: 'manager' }) : undefined;
}

/** Returns the app of the paste file that an API begins with. */
export function pipelineOf(config: Config, name: string): string {
  return namedPipeline(config, name) ?? name;
}

/** Returns the app that the section of an API names, whatever errors that has; undefined if it names none. */
export function namedPipeline(config: Config, name: string): string | undefined {
  const group = `api:${name}`;
  if (!config.has(group, 'pipeline')) config.register(group, apiOptions);
  return (config.resolve(group, 'pipeline').value as string | undefined) || undefined;
}

/**
 * Returns a function that reports whether the paste file has an app for an API. Undefined if the paste file cannot be read, which is
 * reported elsewhere, or has no app for any enabled API: then it belongs to another application.
 */
export function appsOf(config: Config, { apis }: Names): ((name: string) => boolean) | undefined {
  const paste = readablePaste(config);
  if (paste === undefined) return undefined;
  const has = (name: string): boolean => paste.has(pipelineOf(config, name));
  return apis.some(has) ? has : undefined;
}

/** Returns the paste file; undefined if it is missing or refused, which its check reports. */
export function readablePaste(config: Config): PasteFile | undefined {
  try {
    return configuredPaste(config);
  } catch (error) {
    refusalsOnly(error);
    return undefined;
  }
}

/** Returns a hint for a name that is several names separated by blanks, one of them `known`; else undefined. */
export function missingComma(name: string, known: readonly string[]): string | undefined {
  const words = name.split(/\s+/).filter((word) => word !== '');
  if (words.length < 2 || !words.some((word) => known.includes(word))) return undefined;
  return `A comma is missing: write ${words.join(', ')}.`;
}
