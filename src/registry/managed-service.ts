/**
 * Common part of services of all protocols: their managers with their contexts, their periodic tasks, and
 * a place among the services that are known.
 */
import { dirname } from 'node:path';
import type { Config } from '../config/index.js';
import { workerAssignment } from '../config/internal.js';
import { ConfigurationRefused, type Origin, PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import {
  type Awaitable,
  Drivers,
  type Manager,
  ManagerHooks,
  type ManagerHooksOptions,
  type ManagerPeriodicOptions,
  type ManagerSource,
  type ModuleExportOptions,
  type OwnRPCClients,
  type ProtocolSteps,
  type Registration,
  type RPCClients,
  type Track,
} from '../service/index.js';
import { buildLog, findManager, loadManager, managerSettings, TaskTracker } from '../service/internal.js';
import type { PeriodicTasks, TaskGroup } from '../tasks/index.js';
import { type MemberOptions, membership, openRegistry } from './open-registry.js';
import { heartbeatOptions } from './registry-options.js';
import type { ServiceRegistry } from './service-registry.js';
import { MemoryStore } from './sqlite-store.js';

/** Argument of a manager's constructor, or of the function that makes it. The constructor does no I/O: that is `initHost`. */
export interface ManagerContext {
  /** The name of this machine, as service records have it. */
  readonly host: string;
  readonly serviceName: string;
  readonly conf: Config;
  readonly log: Logger;
  /** The services that are known; null where the configuration names no registry. Opened on first use. */
  readonly registry: ServiceRegistry | null;
  /** Makes clients of other services: see `portico/rpc`. Make them in the constructor; what they cannot reach is refused then. */
  readonly rpc: RPCClients;
  /** Loads drivers from the folder of the configuration file, and closes them after `cleanupHost`. */
  readonly drivers: Drivers;
  /** Makes work known by name, so that a stop waits for it: the same as `this.track`. */
  readonly track: Track;
}

/** An option that names a manager. Declared by its service. */
export interface ManagerOption {
  readonly group: string;
  readonly opt: string;
}

/** Options of a {@link ManagedService}. */
export interface ManagedServiceOptions {
  /** The service's name, for logs and errors. */
  readonly name: string;
  /** Its name in the managers' contexts. Default: `name`. */
  readonly serviceName?: string;
  /** Name of the program, unique on its host. */
  readonly binary: string;
  /** Topic of its remote calls; null or absent: none. */
  readonly topic?: string | null;
  /** Default: `[DEFAULT] host`. */
  readonly host?: string;
  /** The service configuration, which its managers get. */
  readonly config: Config;
  /** The log of the service and its managers. */
  readonly log: Logger;
  /** The group that periodic tasks run in; stopped with the service. */
  readonly tasks: TaskGroup;
  /**
   * The managers, the main one first: given in code, or named by this configuration. Asked at each start, which makes
   * them anew, but for those that are objects already.
   */
  readonly managers: (config: Config) => readonly ManagerSource<ManagerContext>[];
  /** Name of the managers' option, for errors. */
  readonly option: string;
  /** The option that names the manager where code does not. */
  readonly named: ManagerOption;
  /** Its place in the registry, given in code; null: none; undefined: what the configuration says. */
  readonly registration?: Registration | null | undefined;
  /** False: it keeps no record although there is a registry. Asked at each start. Default: true. */
  readonly registers?: () => boolean;
  /** How it appears in the registry where the configuration does not say so. */
  readonly member?: Partial<MemberOptions>;
  /** Settings of periodic tasks in code; the configuration has the rest. */
  readonly periodic?: Pick<ManagerPeriodicOptions, 'enable' | 'fuzzyDelay' | 'intervalMax' | 'context'>;
  /**
   * Its way to other services, made at each start that makes managers, and closed with the last of its end. Opens nothing by
   * itself.
   */
  readonly rpc: (config: Config) => Awaitable<OwnRPCClients>;
  /** The registry's word on the service. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
}

/** Facts known at the start. */
export interface ManagedStart {
  readonly backdoorPort: number | string | null;
  /** Number of this worker in its service. */
  readonly workerId: number;
  /** The protocol's own part. */
  readonly steps: ProtocolSteps;
}

/** The managers of one service over all its runs. Opens nothing by itself. */
export class ManagedService {
  /** Knows the managers' tasks by name. */
  readonly tracker: TaskTracker;
  readonly #options: ManagedServiceOptions;
  #managers: readonly Manager[];
  #hooks: ManagerHooks | undefined;
  #registry: ServiceRegistry | null | undefined;
  #registration: Registration | null = null;

  /** Throws what `managers` throws. */
  constructor(options: ManagedServiceOptions) {
    this.#options = options;
    this.#managers = options.managers(options.config).filter((source) => typeof source === 'object');
    this.tracker = new TaskTracker({ service: options.name, log: options.log });
  }

  /** The main one first: those of the last start; before the first, those that are given as objects. */
  get managers(): readonly Manager[] {
    return this.#managers;
  }

  /** The periodic tasks of the managers, while started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#hooks?.periodicTasks ?? [];
  }

  /** The steps of start, reset and stop; undefined before the first start. */
  get hooks(): ManagerHooks | undefined {
    return this.#hooks;
  }

  /** Its place in the registry, since the last start. */
  get registration(): Registration | null {
    return this.#registration;
  }

  /** The registry that the last start opened; null before it, and where the configuration names none. */
  get registry(): ServiceRegistry | null {
    return this.#registry ?? null;
  }

  /** Looks for the managers that a start with this configuration would make, and makes none. Throws `PORTICO_MANAGER`. */
  async find(config: Config): Promise<void> {
    const { managers, named } = this.#options;
    for (const source of managers(config)) if (typeof source === 'string') await checkManager(source, config, named);
  }

  /** Makes the managers as a start would, for `look`: no hook runs, and everything they opened is closed. */
  async inspect<T>(look: (managers: readonly Manager[]) => T): Promise<T> {
    const { made, letGo } = await this.#make();
    try {
      return look(made);
    } finally {
      await letGo();
    }
  }

  /**
   * Makes the managers and the steps of a start. Throws `PORTICO_MANAGER`, and as `openRegistry`; then nothing of it is
   * left, and nothing of the last run either.
   */
  async prepare({ backdoorPort, workerId, steps }: ManagedStart): Promise<ManagerHooks> {
    this.#hooks = undefined;
    const { name, config, log, tasks, registration } = this.#options;
    const { made, context, rpc, registry, letGo } = await this.#make();
    for (const manager of made) if ('backdoorPort' in manager) manager.backdoorPort = backdoorPort;
    this.#managers = made;
    this.#registry = registry;
    this.#registration = registration === undefined ? this.#member(context.host, registry) : registration;
    const { periodic, managerShutdownMs } = managerSettings(config);
    const options: ManagerHooksOptions = {
      ...steps,
      name,
      log,
      tasks,
      tracker: this.tracker,
      managers: made,
      registration: this.#registration,
      periodic: { ...periodic, ...this.#options.periodic, workerId },
      ...(managerShutdownMs === undefined ? {} : { managerShutdownMs }),
      closeDrivers: async () => {
        await steps.closeDrivers?.();
        await context.drivers.close();
      },
      release: async () => {
        await steps.release?.();
        await rpc?.close();
        await registry?.close();
      },
    };
    try {
      this.#hooks = new ManagerHooks(options);
    } catch (error) {
      await letGo();
      const sources = this.#options.managers(config);
      const [origin] = sources.map((source) => originOfManager(source, config, this.#options.named)).filter(Boolean);
      throw withOrigin(error, origin);
    }
    return this.#hooks;
  }

  /** Makes all managers. When one cannot be made, what those before it opened by their context is closed. */
  async #make() {
    const { name, serviceName = name, config, log, host, option, named } = this.#options;
    const sources = this.#options.managers(config);
    // Nothing of remote calls is loaded for a service without managers.
    const rpc = sources.length === 0 ? undefined : await this.#options.rpc(config);
    const registry = openRegistry(config, { log });
    const making = buildLog(log);
    const drivers = new Drivers({ ...managersOf(config), log: making.log });
    const context: ManagerContext = {
      // Read by managers alone.
      rpc: rpc as RPCClients,
      host: host ?? config.group('DEFAULT', heartbeatOptions, { partial: true }).host,
      serviceName,
      conf: config,
      log,
      registry,
      drivers,
      track: this.tracker.track,
    };
    const letGo = async (): Promise<void> => {
      await drivers.close();
      await rpc?.close();
      await registry?.close();
    };
    const made: Manager[] = [];
    let origin: Origin | undefined;
    try {
      for (const source of sources) {
        // A mistake in a manager that a file names is reported with its line there, else by the option's name.
        origin = originOfManager(source, config, named);
        made.push(await loadManager(source, origin === undefined ? option : undefined, managersOf(config), context));
      }
      return { made, context, rpc, registry, letGo };
    } catch (error) {
      await letGo();
      throw withOrigin(error, origin);
    } finally {
      making.over();
    }
  }

  /** Deletes the record of a service that has stopped. False where it was gone already, or there never was one. */
  async forget(): Promise<boolean> {
    try {
      return (await this.#registration?.remove?.()) ?? false;
    } finally {
      await this.#registry?.close();
    }
  }

  #member(host: string, registry: ServiceRegistry | null): Registration | null {
    const { config, binary, topic = null, log, registers, member, onVerdict } = this.#options;
    if (registry === null || registers?.() === false) return null;
    if (registry.store instanceof MemoryStore && workerAssignment()?.index === 0) {
      log.warn('the service registry is in memory: each worker has a separate one, and none has all services');
    }
    return membership(registry, config, {
      inFlight: () => this.tracker.size,
      ...member,
      host,
      binary,
      topic,
      log,
      onVerdict,
    });
  }
}

/** Managers are named from the folder of the configuration file. */
function managersOf(config: Config): ModuleExportOptions {
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
function withOrigin(error: unknown, origin: Origin | undefined): unknown {
  if (origin === undefined || !(error instanceof PorticoError) || error.origin !== undefined) return error;
  const { message, hint } = error;
  return new ConfigurationRefused('PORTICO_MANAGER', { message, hint, origin, cause: error });
}

/** Place of that reference in a file; undefined for a manager given in code. */
function originOfManager(reference: unknown, config: Config, { group, opt }: ManagerOption): Origin | undefined {
  if (!config.has(group, opt)) return undefined;
  const { value, location } = config.resolve(group, opt);
  return value === reference ? location.origin : undefined;
}
