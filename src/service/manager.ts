/** The interface of a manager, the business logic behind a service, whatever its protocol; and the argument with which it is created. */
import type { Config } from '../config/index.js';
import type { Logger } from '../log/index.js';
import type { JobList, PeriodicTasks } from '../tasks/index.js';
import type { Drivers } from './drivers.js';
import type { ServiceRecord, ServiceRegistry } from './registry-contract.js';
import type { RPCClients } from './remote-calls.js';
import type { Awaitable } from './service.js';
import type { Track } from './task-tracker.js';

/** The business logic behind a service. All hooks are optional, can be async, and run once per run of the service. */
export interface Manager {
  /**
   * Acquires resources. Called before the service registers, and before traffic, with the record of its last start. Null: there is none; or the
   * registry is not available, and no earlier process of the launcher has had the record. So null does not prove that the service is new.
   */
  initHost?(record: ServiceRecord | null): Awaitable<void>;
  /** Called before anything listens, with the record of this start. Null: the service keeps none, or as for `initHost`. */
  preStartHook?(record: ServiceRecord | null): Awaitable<void>;
  /** Called when the service is serving; requests and messages may have arrived before. */
  postStartHook?(): Awaitable<void>;
  /** Finishes the work in flight within `timeoutMs`. Called when nothing new is accepted. */
  gracefulShutdown?(timeoutMs: number): Awaitable<void>;
  /** Releases resources. Called after the last request or call, and also if the start fails after `initHost` was called. */
  cleanupHost?(): Awaitable<void>;
  /** Called with a later configuration, by a reload with `restart_method = mutate`. The manager's own one never changes. */
  reset?(next: Config): Awaitable<void>;
  /** The schedule, for tasks added in code. Default: the methods marked with `@periodicTask`. */
  readonly periodicTasks?: PeriodicTasks;
  /**
   * Tracks work by name, so that a stop waits for it and logs its name. The service sets it before `initHost`, unless the manager
   * defines it: declare it as `track!: Track`.
   */
  track?: Track;
  /** Address of the process's backdoor: a port, a path, or null. If declared, it is set before `initHost`. */
  backdoorPort?: number | string | null;
  /** Further objects with remote methods; fixed when the service starts to serve. */
  readonly additionalEndpoints?: readonly object[];
}

/** Argument of a manager's constructor, or of the function that creates it. The constructor does no I/O; `initHost` does. */
export interface ManagerContext {
  /** Name of this machine in service records. */
  readonly host: string;
  readonly serviceName: string;
  readonly conf: Config;
  /** The same as `conf`, so that a manager can share things with the app: `await pool(context)`. */
  readonly config: Config;
  /** Registers a release function: called once, after `cleanupHost`, in reverse order of registration. */
  onClose(release: () => Awaitable<void>): void;
  readonly log: Logger;
  /** Registry of services; null if the configuration names none. Opened on first use. */
  readonly registry: ServiceRegistry | null;
  /** Creates clients of other services: see `portico/rpc`. Create them in the constructor; unreachable targets are refused there. */
  readonly rpc: RPCClients;
  /** Loads drivers, relative to the folder of the configuration file, and closes them after `cleanupHost`. */
  readonly drivers: Drivers;
  /** Declares periodic tasks: `tasks.every('90s', () => this.sync(), { on: 'fleet' })`. They run while the service serves. */
  readonly tasks: JobList;
  /** Names work in progress, so that a stop waits for it: the same as `this.track`. */
  readonly track: Track;
}

/** An option that names a manager, declared by its service. */
export interface ManagerOption {
  readonly group: string;
  readonly opt: string;
}
