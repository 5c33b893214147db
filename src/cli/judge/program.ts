/**
 * The program that reads a configuration, as the judge sees it: the APIs that it starts, and who else may read the same files.
 */
import { resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { ignoreErrors } from '../../errors/index.js';
import { namedManager } from '../../registry/internal.js';
import type { PlannedApi } from '../../server/internal.js';
import type { ServiceBase } from '../../service/index.js';
import { configuredPasteFile } from '../configured/configuration.js';
import { namesLogger } from '../configured/named-logger.js';
import { type Names, pipelineOf } from '../configured/names.js';

/** A program that reads a configuration. */
export interface Program {
  /** Names in the configuration. */
  readonly names: Names;
  /** APIs from the configured paste file. */
  readonly apis: readonly Pick<PlannedApi, 'name' | 'pipeline'>[];
  /** True if code that no option names, and that runs later, may declare further names: a manager, or another kind of service. */
  readonly declaresLater: boolean;
  /** False for a program that may have no paste file. */
  readonly isPasted: boolean;
  /** True if the application makes the log, so that options of Portico's own log have no effect. */
  readonly logsItself: boolean;
}

/** The parts of an API that tell where its app comes from. */
type BuiltApi = ServiceBase & PlannedApi & { readonly managers: readonly unknown[] };

/**
 * Returns the program that reads a configuration. `embeds`: one that starts `services`, those that it has built; without any it is judged by
 * the names that the configuration enables.
 */
export function programOf(
  config: Config,
  names: Names,
  { services, embeds }: { readonly services: readonly ServiceBase[]; readonly embeds: boolean },
): Program {
  if (!embeds || services.length === 0) {
    return {
      names,
      apis: names.apis.map((name) => ({ name, pipeline: pipelineOf(config, name) })),
      declaresLater: false,
      isPasted: names.apis.length > 0 || (!embeds && names.services.length === 0),
      logsItself: namesLogger(config),
    };
  }
  const file = ignoreErrors(() => resolve(configuredPasteFile(config)));
  const apis = services.filter((service): service is BuiltApi => 'pipeline' in service && 'managers' in service);
  const pasted = apis.filter(({ pasteFile }) => pasteFile !== undefined && resolve(pasteFile) === file);
  return {
    names,
    apis: pasted,
    isPasted: pasted.length > 0,
    declaresLater: apis.length < services.length || apis.some(({ managers }) => managers.length > 0),
    logsItself: !config.has('DEFAULT', 'log_file'),
  };
}

/**
 * Reports whether code that is not loaded may read the configuration: that of a manager, or of APIs and services that another host runs with
 * the same files. Under `strict_config` such sections belong to no other host.
 */
export function othersMayRead(config: Config, { apis, names, declaresLater }: Program): boolean {
  const own = apis.map(({ name }) => name);
  const isManaged = (name: string): boolean => managerOf(config, `api:${name}`) !== undefined;
  const mayDeclare = declaresLater || names.services.length > 0 || [...own, ...names.apis].some(isManaged);
  if (mayDeclare || config.resolve('DEFAULT', 'strict_config').value === true) return mayDeclare;
  const { api, service } = names.sections;
  return api.some((name) => !own.includes(name)) || service.some((name) => !names.services.includes(name));
}

/** Returns the manager that a section names; undefined if it names none, or has no such option. */
export function managerOf(config: Config, group: string): string | undefined {
  return config.has(group, 'manager') ? namedManager(config, { group, opt: 'manager' }) : undefined;
}
