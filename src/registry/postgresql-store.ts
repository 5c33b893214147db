/**
 * Service records in PostgreSQL: for many machines, by the server's clock.
 */
import { randomUUID } from 'node:crypto';
import type { ServiceRecord, ServiceState } from '../service/index.js';
import { type PoolOptions, PostgresqlPool } from './postgresql-pool.js';
import { toColumns, toRecord, toWorker } from './record-row.js';
import { POSTGRESQL_STEPS } from './schema.js';
import type {
  Beat,
  BeatAnswer,
  RecordChanges,
  RecordFilter,
  ServiceAnnouncement,
  ServiceStore,
  WorkerRow,
} from './service-store.js';
import { RecordExists } from './service-store.js';

/** How a store in PostgreSQL is made. */
export interface PostgresqlStoreOptions extends PoolOptions {
  /** Milliseconds since 1970, for tests. Default: the server's clock. */
  readonly now?: () => number;
}

/** One number for all who bring the tables up to date: they take turns. */
const MIGRATION_LOCK = 7_094_261_883;

/** Connects on first use. Its tables are made by `api-cli db sync`, never by a service that starts. */
export class PostgresqlStore implements ServiceStore {
  readonly #pool: PostgresqlPool;
  readonly #clock: (() => number) | undefined;

  constructor(connection: string, options: PostgresqlStoreOptions = {}) {
    this.#pool = new PostgresqlPool(connection, options);
    this.#clock = options.now;
  }

  async now(): Promise<Date> {
    const { rows } = await this.#pool.query(`SELECT ${this.#now} AS now`);
    return rows[0]!.now as Date;
  }

  find(host: string, binary: string): Promise<ServiceRecord | null> {
    return this.#one('SELECT * FROM services WHERE host = $1 AND "binary" = $2 AND deleted = 0', host, binary);
  }

  get(uuid: string): Promise<ServiceRecord | null> {
    return this.#one('SELECT * FROM services WHERE uuid::text = $1 AND deleted = 0', uuid);
  }

  async list(filter: RecordFilter = {}): Promise<ServiceRecord[]> {
    const wanted = toColumns(filter);
    const where = ['deleted = 0', ...wanted.map(({ column }, index) => `"${column}" = $${index + 1}`)].join(' AND ');
    const values = wanted.map(({ value }) => value);
    // In the order of bytes, which is the same on every server.
    const sql = `SELECT * FROM services WHERE ${where} ORDER BY host COLLATE "C", "binary" COLLATE "C"`;
    return (await this.#pool.query(sql, values)).rows.map(toRecord);
  }

  async insert(
    service: ServiceAnnouncement,
    initial: { disabled: boolean; state: ServiceState },
  ): Promise<ServiceRecord> {
    const columns = [...toColumns({ ...service, ...initial }), { column: 'uuid', value: randomUUID() }];
    const names = columns.map(({ column }) => `"${column}"`).join(', ');
    const marks = columns.map((_, index) => `$${index + 1}`).join(', ');
    const sql = `INSERT INTO services (${names}, created_at) VALUES (${marks}, ${this.#now}) RETURNING *`;
    try {
      const { rows } = await this.#pool.query(
        sql,
        columns.map(({ value }) => toParameter(value)),
      );
      return toRecord(rows[0]!);
    } catch (error) {
      if ((error as { code?: unknown }).code !== '23505') throw error;
      throw new RecordExists(service.host, service.binary);
    }
  }

  update(id: number, changes: RecordChanges): Promise<ServiceRecord | null> {
    const columns = toColumns(changes);
    const set = columns.map(({ column }, index) => `"${column}" = $${index + 2}, `).join('');
    const values = columns.map(({ value }) => toParameter(value));
    const sql = `UPDATE services SET ${set}updated_at = ${this.#now} WHERE id = $1 AND deleted = 0 RETURNING *`;
    return this.#one(sql, id, ...values);
  }

