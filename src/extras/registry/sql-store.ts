/**
 * Service records in tables, in the SQL common to SQLite and PostgreSQL: all of the stores except the execution of
 * statements.
 */
import { randomUUID } from 'node:crypto';
import type {
  Beat,
  BeatAnswer,
  RecordChanges,
  RecordFilter,
  ServiceAnnouncement,
  ServiceStore,
  WorkerRow,
} from 'portico/extension';
import type { ServiceRecord, ServiceState } from 'portico/service';
import { RecordExists } from './service-store.js';

/** A row as returned by a database: times as dates or milliseconds, numbers as numbers or text, JSON parsed or not. */
export type Row = Readonly<Record<string, unknown>>;

/** A statement; each `?` is replaced by the next of the values: texts, numbers, booleans, times, null. */
export type Sql = readonly [text: string, ...values: unknown[]];

/** Workers seen within a day are never purged: they may be running. */
const DAY_S = 86_400;

export abstract class SqlStore implements ServiceStore {
  /** Rejects with `RegistryUnavailable` if the database is not available. */
  protected abstract query(...sql: Sql): Promise<readonly Row[]>;
  /** Runs both as one, and returns the first row of the first. */
  protected abstract both(first: Sql, second: Sql): Promise<Row | undefined>;
  /** Returns the database's time, or a number of seconds later, as SQL. */
  protected abstract time(afterSeconds?: number): string;
  /** Returns the seconds from a time until now, as SQL. */
  protected abstract secondsSince(time: string): string;
  /** Reports whether an error means that another row has a value that must be unique. */
  protected abstract isTaken(error: unknown): boolean;
  /** Column `uuid`, comparable with any text. */
  protected abstract readonly uuid: string;
  /** End of a second statement of {@link both} that must do nothing if the first has no row. */
  protected abstract readonly ifFirst: string;
  /** Collation that compares text by its bytes, which is the same on every server. */
  protected abstract readonly byBytes: string;
  abstract close(): Promise<void>;

  async now(): Promise<Date> {
    const [row] = await this.query(`SELECT ${this.time()} AS now`);
    return time(row!.now);
  }

  async find(host: string, binary: string): Promise<ServiceRecord | null> {
    return one(
      await this.query('SELECT * FROM services WHERE host = ? AND "binary" = ? AND deleted = 0', host, binary),
    );
  }

  async get(uuid: string): Promise<ServiceRecord | null> {
    return one(await this.query(`SELECT * FROM services WHERE ${this.uuid} = ? AND deleted = 0`, uuid));
  }

  async list(filter: RecordFilter = {}): Promise<ServiceRecord[]> {
    const { columns, values } = written(filter);
    const where = ['deleted = 0', ...columns.map((column) => `${column} = ?`)].join(' AND ');
    const order = `host ${this.byBytes}, "binary" ${this.byBytes}`;
    return (await this.query(`SELECT * FROM services WHERE ${where} ORDER BY ${order}`, ...values)).map(toRecord);
  }

  async lowestVersion(filter: RecordFilter, { up = false } = {}): Promise<number | undefined> {
    const { columns, values } = written(filter);
    const age = this.secondsSince('coalesce(last_seen_up, created_at)');
    // As `liveness` of service-registry.ts decides.
    const isUp = `state <> 'stopped' AND (report_interval = 0 OR abs(${age}) <= down_time)`;
    const conditions = [
      'deleted = 0',
      'NOT forced_down',
      ...columns.map((column) => `${column} = ?`),
      ...(up ? [isUp] : []),
    ];
    // In the order of an index: the first row is the result.
    const sql = `SELECT version FROM services WHERE ${conditions.join(' AND ')} ORDER BY version LIMIT 1`;
    const [row] = await this.query(sql, ...values);
    return row === undefined ? undefined : Number(row.version);
  }

