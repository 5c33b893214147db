/** The registry of services as managers, launchers and the status of an application use it. `portico/registry` implements it. */
import type { Awaitable } from './service.js';

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

/** A service's registration with a registry. Created by `portico/registry`. */
export interface Registration {
  /**
   * Returns the current record; null if there is none yet, or if the registry is not available. May wait for one that is not available, until
   * `signal` is aborted; then rejects with the signal's reason.
   */
  read(signal?: AbortSignal): Promise<ServiceRecord | null>;
  /**
   * Creates or updates the record: version, run, state `starting`. Null: the registry is not available, and the service registers when it is.
   * May wait like `read`.
   */
  register(signal?: AbortSignal): Promise<ServiceRecord | null>;
  /** The service serves: sets the state `running`, or does so later if the registry is not available, and starts the heartbeat. */
  join(): Awaitable<void>;
  /** Sets the state `draining`; the heartbeat continues. */
  drain(): Awaitable<void>;
  /**
   * Stops the heartbeat and sets the state `stopped`. Never fails, because an unavailable registry must not delay a stop. `keepsLeases`: tasks
   * still run, and another call follows when they have ended.
   */
  leave(options?: { readonly keepsLeases?: boolean }): Awaitable<void>;
  /** Reports whether the registry was unreachable for so long that others consider the service down. */
  isLost?(): boolean;
  /** Returns why the record cannot be kept alive, or that an operator has disabled the service; undefined otherwise. */
  trouble?(): string | undefined;
  /** Deletes the record, after `leave`. Returns false if it was already deleted. */
  remove?(): Awaitable<boolean>;
  /** Takes or renews the lease of a task that runs on one host only; false while another host holds it. */
  lease?(task: string, seconds: number): Promise<boolean>;
}

/** Properties of a service at its start. */
export type ServiceAnnouncement = Pick<
  ServiceRecord,
  | 'host'
  | 'binary'
  | 'topic'
  | 'version'
  | 'instanceId'
  | 'machineId'
  | 'pid'
  | 'startedAt'
  | 'reportInterval'
  | 'downTime'
  | 'configGeneration'
  | 'zone'
  | 'endpoints'
  | 'labels'
>;

/** Fields of a record that can change. */
export type RecordChanges = Partial<
  ServiceAnnouncement & Pick<ServiceRecord, 'state' | 'disabled' | 'disabledReason' | 'forcedDown'>
>;

/** One worker process of a service. */
export interface WorkerRow {
  readonly serviceId: number;
  readonly worker: number;
  readonly pid: number;
  readonly instanceId: string;
  readonly lastSeenUp: Date;
  readonly inFlight: number;
  /** True if it is draining, which implies nothing about its siblings. */
  readonly draining: boolean;
}

/** Selection of records. */
export interface RecordFilter {
  readonly host?: string;
  readonly binary?: string;
  readonly topic?: string;
}

/** `unknown`: it sends no heartbeats, so its liveness is unknown; it never counts as down for their absence. */
export type Liveness = 'up' | 'down' | 'unknown';

/** A service for operators: the record, its workers, and whether it is up. */
export interface ServiceView {
  readonly record: ServiceRecord;
  readonly state: Liveness;
  readonly workers: readonly (WorkerRow & { readonly up: boolean })[];
}

/** Selection of views. */
export interface ViewFilter extends RecordFilter {
  readonly state?: Liveness;
  readonly status?: 'enabled' | 'disabled';
}

/** A change of a record that listeners get; heartbeats are not included. */
export interface RegistryEvent {
  readonly kind: 'create' | 'update' | 'delete';
  readonly record: ServiceRecord;
  readonly changes?: RecordChanges;
}

/** Hooks of the application for changes of records. */
export interface RegistryHooks {
  /** Called with each change of a service, which settles when the hook does. Default: not called. */
  readonly onEvent?: (event: RegistryEvent) => unknown;
  /** May refuse the deletion of a record by throwing an error with the reason. */
  readonly beforeDelete?: (record: ServiceRecord) => unknown;
  /** May refuse to clear `forcedDown` by throwing an error with the reason. */
  readonly beforeForceUp?: (record: ServiceRecord) => unknown;
}

/** Fields that operators can change. */
export interface OperatorChanges {
  readonly status?: 'enabled' | 'disabled';
  readonly disabledReason?: string;
  readonly forcedDown?: boolean;
}

/** Identity of a service: its host and binary. */
export type ServiceMember = Pick<ServiceRecord, 'host' | 'binary'>;

/** One heartbeat. */
export interface Beat {
  readonly serviceId: number;
  readonly worker: number;
  readonly pid: number;
  readonly instanceId: string;
  readonly inFlight: number;
}

