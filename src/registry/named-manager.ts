/**
 * Managers that an option names: where they are looked for, and where the option stands when one cannot be had.
 */
import { dirname } from 'node:path';
import type { Config } from '../config/index.js';
import { ConfigurationRefused, type Origin, PorticoError } from '../errors/index.js';
import type { ModuleExportOptions } from '../service/index.js';
import { findManager } from '../service/internal.js';

/** An option that names a manager. Declared by its service. */
export interface ManagerOption {
  readonly group: string;
  readonly opt: string;
}

/** Managers are named from the folder of the configuration file. */
export function managersOf(config: Config): ModuleExportOptions {
  return { folder: dirname(config.configFiles.at(-1) ?? './x'), allowExternalModules: true };
}

/** The manager that the option names; undefined where it names none. */
export function namedManager(config: Config, { group, opt }: ManagerOption): string | undefined {
  const { value } = config.resolve(group, opt);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/**
 * Finds what a reference names, and makes no manager of it. Throws `PORTICO_MANAGER` when it cannot be had: with its
 * place where the option says it, without one where code does.
 */
export async function checkManager(reference: string, config: Config, option: ManagerOption): Promise<void> {
  try {
    await findManager(reference, managersOf(config));
  } catch (cause) {
    const { message, hint } = cause as PorticoError;
    throw new ConfigurationRefused('PORTICO_MANAGER', {
      message,
      hint,
      cause,
      origin: originOfManager(reference, config, option),
    });
  }
}

/** An error about a manager with the place in a file that named it, unless it knows one already. */
export function withOrigin(error: unknown, origin: Origin | undefined): unknown {
  if (origin === undefined || !(error instanceof PorticoError) || error.origin !== undefined) return error;
  const { message, hint } = error;
  return new ConfigurationRefused('PORTICO_MANAGER', { message, hint, origin, cause: error });
}

/** Where the option says that reference; undefined for what code gives, and for what no file has. */
export function originOfManager(reference: unknown, config: Config, { group, opt }: ManagerOption): Origin | undefined {
  if (!config.has(group, opt)) return undefined;
  const { value, location } = config.resolve(group, opt);
  return value === reference ? location.origin : undefined;
}
