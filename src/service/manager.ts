/** The interface of a manager: the business logic behind a service, whatever its protocol. */
import type { Config } from '../config/index.js';
import type { PeriodicTasks } from '../tasks/index.js';
import type { Awaitable } from './service.js';
import type { Track } from './task-tracker.js';

/** State of a service, as the service reports it. `stopped` counts as down at once. */
export type ServiceState = 'starting' | 'running' | 'draining' | 'stopped';

/** A registry's record of one service: one binary on one host, whatever its number of workers. */
export interface ServiceRecord {
  readonly id: number;
  /** Public id. */
  readonly uuid: string;
  readonly host: string;
  readonly binary: string;
  /** Null for services without remote calls. */
  readonly topic: string | null;
  /** Version number of the service's code. */
  readonly version: number;
  /** Number of heartbeats since the record was created. */
  readonly reportCount: number;
  /** Time of the last heartbeat, by the registry's clock. Unlike `updatedAt`, an operator's edit does not change it. */
  readonly lastSeenUp: Date | null;
  /** Set by an operator: the service gets no new work. */
  readonly disabled: boolean;
  readonly disabledReason: string | null;
  /** Set by an operator: the service counts as down, whatever it reports. */
  readonly forcedDown: boolean;
  readonly state: ServiceState;
  /** Id of the run of the service that wrote last. */
  readonly instanceId: string;
  readonly machineId: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** Seconds between heartbeats; 0 if the service sends none. */
  readonly reportInterval: number;
  /** Seconds without a heartbeat after which this service counts as down. */
  readonly downTime: number;
  /** Number of the accepted configuration in use. */
  readonly configGeneration: number;
  readonly zone: string | null;
  readonly endpoints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly updatedAt: Date | null;
  readonly deletedAt: Date | null;
}

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

/** A service's registration with a registry. Created by `portico/registry`. */
export interface Registration {
  /**
   * Returns the current record; null if there is none yet. Waits for an unavailable registry until `signal` is aborted, then rejects
   * with the signal's reason.
   */
  read(signal?: AbortSignal): Promise<ServiceRecord | null>;
  /** Creates or updates the record: version, run, state `starting`. Waits like `read`. */
  register(signal?: AbortSignal): Promise<ServiceRecord>;
  /** Starts the heartbeat and sets the state `running`. */
  join(): Awaitable<void>;
  /** Sets the state `draining`; the heartbeat continues. */
  drain(): Awaitable<void>;
  /** Stops the heartbeat and sets the state `stopped`. Never fails, because an unavailable registry must not delay a stop. */
  leave(): Awaitable<void>;
  /** Reports whether the registry was unreachable for so long that others consider the service down. */
  isLost?(): boolean;
  /** Returns why the record cannot be kept alive, for operators; undefined while it is. */
  trouble?(): string | undefined;
  /** Deletes the record, after `leave`. Returns false if it was already deleted. */
  remove?(): Awaitable<boolean>;
  /** Takes or renews the lease of a task that runs on one host only; false while another host holds it. */
  lease?(task: string, seconds: number): Promise<boolean>;
}
