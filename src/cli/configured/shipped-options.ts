/**
 * All shipped options in one table: those that a program knows before it has loaded anything, and those of filters.
 */
import { type DeclaredFactory, faultOptions } from '../../app/internal.js';
import type { Config, OptionDeclarations } from '../../config/index.js';
import { configOptions, programLogOptions } from '../../config/internal.js';
import { launchedOptions } from '../../launch/internal.js';
import { databaseOptions, servicegroupOptions } from '../../registry/internal.js';
import { apiOptions, enabledApisOptions, servedOptions, servingOptions } from '../../server/internal.js';
import { osloNotificationOptions, osloRabbitOptions, rpcOptions, upgradeLevelOptions } from '../../service/internal.js';
import { loggerOptions } from './named-logger.js';
import { enabledServicesOptions, type Names, namesIn, serviceOptions } from './names.js';

/** Options and their group. */
export interface Registration {
  readonly group: string;
  readonly options: OptionDeclarations;
  /** True for options of a filter or an app: sections of the paste file may have them too. */
  readonly sectional?: boolean;
}

/** Options of every program: those of modules that are always loaded. `api:<name>` stands for all such sections. */
export const programOptions: readonly Registration[] = [
  { group: 'DEFAULT', options: configOptions },
  { group: 'DEFAULT', options: enabledApisOptions },
  { group: 'DEFAULT', options: enabledServicesOptions },
  { group: 'DEFAULT', options: programLogOptions },
  { group: 'DEFAULT', options: loggerOptions },
  { group: 'DEFAULT', options: servingOptions },
  { group: 'DEFAULT', options: faultOptions },
  ...launchedOptions,
  { group: 'servicegroup', options: servicegroupOptions },
  { group: 'database', options: databaseOptions },
  { group: 'rpc', options: rpcOptions },
  { group: 'oslo_messaging_rabbit', options: osloRabbitOptions },
  { group: 'oslo_messaging_notifications', options: osloNotificationOptions },
  { group: 'upgrade_levels', options: upgradeLevelOptions },
];

/** Further options of APIs and services. */
const besides: readonly Registration[] = [...servedOptions, { group: 'service:<name>', options: serviceOptions }];

/** Groups of shipped filters and apps, for a program that serves: it knows their sections without importing them. */
export const FILTER_GROUPS: ReadonlySet<string> = new Set(
  (
    'auth_token basic_auth catch_errors compression connect context correlation_id cors deadline debug echo etag ' +
    'fastify_plugin fault_wrapper gatekeeper healthcheck jwt name_check noauth path_prefix proxy_headers rate_limit ' +
    'read_only request_id request_log security_headers session sizelimit static_files stats'
  ).split(' '),
);

const GROUPS: ReadonlySet<string> = new Set([...programOptions.map(({ group }) => group), ...FILTER_GROUPS]);

/** Reports whether a group is shipped, and not the application's. */
export function isShippedGroup(group: string): boolean {
  return GROUPS.has(group) || /^(?:api|service):/.test(group) || servedOptions.some((each) => each.group === group);
}

/** Returns all shipped options. Imports the filters, so a program that serves must not call it. */
export async function shippedOptions(): Promise<Registration[]> {
  const declared = (await filters()).map(({ group, options }) => ({ group, options, sectional: true }));
  return [...programOptions, ...besides, ...declared];
}

/** Declares them, for commands that check a whole file; also families of filters, such as `cors.<name>`, which repeat other options. */
export async function registerShippedOptions(config: Config, names?: Names): Promise<void> {
  const further = (await filters()).flatMap(({ groups = {} }) => Object.entries(groups));
  const families = further.filter(([group]) => group.endsWith('<name>'));
  register(config, names, [...(await shippedOptions()), ...families.map(([group, options]) => ({ group, options }))]);
}

async function filters(): Promise<DeclaredFactory[]> {
  const exported: unknown[] = Object.values(await import('../../middleware/index.js'));
  return exported.filter(isDeclared);
}

/** Declares the shipped options without those of filters: imports nothing. */
export function registerServedOptions(config: Config, names?: Names): void {
  register(config, names, [...programOptions, ...besides]);
}

function register(config: Config, names: Names | undefined, registrations: readonly Registration[]): void {
  for (const { group, options, sectional = false } of registrations) config.register(group, options, { sectional });
  const { apis, services } = names ?? namesIn(config);
  // An API may have all its options from the environment and the command line.
  for (const name of apis) config.register(`api:${name}`, apiOptions);
  for (const name of services) config.register(`service:${name}`, serviceOptions);
}

function isDeclared(value: unknown): value is DeclaredFactory {
  const { group, options } = (value ?? {}) as { group?: unknown; options?: unknown };
  return typeof group === 'string' && typeof options === 'object';
}
