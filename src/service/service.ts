/**
 * The contract of a service: four verbs, and nothing about HTTP, RPC, processes or signals; and the ordinary service,
 * which has background work.
 */
import type { Config } from '../config/index.js';
import { writeHostPort } from '../config/internal.js';
import { type Diagnostic, PorticoError, refuseUnknownOptions } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { type Clock, TaskGroup } from '../tasks/index.js';

/** A value, or a promise of one: what every verb and hook of a service may return. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Changes of the configuration: `group.option` to its old and new parsed value. */
export type ConfigChanges = ReadonlyMap<string, { readonly old: unknown; readonly new: unknown }>;

/** How a service is to stop. */
export interface StopOptions {
  /** Let what is under way end by itself until the deadline. Default false: end it now. */
  readonly graceful?: boolean;
  /** Aborted when there is no more time: end what is left at once. */
  readonly signal?: AbortSignal;
  /** Milliseconds from now until what is left is cut off; 0 or absent: no limit. */
  readonly deadlineMs?: number;
  /** Default `stop`. */
  readonly reason?: StopReason;
}

/**
 * Why a service stops. `stop`: the addresses go too. `replaced`: another process already serves on the same sockets, so
 * idle connections may be left until their clients let go. `hurried`: as `replaced`, and yet another process waits for this one to end.
 */
export type StopReason = 'replaced' | 'hurried' | 'stop';

/** The worker a service runs in, as its launcher knows it. */
export interface WorkerContext {
  /** 0 to `workers` - 1, stable: the replacement of worker 1 is worker 1. */
  readonly id: number;
  /** How many workers the service has, when this one started. */
  readonly workers: number;
  /** Number of the accepted configuration that this worker began with, from 1. */
  readonly generation: number;
  /** True in a child of a supervisor, which replaces it when it ends; false when the launcher runs it by itself. */
  readonly supervised: boolean;
  /**
   * Asks the supervisor for a fresh worker in place of this one: it starts, is ready, and then this one drains. For
   * limits on requests or memory. Does nothing when not supervised, or when asked again.
   */
  requestReplacement(reason: string): void;
}

/** Anything a launcher can run. */
export interface ServiceBase {
  /** Unique within one launcher; default: the class's name. */
  readonly name?: string;
  /** Seconds a graceful stop of this service may take: overrides the launcher's. 0: for ever; null: the launcher's. */
  readonly gracefulShutdownTimeout?: number | null;
  /** Called before `start()`, in the process that will call it. */
  useWorker?(worker: WorkerContext): void;
  /** A stop was asked for and begins after `drain_delay`: health checks say from now on that this service is not ready. */
  markDraining?(): void;
  /** Work under way, a line each: for the log when the deadline cuts it off. Empty: only idle things are left. */
  describeWork?(): readonly string[];
  /**
   * The plan of a configuration, with its mistakes. Launchers read it at a reload: the plan of the new
   * configuration is compared with the present one. It reads the files and imports no application. A throw
   * refuses the reload, as an error among the diagnostics does.
   */
  plan?(config: Config): ServicePlan;
  /**
   * Builds what the next `start()` or `renew()` will need, and takes nothing that others have: no address, no place in a
   * registry, no hook of a manager. Launchers call it before a reload touches anything: in a child that does not serve, without
   * `next`; in a process that serves, with the configuration that is about to be accepted. The function it gives lets go
   * of what was built, should neither come. A rejection refuses the reload.
   */
  prepare?(next?: Config): Awaitable<() => Awaitable<void>>;
  /** Acquires; settles when ready to serve. A rejection leaves nothing behind. */
  start(): Awaitable<void>;
  /** Drains, then releases. Safe to call twice, concurrently, and in any state. */
  stop(options?: StopOptions): Awaitable<void>;
  /** Settles when stopped; rejects if the service died by itself. */
  wait(): Awaitable<void>;
  /** Re-reads configuration in place; on failure the old one keeps serving. */
  reset(changes?: ConfigChanges): Awaitable<void>;
  /**
   * Takes a new configuration up while it serves: what `prepare` built takes the place of what serves, which ends with the work it
   * has, after `deadlineMs` milliseconds at the latest. Called at a reload in place of a stop, `reset` and a start, in a process that runs
   * its services itself. Of a service that listens and has no `renew`, `reset` alone is called: its sockets stay open.
   */
  renew?(changes: ConfigChanges, terms: { readonly deadlineMs: number }): Awaitable<void>;
  /**
   * True for an option (`group.name`) that a reload in the same process does not change: the report of the reload then says that the change
   * needs a restart.
   */
  keeps?(option: string): boolean;
}