  async insert(
    service: ServiceAnnouncement,
    initial: { disabled: boolean; state: ServiceState },
  ): Promise<ServiceRecord> {
    const { columns, values } = written({ ...service, ...initial });
    const marks = columns.map(() => '?, ').join('');
    const sql = `INSERT INTO services (${columns.join(', ')}, uuid, created_at) VALUES (${marks}?, ${this.time()}) RETURNING *`;
    try {
      return toRecord((await this.query(sql, ...values, randomUUID()))[0]!);
    } catch (error) {
      throw this.isTaken(error) ? new RecordExists(service.host, service.binary) : error;
    }
  }

  async update(id: number, changes: RecordChanges): Promise<ServiceRecord | null> {
    const { columns, values } = written(changes);
    const set = [...columns.map((column) => `${column} = ?`), `updated_at = ${this.time()}`].join(', ');
    return one(await this.query(`UPDATE services SET ${set} WHERE id = ? AND deleted = 0 RETURNING *`, ...values, id));
  }

  async beat({ serviceId, worker, pid, instanceId, inFlight }: Beat): Promise<BeatAnswer | null> {
    const now = this.time();
    const counted = `UPDATE services SET report_count = report_count + 1, last_seen_up = ${now}
      WHERE id = ? AND deleted = 0 RETURNING report_count, disabled, forced_down, instance_id`;
    const seen = `INSERT INTO service_workers (service_id, worker, pid, instance_id, in_flight, last_seen_up)
      SELECT id, ?, ?, ?, ?, ${now} FROM services WHERE id = ? AND deleted = 0${this.ifFirst} ON CONFLICT (service_id, worker, pid)
      DO UPDATE SET last_seen_up = excluded.last_seen_up, in_flight = excluded.in_flight`;
    const row = await this.both([counted, serviceId], [seen, worker, pid, instanceId, inFlight, serviceId]);
    return row === undefined ? null : toAnswer(row);
  }

  async remove(id: number, by: string): Promise<boolean> {
    const sql = `UPDATE services SET deleted = id, deleted_at = ${this.time()}, deleted_by = ?
      WHERE id = ? AND deleted = 0 RETURNING id`;
    return (await this.query(sql, by, id)).length > 0;
  }

  async deletedBy(id: number): Promise<string | undefined> {
    const [row] = await this.query('SELECT deleted_by FROM services WHERE id = ? AND deleted <> 0', id);
    return (row?.deleted_by as string | null | undefined) ?? undefined;
  }

  async workers(...serviceIds: readonly number[]): Promise<WorkerRow[]> {
    if (serviceIds.length === 0) return [];
    // In the text, because databases limit the number of values of a statement.
    const ids = serviceIds.map(Number).join(', ');
    const sql = `SELECT * FROM service_workers WHERE service_id IN (${ids}) ORDER BY service_id, worker, pid`;
    return (await this.query(sql)).map(toWorker);
  }

  async putWorker(serviceId: number, row: Omit<WorkerRow, 'serviceId' | 'lastSeenUp'>): Promise<void> {
    const { worker, pid, instanceId, inFlight, draining } = row;
    const sql = `INSERT INTO service_workers (service_id, worker, pid, instance_id, in_flight, draining, last_seen_up)
      VALUES (?, ?, ?, ?, ?, ?, ${this.time()}) ON CONFLICT (service_id, worker, pid) DO UPDATE SET
      instance_id = excluded.instance_id, in_flight = excluded.in_flight, draining = excluded.draining,
      last_seen_up = excluded.last_seen_up`;
    await this.query(sql, serviceId, worker, pid, instanceId, inFlight, draining);
  }

  async dropWorker(serviceId: number, worker: number, pid: number): Promise<void> {
    await this.query(
      'DELETE FROM service_workers WHERE service_id = ? AND worker = ? AND pid = ?',
      serviceId,
      worker,
      pid,
    );
  }

