/**
 * Service records in SQLite: for the processes of one machine.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigurationRefused } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { ServiceRecord, ServiceState } from '../service/index.js';
import { type Database, openDatabase, type SqlValue, transaction } from '../sqlite/index.js';
import { pause } from '../tasks/index.js';
import { toColumns, toRecord, toSqlite, toWorker } from './record-row.js';
import { migrateSqlite } from './schema.js';
import {
  type Beat,
  type BeatAnswer,
  type RecordChanges,
  RecordExists,
  type RecordFilter,
  RegistryUnavailable,
  type ServiceAnnouncement,
  type ServiceStore,
  type WorkerRow,
} from './service-store.js';

/** How a store in SQLite is opened. */
export interface SqliteStoreOptions {
  /** Warned when a statement holds up the event loop for more than 50 ms. */
  readonly log?: Logger;
  /** How long a statement waits for another process's write, in milliseconds; the event loop goes on. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** Make the file's folder where there is none. Default false: a folder that is missing may be one that is not mounted. */
  readonly makeFolder?: boolean;
  /** Milliseconds since 1970. SQLite is one machine, so its clock is the database's. Default: `Date.now`. */
  readonly now?: () => number;
}

/** Workers seen within a day are never forgotten: they may be running. */
const DAY_MS = 86_400_000;

/** Longer than this and every request of the worker has waited for it. */
const SLOW_MS = 50;

/** SQLite itself waits so long for a lock, and holds up the event loop; then one tries again, after a pause. */
const BUSY_MS = 10;
const BUSY_PAUSE_MS = 25;

/** File systems on which SQLite's locks do not hold (statfs(2)): NFS, SMB, CIFS, SMB2, AFS, Ceph. */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x5346414f, 0x00c36400,
]);

/** Opened on first use, and again after the database was away. */
export class SqliteStore implements ServiceStore {
  readonly #path: string;
  readonly #options: SqliteStoreOptions;
  readonly #now: () => number;
  #database: Database | undefined;
  /** Of the file that was opened first; it is not made anew when it is gone. */
  #inode: number | undefined;

  /** Opens nothing yet. */
  constructor(path: string, options: SqliteStoreOptions = {}) {
    this.#path = path;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async now(): Promise<Date> {
    return new Date(this.#now());
  }

  find(host: string, binary: string): Promise<ServiceRecord | null> {
    return this.#one('SELECT * FROM services WHERE host = ? AND binary = ? AND deleted = 0', host, binary);
  }

  get(uuid: string): Promise<ServiceRecord | null> {
    return this.#one('SELECT * FROM services WHERE uuid = ? AND deleted = 0', uuid);
  }

  list(filter: RecordFilter = {}): Promise<ServiceRecord[]> {
    const wanted = toColumns(filter);
    const where = ['deleted = 0', ...wanted.map(({ column }) => `${column} = ?`)].join(' AND ');
    const values = wanted.map(({ value }) => toSqlite(value));
    return this.#use((database) =>
      database
        .prepare(`SELECT * FROM services WHERE ${where} ORDER BY host, binary`)
        .all(...values)
        .map(toRecord),
    );
  }

