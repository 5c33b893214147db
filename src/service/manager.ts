/** The interface of a manager: the business logic behind a service, whatever its protocol. */
import type { Config } from '../config/index.js';
import type { PeriodicTasks } from '../tasks/index.js';
import type { ServiceRecord } from './registry-contract.js';
import type { Awaitable } from './service.js';
import type { Track } from './task-tracker.js';

/** The business logic behind a service. All hooks are optional, can be async, and run once per run of the service. */
export interface Manager {
  /** Acquires resources. Called before the service has a record (null on the first start) and before traffic. */
  initHost?(record: ServiceRecord | null): Awaitable<void>;
  /** Called when the record exists and nothing listens yet. Null if the service keeps no record. */
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

/** An option that names a manager, declared by its service. */
export interface ManagerOption {
  readonly group: string;
  readonly opt: string;
}
