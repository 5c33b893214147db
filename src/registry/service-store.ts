/**
 * Database of a registry. Every rule (who is up, who may register) is above it.
 */
import { type ErrorDetails, PorticoError } from '../errors/index.js';
import type { ServiceRecord, ServiceState } from '../service/index.js';

/** A service's own facts, given when it starts. */
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

/** Fields of a record that may change. */
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
  /** True: it is going; its going says nothing about its siblings. */
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

/** The registry's answer to a heartbeat. */
export interface BeatAnswer {
  readonly reportCount: number;
  readonly disabled: boolean;
  readonly forcedDown: boolean;
  /** Whose the record is: another one means that another service started under this name. */
  readonly instanceId: string;
}

/** Selection of records. */
export interface RecordFilter {
  readonly host?: string;
  readonly binary?: string;
  readonly topic?: string;
}

/**
 * A database of service records. Times are the database's own. Rejects with `RegistryUnavailable` when the database is
 * away; other errors are defects.
 */
export interface ServiceStore {
  /** The database's clock. */
  now(): Promise<Date>;
  find(host: string, binary: string): Promise<ServiceRecord | null>;
  get(uuid: string): Promise<ServiceRecord | null>;
  /** Sorted by host, then binary. */
  list(filter?: RecordFilter): Promise<ServiceRecord[]>;
  /** Rejects with `RecordExists`. */
  insert(service: ServiceAnnouncement, initial: { disabled: boolean; state: ServiceState }): Promise<ServiceRecord>;
  /** Null when the record is gone. */
  update(id: number, changes: RecordChanges): Promise<ServiceRecord | null>;
  /** One more heartbeat, at one stroke. Null when the record is gone. */
  beat(beat: Beat): Promise<BeatAnswer | null>;
  /** Marks a record as deleted, and by whom. False when it is gone already. */
  remove(id: number, by: string): Promise<boolean>;
  /** The user who deleted the record; undefined where it was not deleted. */
  deletedBy(id: number): Promise<string | undefined>;
  /** Those of these services, sorted by service, worker and process. */
  workers(...serviceIds: readonly number[]): Promise<WorkerRow[]>;
  putWorker(serviceId: number, worker: Omit<WorkerRow, 'serviceId' | 'lastSeenUp'>): Promise<void>;
  dropWorker(serviceId: number, worker: number, pid: number): Promise<void>;
  /** Forgets records deleted so long ago, and workers not seen for that time or a day at least; how many records. */
  purge(olderThanSeconds: number): Promise<number>;
  /** Takes or keeps a lease; false while another owner has it. */
  lease(task: string, owner: string, seconds: number): Promise<boolean>;
  /** Brings the tables up to date, where that is not done by opening: how many steps it took. */
  migrate?(): Promise<number>;
  close(): Promise<void>;
}

/** Parts of an error about a database: the place of the option that names it, and what to do about that. */
export type DatabaseOption = Pick<ErrorDetails, 'origin' | 'hint'>;

/** The registry cannot be asked at present: its database is away. Never means that a service is down. */
export class RegistryUnavailable extends PorticoError {
  constructor(cause: unknown, option: DatabaseOption = {}) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `the service registry is unavailable: ${why}`;
    super('PORTICO_REGISTRY_UNAVAILABLE', { ...option, message, cause });
  }
}

/** A record of that host and binary, or host and topic, is there already. */
export class RecordExists extends PorticoError {
  constructor(host: string, name: string) {
    super('PORTICO_RECORD_EXISTS', { message: `the registry already has a record of ${name} on ${host}` });
  }
}