/** Response of the registry to a heartbeat. */
export interface BeatAnswer {
  readonly reportCount: number;
  readonly disabled: boolean;
  readonly forcedDown: boolean;
  /** Owner of the record: another id means that another service started under this name. */
  readonly instanceId: string;
}

/**
 * A database of service records. Times are the database's own. Rejects with `RegistryUnavailable` if the database is
 * not available; other errors are defects.
 */
export interface ServiceStore {
  /** Returns the database's time. */
  now(): Promise<Date>;
  find(host: string, binary: string): Promise<ServiceRecord | null>;
  get(uuid: string): Promise<ServiceRecord | null>;
  /** Returns records sorted by host, then binary. */
  list(filter?: RecordFilter): Promise<ServiceRecord[]>;
  /**
   * Returns the lowest version among the records that are not forced down; undefined if there are none. `up`: only of those that are not
   * down. One row is read, however many records there are.
   */
  lowestVersion(filter: RecordFilter, options?: { readonly up?: boolean }): Promise<number | undefined>;
  /** Rejects with `RecordExists`. */
  insert(service: ServiceAnnouncement, initial: { disabled: boolean; state: ServiceState }): Promise<ServiceRecord>;
  /** Returns null if the record is gone. */
  update(id: number, changes: RecordChanges): Promise<ServiceRecord | null>;
  /** Records one heartbeat atomically. Returns null if the record is gone. */
  beat(beat: Beat): Promise<BeatAnswer | null>;
  /** Marks a record as deleted, with the user. Returns false if it is gone already. */
  remove(id: number, by: string): Promise<boolean>;
  /** Returns the user who deleted the record; undefined if it was not deleted. */
  deletedBy(id: number): Promise<string | undefined>;
  /** Returns the workers of these services, sorted by service, worker and process. */
  workers(...serviceIds: readonly number[]): Promise<WorkerRow[]>;
  putWorker(serviceId: number, worker: Omit<WorkerRow, 'serviceId' | 'lastSeenUp'>): Promise<void>;
  dropWorker(serviceId: number, worker: number, pid: number): Promise<void>;
  /**
   * Purges records deleted this long ago, and workers not seen for that time or a day at least; returns the number of
   * records.
   */
  purge(olderThanSeconds: number): Promise<number>;
  /** Acquires or renews a lease; returns false while another owner has it. */
  lease(task: string, owner: string, seconds: number): Promise<boolean>;
  /** Writes something and removes it: rejects if nothing can be written. Absent: that is unknown. */
  checkWrite?(): Promise<void>;
  /** Migrates the tables, if that is not done on opening; returns the number of steps. */
  migrate?(): Promise<number>;
  close(): Promise<void>;
}

/** Records of the services of all machines in a store, with the rules for them: which services are up, which may register. */
export interface ServiceRegistry {
  readonly store: ServiceStore;
  /** Returns whether a service is up. Rejects with `RegistryUnavailable` if the database is not available: an outage here makes no other look down. */
  isUp(member: ServiceMember): Promise<boolean>;
  /** Returns the time of a service's last heartbeat; null before its first one, and for an unknown service. */
  updatedTime(member: ServiceMember): Promise<Date | null>;
  /** Returns the hosts of a topic whose services are up. */
  members(topic: string): Promise<string[]>;
  /** Returns all matching services with their workers; sorted by host and binary. */
  list(filter?: ViewFilter): Promise<ServiceView[]>;
  /** Returns one service. Rejects with `PORTICO_RECORD_NOT_FOUND`. */
  show(uuid: string): Promise<ServiceView>;
  /**
   * Applies an operator's changes. A reason requires `disabled`, and at least one field must change
   * (`PORTICO_INVALID_CHANGE`); the application may refuse to clear `forcedDown` (`PORTICO_CHANGE_REFUSED`).
   */
  update(uuid: string, wanted: OperatorChanges): Promise<ServiceView>;
  /** Deletes a record. A record that is up requires `force` (`PORTICO_SERVICE_UP`); the application may refuse. */
  delete(uuid: string, options?: { readonly force?: boolean; readonly by?: string }): Promise<void>;
  /** Purges records that were deleted this many days ago, 30 by default; returns their number. */
  purge(days?: number): Promise<number>;
  /** Returns the lowest version among the services of a topic that are up, also disabled ones; undefined if there are none. */
  lowestVersion(topic: string): Promise<number | undefined>;
  /** Returns the lowest version among the services of these binaries; disabled ones count, those forced down do not. */
  minVersion(...binaries: string[]): Promise<number | undefined>;
  /** Creates the record of a service that has none. Rejects with `RecordExists`. */
  create(
    service: ServiceAnnouncement,
    initial: { readonly disabled: boolean; readonly state: ServiceState },
  ): Promise<ServiceRecord>;
  /** Ends watches and closes the database. */
  close(): Promise<void>;
}
