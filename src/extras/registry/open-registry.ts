/**
 * Creates a registry, and a service's membership in it, from the configuration.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve, sep } from 'node:path';
import { type Config, workerAssignment } from 'portico/config';
import {
  heartbeatOptions,
  type Logger,
  locationText,
  type Member,
  type ServiceRegistry,
  type ServiceStore,
  sqlitePath,
} from 'portico/extension';
import { systemClock } from 'portico/tasks';
import { keptRecord, Membership, type MembershipOptions } from './membership.js';
import { PostgresqlStore } from './postgresql-store.js';
import {
  checkConnection,
  databaseOptions,
  type RegistryConnection,
  registryConnection,
  servicegroupOptions,
} from './registry-options.js';
import { type ServiceRegistryOptions, StoredRegistry } from './service-registry.js';
import type { DatabaseOption } from './service-store.js';
import { MemoryStore, SqliteStore } from './sqlite-store.js';

/**
 * Returns the registry of a configuration; null if it names no database. Opens nothing yet. Throws
 * `PORTICO_REGISTRY_CONNECTION` for a connection that does not fit the driver.
 */
export function openRegistry(
  config: Config,
  options: ServiceRegistryOptions & { readonly log: Logger },
): ServiceRegistry | null {
  const group = config.group('servicegroup', servicegroupOptions);
  const database = config.group('database', databaseOptions);
  const named = registryConnection(config);
  // A heartbeat must fail before the next one is due, and so must its statements.
  const limit = TIMEOUT_PART * (config.group('DEFAULT', heartbeatOptions, { partial: true }).reportInterval || 60);
  const make = (store: ServiceStore): ServiceRegistry => new StoredRegistry(store, options);
  if (group.driver === 'memory') return make(memoryOf(config));
  if (named === undefined) return null;
  checkConnection(group.driver, named);
  const { connection } = named;
  const option = databaseOption(named);
  if (group.driver === 'sqlite') {
    const path = sqlitePath(connection);
    const below = resolve(config.resolve('DEFAULT', 'state_path').value as string);
    const makeFolder = path.startsWith(below + sep);
    const busyTimeoutMs = Math.min(BUSY_MS, limit * 1000);
    return make(new SqliteStore(path, { log: options.log, busyTimeoutMs, makeFolder, option }));
  }
  const { poolSize, statementTimeout } = database;
  return make(
    new PostgresqlStore(connection, {
      connections: Math.min(2, poolSize),
      connectTimeoutMs: Math.min(CONNECT_S, limit) * 1000,
      statementTimeoutMs: Math.min(statementTimeout, limit) * 1000,
      option,
    }),
  );
}

/** Returns the location of a connection, for errors of its database. */
function databaseOption({ group, location }: RegistryConnection): DatabaseOption {
  const where = location.origin === undefined ? ` (${locationText(location)})` : '';
  return { origin: location.origin, hint: `Check [${group}] connection${where}, and the database that it names.` };
}

/** One store for all users of a configuration: the services of a process share it, also after a reload. */
const memories = new WeakMap<object, MemoryStore>();

function memoryOf({ lineage }: Config): MemoryStore {
  const store = memories.get(lineage) ?? new MemoryStore();
  memories.set(lineage, store);
  return store;
}

/** Time that a statement of SQLite waits while another process writes: longer than any transaction here. */
const BUSY_MS = 5000;
/** Seconds that a statement waits for a connection, if heartbeats are rare. */
const CONNECT_S = 30;

/** Share of the heartbeat interval that one statement may take. */
const TIMEOUT_PART = 0.5;

/** A member, and what replaces its options of the configuration. */
export interface MemberOptions extends Omit<Partial<MembershipOptions>, keyof Member>, Member {
  /** Identity of this process. Default: the launcher's. */
  readonly process?: { readonly worker: number; readonly instance: string; readonly generation: number };
}

/**
 * Returns a service's membership in the registry, for its `ManagerHooks`. Absent options come from the configuration.
 */
export function membership(registry: ServiceRegistry, config: Config, options: MemberOptions): Membership {
  const group = config.group('servicegroup', servicegroupOptions);
  const defaults = config.group('DEFAULT', heartbeatOptions);
  const {
    host = defaults.host,
    binary,
    topic = null,
    version = 0,
    zone = null,
    endpoints = [],
    labels = {},
    kept,
    ...rest
  } = options;
  const { worker, instance, generation } = options.process ?? thisProcess(config);
  const machineId = machine();
  const last = keptRecord(kept, host, binary);
  return new Membership(
    registry,
    {
      host,
      binary,
      topic,
      version,
      zone,
      endpoints,
      labels,
      worker,
      pid: process.pid,
      machineId,
      instanceId: `${machineId}/${instance}`,
      configGeneration: generation,
    },
    {
      ...group,
      ...defaults,
      // The first heartbeats of a fleet do not hold up its start.
      initialDelay: Math.min(5, defaults.reportInterval || 5),
      // Heartbeats of a fleet that starts at once do not reach the database together.
      jitter: 0.1,
      // As long as a worker may start.
      startWait: 60,
      retryInterval: 1,
      maxRetryInterval: 10,
      // Another machine may do the work of one that was forced down.
      mustRegister: group.fenceOnForcedDown && last?.forcedDown !== false,
      kept,
      inFlight: () => 0,
      onVerdict: () => {},
      onDisabled: () => {},
      isAlive,
      clock: systemClock,
      random: Math.random,
      ...rest,
    },
  );
}

/** All workers of a fleet belong to one incarnation, their parent's; a process without workers has its own. */
function thisProcess(config: Config): { worker: number; instance: string; generation: number } {
  const assignment = workerAssignment();
  if (assignment === undefined) return { worker: 0, instance: String(process.pid), generation: config.generation };
  return { worker: assignment.index, instance: String(process.ppid), generation: assignment.generation };
}

/** Returns machine-id(5) if there is one: two machines may have the same host name by accident. */
function machine(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim() || hostname();
  } catch {
    return hostname();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
