/**
 * The managers of an API, and its place among the services that are known.
 */
import { dirname } from 'node:path';
import type { Config } from '../config/index.js';
import { ConfigurationRefused } from '../errors.js';
import type { Logger } from '../log.js';
import { membership, openRegistry, servicegroupOptions } from '../registry/index.js';
import { loadDriver, type Manager, type Registration } from '../service/index.js';

/** What a manager's constructor, or the function that makes it, is given. */
export interface ManagerContext {
  readonly host: string;
  readonly serviceName: string;
  readonly conf: Config;
  readonly log: Logger;
}

/**
 * The manager that `[api:<name>] manager` names: a class is instantiated, a function called, anything else taken as it
 * is. Throws `PORTICO_MANAGER` with the option's name when it cannot be loaded.
 */
export async function loadManager(reference: string, context: ManagerContext): Promise<Manager> {
  const option = `${context.serviceName}_manager`;
  const folder = dirname(context.conf.configFiles.at(-1) ?? './x');
  let manager: unknown;
  try {
    manager = await loadDriver(reference, { folder, allowExternalModules: true }, context);
  } catch (error) {
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message: `${option}: ${(error as Error).message}`,
      hint: (error as { hint?: string }).hint,
      cause: error,
    });
  }
  if (typeof manager === 'object' && manager !== null) return manager;
  throw new ConfigurationRefused('PORTICO_MANAGER', {
    message: `${option}: ${reference} is ${manager === null ? 'null' : typeof manager}, not a manager`,
    hint: 'A manager is an object, a class, or a function that gives one; its hooks are optional methods.',
  });
}

/** What a member says about itself, and hears. */
export interface MemberContext {
  readonly binary: string;
  readonly log: Logger;
  readonly inFlight: () => number;
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
}

/** A place in the registry, and what closes it; undefined where none is configured, or APIs are not to have one. */
export function openMembership(
  config: Config,
  context: MemberContext,
): { readonly registration: Registration; close(): Promise<void> } | undefined {
  if (!config.group('servicegroup', servicegroupOptions).registerApis) return undefined;
  const registry = openRegistry(config, { log: context.log });
  if (registry === null) return undefined;
  return { registration: membership(registry, config, context), close: () => registry.close() };
}
