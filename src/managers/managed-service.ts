/** The managers of a service of any protocol, with their contexts, periodic tasks, and membership in the registry. */
import type { Config } from '../config/index.js';
import { ConfigurationRefused, type Origin, PorticoError } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type {
  Awaitable,
  Manager,
  ManagerContext,
  ManagerOption,
  ManagerSource,
  OwnRPCClients,
  Registration,
  RPCClients,
} from '../service/index.js';
import type { KeptValues, ServiceRegistry } from '../service/internal.js';
import {
  besideOption,
  buildLog,
  Drivers,
  describeJobs,
  findManager,
  hostOf,
  lastRunsIn,
  loadManager,
  ManagerHooks,
  type ManagerHooksOptions,
  type ManagerPeriodicOptions,
  managerSettings,
  type ProtocolSteps,
  TaskTracker,
} from '../service/internal.js';
import { PeriodicTasks, type TaskGroup } from '../tasks/index.js';
import { JobList } from '../tasks/internal.js';
import { formatDuration } from '../text/index.js';
import { configuredRegistry, type Member, type OpenRegistry } from './providers.js';

/** Values and the end of the runs of a service before a later one. */
export interface EarlierRuns {
  /** Values that are kept over all runs, also in the workers that replace this one. */
  readonly kept: KeptValues;
  /** Settles when they have left the registry: a later run registers after that. */
  readonly left: Promise<unknown>;
}

/** Options of a {@link ManagedService}. */
export interface ManagedServiceOptions {
  /** Name of the service, for logs and errors. */
  readonly name: string;
  /** Name of the service in the managers' contexts. Default: `name`. */
  readonly serviceName?: string;
  /** Name of the application, unique on its host. */
  readonly binary: string;
  /** Topic of its remote calls; null or absent: none. */
  readonly topic?: string | null;
  /** Default: `[DEFAULT] host`. */
  readonly host?: string;
  /** Returns the configuration of its next start, which its managers get. */
  readonly config: () => Config;
  /** Log of the service and its managers. */
  readonly log: Logger;
  /** Group of the periodic tasks; stopped with the service. */
  readonly tasks: TaskGroup;
  /** The runs before it. */
  readonly earlier: EarlierRuns;
  /**
   * Returns the managers, the main one first: given in code, or named by this configuration. Called at each start,
   * which creates them anew, except those that are objects already.
   */
  readonly managers: (config: Config) => readonly ManagerSource<ManagerContext>[];
  /** Returns the periodic tasks that its app has declared. Default: none. */
  readonly declared?: () => readonly JobList[];
  /** Name of the managers' option, for errors. */
  readonly option: string;
  /** Option that names the manager if code does not. */
  readonly named: ManagerOption;
  /** Its registration, given in code; null: none; undefined: by the configuration. */
  readonly registration?: Registration | null | undefined;
  /** Its properties in the registry, unless the configuration sets them. */
  readonly member?: Partial<Member>;
  /** Settings of periodic tasks in code; the configuration has the others. */
  readonly periodic?: Pick<ManagerPeriodicOptions, 'enable' | 'fuzzyDelay' | 'intervalMax' | 'context' | 'ran'>;
  /** Creates its clients of other services, at each start that creates managers; closed last at its end. Opens nothing by itself. */
  readonly rpc: (config: Config) => Awaitable<OwnRPCClients>;
  /** Called with the registry's verdict on the service. */
  readonly onVerdict: (verdict: 'drain' | 'exit', reason: string) => void;
  /** Called when its record is known, and when an operator disables or enables it. Default: not called. */
  readonly onDisabled?: (isDisabled: boolean) => void;
}

/** Values known at the start. */
export interface ManagedStart {
  readonly backdoorPort: number | string | null;
  /** Number of this worker within its service. */
  readonly workerId: number;
  /** Steps of the protocol. */
  readonly steps: ProtocolSteps;
}

/** Managers of one run of a service, over all its starts. Opens nothing by itself. */
export class ManagedService {
  /** Tracks the managers' tasks by name. */
  readonly tracker: TaskTracker;
  readonly #options: ManagedServiceOptions;
  #managers: readonly Manager[];
  #hooks: ManagerHooks | undefined;
  #registry: ServiceRegistry | null | undefined;
  #registration: Registration | null = null;