  async purge(olderThanSeconds: number): Promise<number> {
    const unseen = this.time(-Math.max(DAY_S, olderThanSeconds));
    await this.query(`DELETE FROM service_workers WHERE last_seen_up <= ${unseen}`);
    const before = this.time(-olderThanSeconds);
    return (await this.query(`DELETE FROM services WHERE deleted <> 0 AND deleted_at <= ${before} RETURNING id`))
      .length;
  }

  async lease(task: string, owner: string, seconds: number): Promise<boolean> {
    const sql = `INSERT INTO service_leases (task, owner, until) VALUES (?, ?, ${this.time(seconds)})
      ON CONFLICT (task) DO UPDATE SET owner = excluded.owner, until = excluded.until
      WHERE service_leases.owner = excluded.owner OR service_leases.until <= ${this.time()} RETURNING task`;
    return (await this.query(sql, task, owner)).length > 0;
  }

  async checkWrite(): Promise<void> {
    const task = `write ${randomUUID()}`;
    await this.lease(task, '', 0);
    await this.query('DELETE FROM service_leases WHERE task = ?', task);
  }
}

/** Readers of a table's columns, by their names in code. */
type Columns<T> = { readonly [K in keyof T]: (value: unknown) => T[K] };

const flag = (value: unknown): boolean => Boolean(Number(value));
const time = (value: unknown): Date => (value instanceof Date ? value : new Date(Number(value)));
const timeOrNull = (value: unknown): Date | null => (value === null ? null : time(value));
const textOrNull = (value: unknown): string | null => value as string | null;
const json = <T>(value: unknown): T => (typeof value === 'string' ? JSON.parse(value) : value) as T;

/** Columns that can be written. */
const WRITTEN: Columns<Required<RecordChanges>> = {
  host: String,
  binary: String,
  topic: textOrNull,
  version: Number,
  instanceId: String,
  machineId: String,
  pid: Number,
  startedAt: time,
  reportInterval: Number,
  downTime: Number,
  configGeneration: Number,
  zone: textOrNull,
  endpoints: json<string[]>,
  labels: json<Record<string, string>>,
  state: (value) => value as ServiceState,
  disabled: flag,
  disabledReason: textOrNull,
  forcedDown: flag,
};

const toRecord = reader<ServiceRecord>({
  ...WRITTEN,
  id: Number,
  uuid: String,
  reportCount: Number,
  lastSeenUp: timeOrNull,
  createdAt: time,
  updatedAt: timeOrNull,
  deletedAt: timeOrNull,
});

const toWorker = reader<WorkerRow>({
  serviceId: Number,
  worker: Number,
  pid: Number,
  instanceId: String,
  lastSeenUp: time,
  inFlight: Number,
  draining: flag,
});

const toAnswer = reader<BeatAnswer>({
  reportCount: Number,
  disabled: flag,
  forcedDown: flag,
  instanceId: String,
});

function reader<T>(columns: Columns<T>): (row: Row) => T {
  const all = Object.entries<(value: unknown) => unknown>(columns).map(
    ([name, read]) => [name, columnOf(name), read] as const,
  );
  return (row) => Object.fromEntries(all.map(([name, column, read]) => [name, read(row[column])])) as T;
}

/** Returns the name in the tables: `report_count` for `reportCount`. */
function columnOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function one([row]: readonly Row[]): ServiceRecord | null {
  return row === undefined ? null : toRecord(row);
}

/** Returns columns, in quotes, and their values; lists and maps as JSON. */
function written(changes: RecordChanges): { readonly columns: readonly string[]; readonly values: readonly unknown[] } {
  const all = Object.entries(changes).filter(([name, value]) => value !== undefined && Object.hasOwn(WRITTEN, name));
  return {
    columns: all.map(([name]) => `"${columnOf(name)}"`),
    values: all.map(([, value]) =>
      typeof value === 'object' && value !== null && !(value instanceof Date) ? JSON.stringify(value) : value,
    ),
  };
}