/** A service that a configuration gives to run. Of a refused one: the known part. */
export interface ServicePlan {
  /** Pipelines by name, each with its filters in order and its app last. */
  readonly pipelines?: ReadonlyMap<string, readonly string[]>;
  /** The app that its requests reach, as it is written: for the picture on a status page. */
  readonly app?: PlannedApp | undefined;
  /** The files it reads by `config.readFile`, beside the configuration's own. */
  readonly files?: readonly ServiceFile[];
  /** Its mistakes: errors refuse it, warnings go to the log. */
  readonly diagnostics?: readonly Diagnostic[];
  readonly certificate?: PlannedCertificate | undefined;
}

/** The certificate that a service shows. */
export interface PlannedCertificate {
  /** When it ends, as ISO 8601. */
  readonly ends: string;
  /** A warning where it has ended, or ends soon, and then those of the CAs of its clients. */
  readonly warnings: readonly Diagnostic[];
  /** Whether a reload takes it in the place of one that has not ended, if it has. */
  readonly mayHaveEnded: boolean;
}

/** A service as plain data: all that a parent of workers knows of it. Workers make the service itself. */
export interface PlannedService extends ServicePlan {
  readonly kind: 'planned';
  readonly name: string;
  readonly workers: number;
  /** The addresses to bind, in order; empty for a service that does not listen. */
  readonly addresses: readonly ListenAddress[];
  /** Place of the addresses in the configuration, as `file:line:column`. */
  readonly addressPlace?: string | undefined;
}

/** A service as a launcher is given it: the object that runs, or its plan. */
export type Launchable = ServiceBase | PlannedService;

/** Whether it is a plan. */
export function isPlanned(service: Launchable): service is PlannedService {
  return (service as Partial<PlannedService>).kind === 'planned';
}

/** An app as it is written: filters around it, or several apps between which it chooses. */
export interface PlannedApp {
  readonly name: string;
  /** The filters of a pipeline, outermost first, and by which name their times are counted. */
  readonly filters?: readonly string[];
  readonly pipeline?: string;
  /** The app inside the filters. */
  readonly inner?: PlannedApp;
  /** The apps it chooses between, each with what leads there, such as the path of a URL map. */
  readonly branches?: readonly { readonly at: string; readonly app: PlannedApp }[];
}

/** A file that a service reads, as it is at the moment. */
export interface ServiceFile {
  /** Absolute. */
  readonly path: string;
  /** The option that names it, as `group.option`. */
  readonly option: string;
  /** Place of that option's value. Default: as the configuration knows it. */
  readonly where?: string;
  /** A few words on its content, such as how long a certificate is valid. */
  readonly says?: string | undefined;
  /** Its content is never shown, not even whether two of them are alike. */
  readonly secret?: boolean;
  /** The pipelines that are made of it, each with a text that is another one when the pipeline is. */
  readonly pipelines?: ReadonlyMap<string, string>;
}

/** Address that a service listens on. */
export type ListenAddress =
  | { readonly host: string; readonly port: number; readonly backlog?: number }
  | { readonly path: string; readonly backlog?: number };

/** `127.0.0.1:8774`, `[::1]:8774` or `unix:/run/api.sock`. */
export function formatAddress(address: ListenAddress): string {
  return 'path' in address ? `unix:${address.path}` : writeHostPort(address);
}

/** Whether a host stands for all addresses of the machine. */
export function isWildcard(host: string): boolean {
  return ['0.0.0.0', '::', ''].includes(host);
}

/** A bound socket handed to a service instead of an address to bind. */
export interface ListenSocket {
  /** The descriptor, bound and not yet listening; `listen({ fd })` takes it over. */
  readonly fd: number;
  /** The bound address; the port is the real one. */
  readonly address: ListenAddress;
}