  async beat({ serviceId, worker, pid, instanceId, inFlight }: Beat): Promise<BeatAnswer | null> {
    const sql = `
      WITH beat AS (
        UPDATE services SET report_count = report_count + 1, last_seen_up = ${this.#now} WHERE id = $1 AND deleted = 0
        RETURNING report_count, disabled, forced_down, instance_id
      ), worker_row AS (
        INSERT INTO service_workers (service_id, worker, pid, instance_id, last_seen_up, in_flight)
        SELECT $1, $2, $3, $4, ${this.#now}, $5 FROM beat
        ON CONFLICT (service_id, worker, pid)
        DO UPDATE SET last_seen_up = excluded.last_seen_up, in_flight = excluded.in_flight
      )
      SELECT * FROM beat`;
    const [row] = (await this.#pool.query(sql, [serviceId, worker, pid, instanceId, inFlight])).rows;
    if (row === undefined) return null;
    return {
      reportCount: Number(row.report_count),
      disabled: row.disabled as boolean,
      forcedDown: row.forced_down as boolean,
      instanceId: row.instance_id as string,
    };
  }

  async remove(id: number, by: string): Promise<boolean> {
    const sql = `UPDATE services SET deleted = id, deleted_at = ${this.#now}, deleted_by = $2 WHERE id = $1 AND deleted = 0`;
    return (await this.#pool.query(sql, [id, by])).count > 0;
  }

  async deletedBy(id: number): Promise<string | undefined> {
    const { rows } = await this.#pool.query('SELECT deleted_by FROM services WHERE id = $1 AND deleted <> 0', [id]);
    return (rows[0]?.deleted_by as string | null | undefined) ?? undefined;
  }

  async workers(...serviceIds: readonly number[]): Promise<WorkerRow[]> {
    const sql = 'SELECT * FROM service_workers WHERE service_id = ANY($1) ORDER BY service_id, worker, pid';
    return (await this.#pool.query(sql, [serviceIds])).rows.map(toWorker);
  }

  async putWorker(serviceId: number, row: Omit<WorkerRow, 'serviceId' | 'lastSeenUp'>): Promise<void> {
    const { worker, pid, instanceId, inFlight, draining } = row;
    const sql = `INSERT INTO service_workers (service_id, worker, pid, instance_id, in_flight, draining, last_seen_up)
      VALUES ($1, $2, $3, $4, $5, $6, ${this.#now}) ON CONFLICT (service_id, worker, pid) DO UPDATE SET
      instance_id = excluded.instance_id, in_flight = excluded.in_flight, draining = excluded.draining,
      last_seen_up = excluded.last_seen_up`;
    await this.#pool.query(sql, [serviceId, worker, pid, instanceId, inFlight, draining]);
  }

  async dropWorker(serviceId: number, worker: number, pid: number): Promise<void> {
    const sql = 'DELETE FROM service_workers WHERE service_id = $1 AND worker = $2 AND pid = $3';
    await this.#pool.query(sql, [serviceId, worker, pid]);
  }

  async purge(olderThanSeconds: number): Promise<number> {
    const before = (seconds: number): string => `${this.#now} - make_interval(secs => ${seconds})`;
    // Workers seen within a day are never forgotten: they may be running.
    await this.#pool.query(
      `DELETE FROM service_workers WHERE last_seen_up <= ${before(Math.max(86_400, Number(olderThanSeconds)))}`,
    );
    const sql = `DELETE FROM services WHERE deleted <> 0 AND deleted_at <= ${before(Number(olderThanSeconds))}`;
    return (await this.#pool.query(sql)).count;
  }

  async lease(task: string, owner: string, seconds: number): Promise<boolean> {
    const sql = `INSERT INTO service_leases (task, owner, until)
      VALUES ($1, $2, ${this.#now} + make_interval(secs => $3)) ON CONFLICT (task)
      DO UPDATE SET owner = excluded.owner, until = excluded.until
      WHERE service_leases.owner = excluded.owner OR service_leases.until <= ${this.#now}`;
    return (await this.#pool.query(sql, [task, owner, seconds])).count > 0;
  }

  /** Brings the tables up to date; the number of steps it took. Several at once take turns. */
  migrate(): Promise<number> {
    return this.#pool.transaction(async (query) => {
      await query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
      await query(
        'CREATE TABLE IF NOT EXISTS registry_migrations (step integer PRIMARY KEY, taken_at timestamptz NOT NULL)',
      );
      const { rows } = await query('SELECT coalesce(max(step), 0) AS step FROM registry_migrations');
      const taken = Number(rows[0]!.step);
      for (const [index, sql] of POSTGRESQL_STEPS.entries()) {
        if (index < taken) continue;
        await query(sql);
        await query('INSERT INTO registry_migrations (step, taken_at) VALUES ($1, now())', [index + 1]);
      }
      return Math.max(0, POSTGRESQL_STEPS.length - taken);
    });
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** The time, as SQL: of the statement, not of its transaction, and to the millisecond. */
  get #now(): string {
    if (this.#clock === undefined) return 'clock_timestamp()::timestamptz(3)';
    return `timestamptz '${new Date(this.#clock()).toISOString()}'`;
  }

  async #one(sql: string, ...values: unknown[]): Promise<ServiceRecord | null> {
    const [row] = (await this.#pool.query(sql, values)).rows;
    return row === undefined ? null : toRecord(row);
  }
}

/** Lists and maps are JSON columns; the driver would make arrays of the former. */
function toParameter(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !(value instanceof Date) ? JSON.stringify(value) : value;
}
