/**
 * Every option that ships, in one table: what a program knows before it has loaded anything, and what filters add.
 */
import { authOptions, type Declared, faultOptions } from '../app/internal.js';
import type { Config, OptionDeclarations } from '../config/index.js';
import { configOptions } from '../config/internal.js';
import { backdoorOptions, launcherOptions, reportOptions, supervisorOptions } from '../launch/internal.js';
import { databaseOptions, heartbeatOptions, servicegroupOptions } from '../registry/internal.js';
import { apiOptions as apiSectionOptions, servingOptions, sslOptions, wsgiOptions } from '../server/internal.js';
import { managerOptions } from '../service/internal.js';
import { apiNames } from './api-names.js';
import { apiOptions, logOptions } from './api-options.js';

/** Options and the group they belong to. */
export interface Registration {
  readonly group: string;
  readonly options: OptionDeclarations;
  /** Of a filter or an app: sections of the paste file may have them too. */
  readonly sectional?: boolean;
}

/** What every program has: the options of the rooms that are loaded anyway. `api:<name>` stands for all such sections. */
export const programOptions: readonly Registration[] = [
  { group: 'DEFAULT', options: configOptions },
  { group: 'DEFAULT', options: apiOptions },
  { group: 'DEFAULT', options: logOptions },
  { group: 'DEFAULT', options: servingOptions },
  { group: 'DEFAULT', options: faultOptions },
  { group: 'DEFAULT', options: launcherOptions },
  { group: 'DEFAULT', options: managerOptions },
  { group: 'DEFAULT', options: heartbeatOptions },
  { group: 'DEFAULT', options: backdoorOptions },
  { group: 'DEFAULT', options: supervisorOptions },
  { group: 'servicegroup', options: servicegroupOptions },
  { group: 'database', options: databaseOptions },
  { group: 'oslo_reports', options: reportOptions },
];

/** All of them. The filters are imported for it, so this is nothing for a program that serves. */
export async function shippedOptions(): Promise<Registration[]> {
  const filters: unknown[] = Object.values(await import('../middleware/index.js'));
  return [
    ...programOptions,
    { group: 'api', options: authOptions },
    { group: 'api:<name>', options: apiSectionOptions },
    { group: 'wsgi', options: wsgiOptions },
    { group: 'ssl', options: sslOptions },
    ...filters.filter(isDeclared).map(({ group, options }) => ({ group, options, sectional: true })),
  ];
}

/** Declares them, for commands that judge a file by all of it, whatever it goes on to use. */
export async function registerShippedOptions(config: Config): Promise<void> {
  for (const each of await shippedOptions()) {
    if (isJudged(config, each)) config.register(each.group, each.options, { sectional: each.sectional === true });
  }
  // An API may have all it needs from the environment and the command line.
  for (const name of apiNames(config)) config.register(`api:${name}`, apiSectionOptions);
}

/** A filter that cannot do without an option, and has no section here, is told so where it is used. */
function isJudged(config: Config, { group, options }: Registration): boolean {
  return config.listAllSections().includes(group) || Object.values(options).every(({ required }) => !required);
}

function isDeclared(value: unknown): value is Declared {
  const { group, options } = (value ?? {}) as { group?: unknown; options?: unknown };
  return typeof group === 'string' && typeof options === 'object';
}
