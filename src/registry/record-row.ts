/**
 * Service records as rows of a table.
 */
import type { ServiceRecord, ServiceState } from '../service/index.js';
import type { SqlValue } from '../sqlite/index.js';
import type { RecordChanges, WorkerRow } from './service-store.js';

/** The columns that may be written, by the names they have in code. */
const COLUMNS: Readonly<Record<keyof Required<RecordChanges>, string>> = {
  host: 'host',
  binary: 'binary',
  topic: 'topic',
  version: 'version',
  instanceId: 'instance_id',
  machineId: 'machine_id',
  pid: 'pid',
  startedAt: 'started_at',
  reportInterval: 'report_interval',
  downTime: 'down_time',
  configGeneration: 'config_generation',
  zone: 'zone',
  endpoints: 'endpoints',
  labels: 'labels',
  state: 'state',
  disabled: 'disabled',
  disabledReason: 'disabled_reason',
  forcedDown: 'forced_down',
};

/** A row as a database gives it: times as dates or milliseconds, numbers as numbers or text, JSON parsed or not. */
export type AnyRow = Readonly<Record<string, unknown>>;

/** Columns and values of changes. */
export function toColumns(changes: RecordChanges): { readonly column: string; readonly value: unknown }[] {
  return (Object.entries(changes) as [keyof typeof COLUMNS, unknown][])
    .filter(([name, value]) => value !== undefined && Object.hasOwn(COLUMNS, name))
    .map(([name, value]) => ({ column: COLUMNS[name], value }));
}

export function toRecord(row: AnyRow): ServiceRecord {
  return {
    id: Number(row.id),
    uuid: String(row.uuid),
    host: String(row.host),
    binary: String(row.binary),
    topic: row.topic as string | null,
    version: Number(row.version),
    reportCount: Number(row.report_count),
    lastSeenUp: time(row.last_seen_up),
    disabled: Boolean(Number(row.disabled)),
    disabledReason: row.disabled_reason as string | null,
    forcedDown: Boolean(Number(row.forced_down)),
    state: row.state as ServiceState,
    instanceId: String(row.instance_id),
    machineId: String(row.machine_id),
    pid: Number(row.pid),
    startedAt: time(row.started_at)!,
    reportInterval: Number(row.report_interval),
    downTime: Number(row.down_time),
    configGeneration: Number(row.config_generation),
    zone: row.zone as string | null,
    endpoints: parsed(row.endpoints) as string[],
    labels: parsed(row.labels) as Record<string, string>,
    createdAt: time(row.created_at)!,
    updatedAt: time(row.updated_at),
    deletedAt: time(row.deleted_at),
  };
}

export function toWorker(row: AnyRow): WorkerRow {
  return {
    serviceId: Number(row.service_id),
    worker: Number(row.worker),
    pid: Number(row.pid),
    instanceId: String(row.instance_id),
    lastSeenUp: time(row.last_seen_up)!,
    inFlight: Number(row.in_flight),
    draining: Boolean(Number(row.draining)),
  };
}

/** For SQLite: times as milliseconds since 1970 UTC, booleans as 0 and 1, lists and maps as JSON. */
export function toSqlite(value: unknown): SqlValue {
  if (value instanceof Date) return value.getTime();
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return value as SqlValue;
}

function parsed(value: unknown): unknown {
  return typeof value === 'string' ? JSON.parse(value) : value;
}

function time(value: unknown): Date | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value : new Date(Number(value));
}
