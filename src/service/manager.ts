/**
 * The Manager contract: the domain behind a service, whatever its protocol.
 */
import type { PeriodicTasks } from '../tasks/index.js';
import type { Awaitable } from './service.js';
import type { Track } from './task-tracker.js';

/** A service's own state. `stopped` counts as down at once. */
export type ServiceState = 'starting' | 'running' | 'draining' | 'stopped';

/** A registry's record of one service: one binary on one host, whatever its number of workers. */
export interface ServiceRecord {
  readonly id: number;
  /** Id for the outside world. */
  readonly uuid: string;
  readonly host: string;
  readonly binary: string;
  /** Null for services that take no remote calls. */
  readonly topic: string | null;
  /** The version of the code, as the service numbers it. */
  readonly version: number;
  /** Heartbeats since the record was made. */
  readonly reportCount: number;
  /** The last heartbeat, by the registry's clock. Not `updatedAt`, which an operator's edit moves as well. */
  readonly lastSeenUp: Date | null;
  /** An operator's word: give it no new work. */
  readonly disabled: boolean;
  readonly disabledReason: string | null;
  /** An operator's word: treat it as dead, whatever it reports. */
  readonly forcedDown: boolean;
  readonly state: ServiceState;
  /** The incarnation that wrote last. */
  readonly instanceId: string;
  readonly machineId: string;
  readonly pid: number;
  readonly startedAt: Date;
  /** Seconds between heartbeats, as this service promised; 0: it sends none. */
  readonly reportInterval: number;
  /** Seconds without a heartbeat after which this service counts as down. */
  readonly downTime: number;
  /** Number of the accepted configuration that it runs. */
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
  /** Before the service has a record (null on the first start), before traffic: acquire. */
  initHost?(record: ServiceRecord | null): Awaitable<void>;
  /** The record exists, nothing listens yet. Null where the service keeps none. */
  preStartHook?(record: ServiceRecord | null): Awaitable<void>;
  /** Serving; requests and messages may already have come. */
  postStartHook?(): Awaitable<void>;
  /** Nothing new is accepted: finish what is under way, within `timeoutMs`. */
  gracefulShutdown?(timeoutMs: number): Awaitable<void>;
  /** After the last request or call: release. Also after a start that failed anywhere behind `initHost`'s beginning. */
  cleanupHost?(): Awaitable<void>;
  /** A new configuration was accepted. */
  reset?(): Awaitable<void>;
  /** Its own schedule, where tasks are added in code. Default: its methods marked with `@periodicTask`. */
  readonly periodicTasks?: PeriodicTasks;
  /**
   * Makes work known by name, so that a stop waits for it and the log names it. Set by the service before `initHost`,
   * unless the manager has one of its own: declare it as `track!: Track`.
   */
  track?: Track;
  /** Address of the process's backdoor: a port, a path, or null. Set before `initHost` where it is declared. */
  backdoorPort?: number | string | null;
  /** More objects whose methods can be called remotely; fixed when the service begins to serve. */
  readonly additionalEndpoints?: readonly object[];
}

/** A service's place in a registry, as the service itself uses it. Made by `portico/registry`. */
export interface Registration {
  /**
   * The current record; null when there is none yet. Waits for a registry that is away, until `signal` is raised: then
   * it rejects with the signal's reason.
   */
  read(signal?: AbortSignal): Promise<ServiceRecord | null>;
  /** Makes or updates the record: version, incarnation, state `starting`. Waits as `read` does. */
  register(signal?: AbortSignal): Promise<ServiceRecord>;
  /** Begins the heartbeat; state `running`. */
  join(): Awaitable<void>;
  /** State `draining`; the heartbeat goes on. */
  drain(): Awaitable<void>;
  /** Ends the heartbeat; state `stopped`. Never fails: a registry that is away must not hold up an end. */
  leave(): Awaitable<void>;
  /** The registry was not reached for so long that others take the service for dead. */
  isLost?(): boolean;
  /** Deletes the record, after `leave`. False where it is gone already. */
  remove?(): Awaitable<boolean>;
  /** Takes or keeps the lease of a task that runs on one host only; false while another has it. */
  lease?(task: string, seconds: number): Promise<boolean>;
}
