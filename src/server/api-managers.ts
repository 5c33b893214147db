/**
 * The managers of an API, and its place among the services that are known.
 */
import { dirname } from 'node:path';
import type { Config } from '../config/index.js';
import { ConfigurationRefused } from '../errors.js';
import type { Logger } from '../log.js';
import { heartbeatOptions, membership, openRegistry, servicegroupOptions } from '../registry/index.js';
import {
  importModuleExport,
  loadDriver,
  type Manager,
  ManagerHooks,
  type ModuleExportOptions,
  managerSettings,
  type Registration,
} from '../service/index.js';
import type { TaskGroup } from '../tasks/index.js';
import type { Server } from './server.js';

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
export async function loadManager(reference: string, given: Omit<ManagerContext, 'host'>): Promise<Manager> {
  const { host } = given.conf.group('DEFAULT', heartbeatOptions, { partial: true });
  const context: ManagerContext = { ...given, host };
  const option = `${context.serviceName}_manager`;
  let manager: unknown;
  try {
    manager = await loadDriver(reference, managersOf(context.conf), context);
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

/** Finds what {@link loadManager} would make the manager of, and makes nothing. Throws as `importModuleExport`. */
export async function findManager(reference: string, config: Config): Promise<void> {
  const found = await importModuleExport(reference, managersOf(config));
  if (found !== null && (typeof found === 'object' || typeof found === 'function')) return;
  throw new ConfigurationRefused('PORTICO_MANAGER', {
    message: `${reference} is ${found === null ? 'null' : typeof found}, not a manager`,
    hint: 'A manager is an object, a class, or a function that gives one; its hooks are optional methods.',
  });
}

/** Managers are named from the folder of the configuration file. */
function managersOf(config: Config): ModuleExportOptions {
  return { folder: dirname(config.configFiles.at(-1) ?? './x'), allowExternalModules: true };
}

/** What the hooks of an API are made of. */
export interface ApiHooksParts {
  readonly name: string;
  readonly binary: string;
  readonly config: Config;
  readonly log: Logger;
  readonly server: Server;
  readonly tasks: TaskGroup;
  readonly managers: readonly Manager[];
  /** Undefined: what the configuration says. */
  readonly registration: Registration | null | undefined;
  readonly workerId: number;
  /** After everything else: lets the app go. */
  readonly release: () => Promise<void>;
  /** The registry's word on the service. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
}

/** The steps of an API's start and stop, in the order that services of all protocols have. */
export function apiHooks(parts: ApiHooksParts): ManagerHooks {
  const { server, config, release, registration, workerId, ...rest } = parts;
  const { periodic, managerShutdownMs } = managerSettings(config);
  const member = registration === undefined ? openMembership(parts) : undefined;
  let served: Promise<void> | undefined;
  return new ManagerHooks({
    ...rest,
    registration: member?.registration ?? registration ?? null,
    periodic: { ...periodic, workerId },
    ...(managerShutdownMs === undefined ? {} : { managerShutdownMs }),
    serve: () => server.start(),
    stopAccepting: (options) => {
      served = server.stop(options);
      // Awaited by the next step; until then nobody listens to its failure.
      served.catch(() => {});
    },
    finish: () => served,
    release: async () => {
      await release();
      await member?.close();
    },
  });
}

/** A place in the registry, and what closes it; undefined where none is configured, or APIs are not to have one. */
function openMembership({
  config,
  binary,
  log,
  server,
  onVerdict,
}: ApiHooksParts): { readonly registration: Registration; close(): Promise<void> } | undefined {
  if (!config.group('servicegroup', servicegroupOptions).registerApis) return undefined;
  const registry = openRegistry(config, { log });
  if (registry === null) return undefined;
  const context = { binary, log, inFlight: () => server.inFlight, onVerdict };
  return { registration: membership(registry, config, context), close: () => registry.close() };
}