  /** Throws the errors of `managers`. */
  constructor(options: ManagedServiceOptions) {
    this.#options = options;
    this.#managers = options.managers(options.config()).filter((source) => typeof source === 'object');
    this.tracker = new TaskTracker({ service: options.name, log: options.log });
  }

  /** Managers of the last start, the main one first; before the first start, those that are given as objects. */
  get managers(): readonly Manager[] {
    return this.#managers;
  }

  /** Periodic tasks of the managers, while started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#hooks?.periodicTasks ?? [];
  }

  /** Returns the tasks, spawned tasks, runs of periodic tasks and hooks that a stop waits for, a line each. */
  describeWork(): readonly string[] {
    const spawned = this.#options.tasks.activity().filter(({ kind }) => kind === 'task');
    return [
      ...this.tracker.describe(),
      ...spawned.map(({ name, ageMs }) => `task ${name} (since ${formatDuration(ageMs / 1000)})`),
      ...describeJobs(this.periodicTasks),
      ...(this.#hooks?.describeHooks() ?? []),
    ];
  }

  /** Milliseconds that managers have in a stop, by the configuration of the next start. */
  get shutdownMs(): number {
    return managerSettings(this.#options.config()).managerShutdownMs;
  }

  /** Steps of start, reset and stop; undefined before the first start. */
  get hooks(): ManagerHooks | undefined {
    return this.#hooks;
  }

  /** Its registration, from the last start. */
  get registration(): Registration | null {
    return this.#registration;
  }

  /** Registry that the last start opened; null before it, and if the configuration names none. */
  get registry(): ServiceRegistry | null {
    return this.#registry ?? null;
  }

  /** Finds the managers that a start with this configuration would create, and creates none. Throws `PORTICO_MANAGER`. */
  async find(config: Config): Promise<void> {
    const { managers, named } = this.#options;
    for (const source of managers(config)) if (typeof source === 'string') await checkManager(source, config, named);
  }

  /** Creates the managers as a start would, for `look`: runs no hooks, and closes everything that they opened. */
  async inspect<T>(look: (managers: readonly Manager[], declared: JobList) => T): Promise<T> {
    const { made, context, letGo } = await this.#make();
    try {
      return look(made, context.tasks);
    } finally {
      await letGo();
    }
  }

  /** Returns their periodic tasks. Creates them for that; no hook runs. */
  jobs(): Promise<readonly DescribedJob[]> {
    return this.inspect(describedJobs);
  }

  /**
   * Creates the managers and the steps of a start. Throws `PORTICO_MANAGER`, and as `openRegistry`; it then leaves
   * nothing open, also of the last run.
   */
  async prepare({ backdoorPort, workerId, steps }: ManagedStart): Promise<ManagerHooks> {
    this.#hooks = undefined;
    const { name, log, tasks, earlier, registration } = this.#options;
    const config = this.#options.config();
    const { made, context, rpc, open, releases, letGo } = await this.#make();
    for (const manager of made) if ('backdoorPort' in manager) manager.backdoorPort = backdoorPort;
    this.#managers = made;
    this.#registry = context.registry;
    this.#registration = registration === undefined ? this.#member(context.host, open) : registration;
    const { periodic, managerShutdownMs } = managerSettings(config);
    const options: ManagerHooksOptions = {
      ...steps,
      name,
      log,
      tasks,
      tracker: this.tracker,
      managers: made,
      declared: () => [context.tasks, ...(this.#options.declared?.() ?? [])],
      registration: this.#registration,
      periodic: { ...periodic, ...this.#options.periodic, workerId, lastRuns: lastRunsIn(earlier.kept, workerId) },
      managerShutdownMs,
      closeDrivers: async () => {
        await steps.closeDrivers?.();
        await context.drivers.close();
        await releases.run();
      },
      release: async (over) => {
        await steps.release?.(over);
        await rpc?.close();
        await open?.registry.close();
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

  /** Creates all managers. If one fails, closes the resources that earlier ones opened through their contexts. */
  async #make() {
    const { name, serviceName = name, log, host, option, named } = this.#options;
    const config = this.#options.config();
    const sources = this.#options.managers(config);
    // A service without managers loads nothing of remote calls.
    const rpc = sources.length === 0 ? undefined : await this.#options.rpc(config);
    // Most applications configure none, and load nothing of it but its object.
    const open = (await (await configuredRegistry(config))?.open(config, { log })) ?? null;
    const registry = open?.registry ?? null;
    const making = buildLog(log);
    const drivers = new Drivers({ ...besideOption(config), log: making.log });
    const releases = new ManagerReleases(log);
    const context: ManagerContext = {
      // Read by managers only.
      rpc: rpc as RPCClients,
      host: host ?? hostOf(config),
      serviceName,
      conf: config,
      config,
      onClose: releases.add,
      log,
      registry,
      drivers,
      tasks: new JobList(),
      track: this.tracker.track,
    };
    const letGo = async (): Promise<void> => {
      await drivers.close();
      await releases.run();
      await rpc?.close();
      await registry?.close();
    };
    const made: Manager[] = [];
    let origin: Origin | undefined;
    try {
      for (const source of sources) {
        // An error in a manager that a file names is reported with its line there, else with the option's name.
        origin = originOfManager(source, config, named);
        made.push(await loadManager(source, origin === undefined ? option : undefined, besideOption(config), context));
      }
      return { made, context, rpc, open, releases, letGo };
    } catch (error) {
      await letGo();
      throw withOrigin(error, origin);
    } finally {
      making.over();
    }
  }

  /** Deletes the record of a service that has stopped. Returns false if there is none. */
  async forget(): Promise<boolean> {
    try {
      return (await this.#registration?.remove?.()) ?? false;
    } finally {
      await this.#registry?.close();
    }
  }

  #member(host: string, open: OpenRegistry | null): Registration | null {
    const { binary, topic = null, log, earlier, member, onVerdict, onDisabled } = this.#options;
    const counted = {
      inFlight: () => this.tracker.size,
      ...earlier,
      ...(onDisabled && { onDisabled }),
      ...member,
    };
    return open?.membership({ ...counted, host, binary, topic, log, onVerdict }) ?? null;
  }
}

/** A periodic task, with its seconds from one run to the next. */
export interface DescribedJob {
  readonly name: string;
  readonly spacing: number;
}

/** Returns the periodic tasks that managers have, and those that they have declared. */
export function describedJobs(managers: readonly Manager[], declared: JobList): readonly DescribedJob[] {
  const own = managers.flatMap((manager) => (manager.periodicTasks ?? new PeriodicTasks(manager)).described);
  return [...own, ...declared.described];
}

// Resources that managers acquired through their context, released after `cleanupHost`.

type Release = () => Awaitable<void>;

class ManagerReleases {
  readonly #log: Logger;
  #registered: Release[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  readonly add = (release: Release): void => void this.#registered.push(release);

  /** Runs each release once, the last registered first; logs those that fail. */
  async run(): Promise<void> {
    for (const release of this.#registered.splice(0).reverse()) {
      try {
        await release();
      } catch (err) {
        this.#log.error({ err }, 'a release of a manager failed');
      }
    }
  }
}

/**
 * Resolves a reference without creating a manager. Throws `PORTICO_MANAGER` if it cannot be resolved: with the location of
 * the option, if an option names it.
 */
export async function checkManager(reference: string, config: Config, option: ManagerOption): Promise<void> {
  try {
    await findManager(reference, besideOption(config));
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

/** Adds the location in a file that names the manager to an error, unless it has a location. */
function withOrigin(error: unknown, origin: Origin | undefined): unknown {
  if (origin === undefined || !(error instanceof PorticoError) || error.origin !== undefined) return error;
  const { message, hint } = error;
  return new ConfigurationRefused('PORTICO_MANAGER', { message, hint, origin, cause: error });
}

/** Returns the location of that reference in a file; undefined for a manager given in code. */
function originOfManager(reference: unknown, config: Config, { group, opt }: ManagerOption): Origin | undefined {
  if (!config.has(group, opt)) return undefined;
  const { value, location } = config.resolve(group, opt);
  return value === reference ? location.origin : undefined;
}