  insert(service: ServiceAnnouncement, initial: { disabled: boolean; state: ServiceState }): Promise<ServiceRecord> {
    const columns = [
      ...toColumns({ ...service, ...initial }),
      { column: 'uuid', value: randomUUID() },
      { column: 'created_at', value: this.#now() },
    ];
    const names = columns.map(({ column }) => column).join(', ');
    const marks = columns.map(() => '?').join(', ');
    return this.#use((database) => {
      try {
        const sql = `INSERT INTO services (${names}) VALUES (${marks}) RETURNING *`;
        return toRecord(database.prepare(sql).get(...columns.map(({ value }) => toSqlite(value)))!);
      } catch (error) {
        if (!/UNIQUE constraint failed/.test((error as Error).message)) throw error;
        throw new RecordExists(service.host, service.binary);
      }
    });
  }

  update(id: number, changes: RecordChanges): Promise<ServiceRecord | null> {
    const columns = [...toColumns(changes), { column: 'updated_at', value: this.#now() }];
    const set = columns.map(({ column }) => `${column} = ?`).join(', ');
    const values = columns.map(({ value }) => toSqlite(value));
    return this.#one(`UPDATE services SET ${set} WHERE id = ? AND deleted = 0 RETURNING *`, ...values, id);
  }

  beat({ serviceId, worker, pid, instanceId, inFlight }: Beat): Promise<BeatAnswer | null> {
    const now = this.#now();
    return this.#use((database) =>
      transaction(database, () => {
        const row = database
          .prepare(
            `UPDATE services SET report_count = report_count + 1, last_seen_up = ? WHERE id = ? AND deleted = 0
             RETURNING report_count, disabled, forced_down, instance_id`,
          )
          .get(now, serviceId);
        if (row === undefined) return null;
        database
          .prepare(
            `INSERT INTO service_workers (service_id, worker, pid, instance_id, last_seen_up, in_flight)
             VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (service_id, worker, pid)
             DO UPDATE SET last_seen_up = excluded.last_seen_up, in_flight = excluded.in_flight`,
          )
          .run(serviceId, worker, pid, instanceId, now, inFlight);
        return {
          reportCount: Number(row.report_count),
          disabled: Boolean(Number(row.disabled)),
          forcedDown: Boolean(Number(row.forced_down)),
          instanceId: String(row.instance_id),
        };
      }),
    );
  }

  remove(id: number, by: string): Promise<boolean> {
    const sql = 'UPDATE services SET deleted = id, deleted_at = ?, deleted_by = ? WHERE id = ? AND deleted = 0';
    return this.#use((database) => Number(database.prepare(sql).run(this.#now(), by, id).changes) > 0);
  }

  deletedBy(id: number): Promise<string | undefined> {
    return this.#use((database) => {
      const row = database.prepare('SELECT deleted_by FROM services WHERE id = ? AND deleted <> 0').get(id);
      return (row?.deleted_by as string | null | undefined) ?? undefined;
    });
  }

  workers(...serviceIds: readonly number[]): Promise<WorkerRow[]> {
    // A list as one value: SQLite bounds how many values a statement has.
    const sql = `SELECT * FROM service_workers WHERE service_id IN (SELECT value FROM json_each(?))
      ORDER BY service_id, worker, pid`;
    return this.#use((database) => database.prepare(sql).all(JSON.stringify(serviceIds)).map(toWorker));
  }

  putWorker(serviceId: number, row: Omit<WorkerRow, 'serviceId' | 'lastSeenUp'>): Promise<void> {
    const sql = `INSERT OR REPLACE INTO service_workers
      (service_id, worker, pid, instance_id, last_seen_up, in_flight, draining) VALUES (?, ?, ?, ?, ?, ?, ?)`;
    const { worker, pid, instanceId, inFlight, draining } = row;
    return this.#use((database) => {
      database.prepare(sql).run(serviceId, worker, pid, instanceId, this.#now(), inFlight, draining ? 1 : 0);
    });
  }

  dropWorker(serviceId: number, worker: number, pid: number): Promise<void> {
    const sql = 'DELETE FROM service_workers WHERE service_id = ? AND worker = ? AND pid = ?';
    return this.#use((database) => void database.prepare(sql).run(serviceId, worker, pid));
  }

  purge(olderThanSeconds: number): Promise<number> {
    const before = this.#now() - olderThanSeconds * 1000;
    return this.#use((database) =>
      transaction(database, () => {
        database
          .prepare('DELETE FROM service_workers WHERE last_seen_up <= ?')
          .run(Math.min(before, this.#now() - DAY_MS));
        const { changes } = database.prepare('DELETE FROM services WHERE deleted <> 0 AND deleted_at <= ?').run(before);
        return Number(changes);
      }),
    );
  }

  lease(task: string, owner: string, seconds: number): Promise<boolean> {
    const sql = `INSERT INTO service_leases (task, owner, until) VALUES (?, ?, ?) ON CONFLICT (task)
      DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE owner = excluded.owner OR until <= ?`;
    const now = this.#now();
    return this.#use(
      (database) => Number(database.prepare(sql).run(task, owner, now + seconds * 1000, now).changes) > 0,
    );
  }

  async close(): Promise<void> {
    this.#database?.close();
    this.#database = undefined;
  }

  #one(sql: string, ...values: SqlValue[]): Promise<ServiceRecord | null> {
    return this.#use((database) => {
      const row = database.prepare(sql).get(...values);
      return row === undefined ? null : toRecord(row);
    });
  }

  /** Runs statements; while another process has the database locked they are tried again. */
  async #use<T>(work: (database: Database) => T): Promise<T> {
    const until = performance.now() + (this.#options.busyTimeoutMs ?? 5000);
    for (;;) {
      try {
        return this.#attempt(work);
      } catch (error) {
        if (!isLocked(error) || performance.now() >= until) throw error;
      }
      await pause(BUSY_PAUSE_MS);
    }
  }

  /** Errors that mean the database is away become `RegistryUnavailable`, and it is opened anew. */
  #attempt<T>(work: (database: Database) => T): T {
    let began = performance.now();
    try {
      this.#checkFile();
      if (this.#database === undefined) {
        this.#database = this.#open();
        began = performance.now();
      }
      return work(this.#database);
    } catch (error) {
      if (error instanceof RegistryUnavailable || !isAway(error)) throw error;
      if (isLocked(error)) throw new RegistryUnavailable(error);
      try {
        this.#database?.close();
      } catch {
        // It was closed by what went wrong.
      }
      this.#database = undefined;
      throw new RegistryUnavailable(error);
    } finally {
      const took = performance.now() - began;
      if (took > SLOW_MS)
        this.#options.log?.warn(`the service registry held up the event loop for ${Math.round(took)} ms`);
    }
  }

  /** A file that was moved away or replaced: SQLite would go on in one that no other process sees. */
  #checkFile(): void {
    if (this.#path === ':memory:' || this.#inode === undefined) return;
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (inode === this.#inode) return;
    if (inode === undefined) throw new RegistryUnavailable(new Error(`the file ${this.#path} is gone`));
    this.#database?.close();
    this.#database = undefined;
  }

  #open(): Database {
    const { busyTimeoutMs = BUSY_MS, makeFolder } = this.#options;
    if (makeFolder === true) mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    if (this.#path !== ':memory:') refuseNetworkFileSystem(this.#path);
    const database = openDatabase(this.#path, { busyTimeoutMs: Math.min(busyTimeoutMs, BUSY_MS) });
    try {
      migrateSqlite(database);
      if (this.#path !== ':memory:') this.#inode = statSync(this.#path).ino;
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

/** Another process writes: the database is there, and will soon be free. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && /database( table)? is (locked|busy)/i.test(error.message);
}

/** By SQLite's words: result codes are not in the errors of every driver. */
function isAway(error: unknown): boolean {
  if ((error as { code?: unknown }).code === 'PORTICO_SQLITE_OPEN') return true;
  const message = error instanceof Error ? error.message : '';
  return /locked|busy|unable to open|disk I\/O|readonly database|no such table|malformed|not a database|disk is full|not open/i.test(
    message,
  );
}

function refuseNetworkFileSystem(path: string): void {
  let type: number;
  try {
    type = Number(statfsSync(dirname(path)).type);
  } catch {
    // No such folder: opening the database says so better.
    return;
  }
  if (!NETWORK_FILE_SYSTEMS.has(type)) return;
  throw new ConfigurationRefused('PORTICO_REGISTRY_NETWORK_FILE_SYSTEM', {
    message: `the service registry ${path} is on a network file system, where SQLite's locks do not hold`,
    hint: 'Use a local folder, or PostgreSQL for several machines.',
  });
}
