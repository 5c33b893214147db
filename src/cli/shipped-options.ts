/**
 * Every option that ships, declared: for commands that judge a file by all of it, whatever it goes on to use.
 */
import { authOptions, type Declared, faultOptions } from '../app/index.js';
import type { Config } from '../config/index.js';
import { launcherOptions } from '../launch/index.js';
import { databaseOptions, heartbeatOptions, servicegroupOptions } from '../registry/index.js';
import { apiOptions as apiSectionOptions, servingOptions, sslOptions, wsgiOptions } from '../server/index.js';
import { apiOptions, logOptions } from './api-options.js';

/** Declares them. The filters are imported for it, so this is nothing for a program that serves. */
export async function registerShippedOptions(config: Config): Promise<void> {
  const shared = [apiOptions, logOptions, servingOptions, faultOptions, launcherOptions, heartbeatOptions];
  for (const options of shared) config.register('DEFAULT', options);
  config.register('api:<name>', apiSectionOptions);
  config.register('api', authOptions);
  config.register('wsgi', wsgiOptions);
  config.register('ssl', sslOptions);
  config.register('servicegroup', servicegroupOptions);
  config.register('database', databaseOptions);
  for (const factory of Object.values(await import('../middleware/index.js'))) {
    if (isDeclared(factory) && isJudged(config, factory)) config.register(factory.group, factory.options);
  }
}

/** What a filter requires may stand in its section of the paste file, or the filter may not be used at all. */
function isJudged(config: Config, { group, options }: Declared): boolean {
  return config.listAllSections().includes(group) || Object.values(options).every(({ required }) => !required);
}

function isDeclared(value: unknown): value is Declared {
  const { group, options } = (value ?? {}) as { group?: unknown; options?: unknown };
  return typeof group === 'string' && typeof options === 'object';
}