/**
 * Members of a service that accepts connections, so that a launcher can bind its addresses before any worker exists and
 * keep them over the lives of all workers.
 */
export interface ListeningService extends ServiceBase {
  /** The addresses to bind, in order. */
  readonly addresses: readonly ListenAddress[];
  /** Place of the addresses in the configuration, as `file:line:column`: for errors about an address. */
  readonly addressPlace?: string | undefined;
  /** Called before `start()`, with one socket for each address in order: listen on these instead of binding. */
  useSockets(sockets: readonly ListenSocket[]): void;
  /**
   * Listens on further sockets, one for each address in order, while it serves: those of another worker that is gone for
   * the moment. Settles when it accepts on them; the function it gives ends that, and closes them. A service without it
   * shares one socket with all its workers.
   */
  adoptSockets?(sockets: readonly ListenSocket[]): Awaitable<() => void>;
}

/** True for a service whose addresses a launcher can bind for it. */
export function isListening(service: ServiceBase): service is ListeningService {
  const candidate = service as Partial<ListeningService>;
  return Array.isArray(candidate.addresses) && typeof candidate.useSockets === 'function';
}

/** How a {@link Service} is made. */
export interface ServiceOptions {
  /** Unique within one launcher; default: the class's name. */
  readonly name?: string;
  /** How many of its tasks run at a time. Default 1000. */
  readonly tasks?: number;
  /** Default: standard error, under the name of the service. */
  readonly log?: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
}

const NAMES: readonly (keyof ServiceOptions)[] = ['name', 'tasks', 'log', 'clock'];

/**
 * A base class for services with background work in a task group. Override `start` to spawn tasks and add timers, and
 * `reset`; both do nothing by default. Or implement {@link ServiceBase} yourself.
 */
export class Service implements ServiceBase {
  declare readonly name?: string;
  /** Tasks and timers that end with the service. Open again whenever the service is started. */
  readonly tasks: TaskGroup;
  /** Address of the launcher's backdoor: a port, a path, or null. Set by the launcher before `start`. */
  backdoorPort: number | string | null = null;

  constructor(options: ServiceOptions = {}) {
    refuseUnknownOptions('PORTICO_INVALID_OPTION', 'a Service', options, NAMES);
    const { tasks = 1000, name, ...rest } = options;
    if (name !== undefined) this.name = name;
    this.tasks = new TaskGroup({ limit: tasks, name: name ?? new.target.name, ...rest });
    // A service may be started again after it was stopped, and a subclass that overrides start() or reset() owes them no
    // super call, since they do nothing: so the group is opened here, in front of whichever start() there is.
    const start = this.start.bind(this);
    this.start = () => {
      this.tasks.reset();
      return start();
    };
  }

  /** The task group, under the name it has in oslo.service. */
  get tg(): TaskGroup {
    return this.tasks;
  }

  start(): Awaitable<void> {}

  /** Stops the task group: see `TaskGroup.stop`. Graceful only when asked, as launchers do. */
  async stop(options: StopOptions = {}): Promise<void> {
    await this.tasks.stop(options);
  }

  /** Settles when no timer and no task is left. Timers must have been stopped, or this waits for ever. */
  async wait(): Promise<void> {
    await this.tasks.wait();
  }

  reset(_changes?: ConfigChanges): Awaitable<void> {}
}

/**
 * Thrown by a service's verb or task: its launcher stops everything and ends with `code`. What `SystemExit` is to
 * oslo.service. Throws `PORTICO_INVALID_EXIT_CODE` for what is not an exit status.
 */
export class ServiceExit extends PorticoError {
  /** The exit status, 0 to 255. */
  readonly exitCode: number;

  constructor(exitCode = 1, message = `the service asks its process to exit with status ${exitCode}`) {
    super('PORTICO_SERVICE_EXIT', { message });
    if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
      throw new PorticoError('PORTICO_INVALID_EXIT_CODE', {
        message: `${exitCode} is not an exit status`,
        hint: 'Pass a whole number from 0 to 255.',
      });
    }
    this.exitCode = exitCode;
  }
}
