/**
 * Database interface of a registry. The rules (which services are up, which may register) are implemented above it.
 */
import { type ErrorDetails, PorticoError } from '../errors/index.js';
import type { ServiceRecord, ServiceState } from '../service/index.js';

/** Properties of a service at its start. */
export interface ServiceAnnouncement {
  readonly host: string;
  readonly binary: string;
  readonly topic: string | null;
  readonly version: number;
  readonly instanceId: string;
  readonly machineId: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly reportInterval: number;
  readonly downTime: number;
  readonly configGeneration: number;
  readonly zone: string | null;
  readonly endpoints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

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

/** One heartbeat. */
export interface Beat {
  readonly serviceId: number;
  readonly worker: number;
  readonly pid: number;
  readonly instanceId: string;
  readonly inFlight: number;
}

/** Answer of the registry to a heartbeat. */
export interface BeatAnswer {
  readonly reportCount: number;
  readonly disabled: boolean;
  readonly forcedDown: boolean;
  /** Owner of the record: another id means that another service started under this name. */
  readonly instanceId: string;
}

/** Selection of records. */
export interface RecordFilter {
  readonly host?: string;
  readonly binary?: string;
  readonly topic?: string;
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

/** Place of the option that names a database, and a hint, for errors. */
export type DatabaseOption = Pick<ErrorDetails, 'origin' | 'hint'>;

/** The registry is not available, because its database is not. Never means that a service is down. */
export class RegistryUnavailable extends PorticoError {
  constructor(cause: unknown, option: DatabaseOption = {}) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the service registry is unavailable: ${why}`;
    super('PORTICO_REGISTRY_UNAVAILABLE', { ...option, message, cause });
  }
}

/** A record with that host and binary, or host and topic, exists already. */
export class RecordExists extends PorticoError {
  constructor(host: string, name: string) {
    super('PORTICO_RECORD_EXISTS', { message: `the registry already has a record of ${name} on ${host}` });
  }
}
