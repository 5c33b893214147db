/**
 * The names of services beside the APIs: those that are enabled, and those that have sections; and what a section may have.
 */
import { type Config, defineOptions, integer, list, module, string } from '../config/index.js';
import { enabledApisOptions } from '../server/internal.js';

/** Which services a program runs beside its APIs. */
export const enabledServicesOptions = defineOptions({
  enabled_services: list({
    unique: true,
    help: 'The services to run beside the APIs, by the names of their sections [service:<name>]. Where neither this nor enabled_apis is set, all sections of both kinds.',
  }),
});

/** `[service:<name>]`. */
export const serviceOptions = defineOptions({
  manager: module({
    aliases: ['DEFAULT.<name>_manager'],
    help: 'Module and export of the manager whose methods other services call.',
  }),
  topic: string({ sampleDefault: 'name of the service', help: 'What it takes remote calls for.' }),
  workers: integer({ default: 1, min: 1, mutable: true, help: 'Processes that run the service.' }),
});

/** The services that a configuration enables: `enabled_services`; every `[service:<name>]` where it enables no API by name either. */
export function serviceNames(config: Config): readonly string[] {
  const named = enabledServiceNames(config);
  const { enabledApis } = config.group('DEFAULT', enabledApisOptions, { partial: true });
  return named.length > 0 || enabledApis.length > 0 ? named : sectionNames(config, 'service');
}

/** The value of `enabled_services`. */
export function enabledServiceNames(config: Config): readonly string[] {
  return config.group('DEFAULT', enabledServicesOptions, { partial: true }).enabledServices;
}

/** The names of the sections `[api:<name>]` or `[service:<name>]`, in the order of the files. */
export function sectionNames(config: Config, kind: 'api' | 'service'): readonly string[] {
  const sections = config.listAllSections().filter((section) => section.startsWith(`${kind}:`));
  return sections.map((section) => section.slice(kind.length + 1)).filter((name) => name !== '');
}
