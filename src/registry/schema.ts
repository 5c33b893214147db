/**
 * The tables of a service registry, in SQLite and in PostgreSQL, as steps in order; each runs once. Forward only: a released
 * step never changes.
 */
import { type Database, transaction } from '../sqlite/index.js';

const SQLITE_STEPS: readonly string[] = [
  `CREATE TABLE services (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     uuid TEXT NOT NULL UNIQUE,
     host TEXT NOT NULL CHECK (length(host) <= 255),
     binary TEXT NOT NULL CHECK (length(binary) <= 255),
     topic TEXT CHECK (length(topic) <= 255),
     version INTEGER NOT NULL,
     report_count INTEGER NOT NULL DEFAULT 0,
     last_seen_up INTEGER,
     disabled INTEGER NOT NULL DEFAULT 0,
     disabled_reason TEXT,
     forced_down INTEGER NOT NULL DEFAULT 0,
     state TEXT NOT NULL,
     instance_id TEXT NOT NULL,
     machine_id TEXT NOT NULL,
     pid INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     report_interval REAL NOT NULL,
     down_time REAL NOT NULL,
     config_generation INTEGER NOT NULL DEFAULT 0,
     endpoints TEXT NOT NULL DEFAULT '[]',
     labels TEXT NOT NULL DEFAULT '{}',
     zone TEXT,
     created_at INTEGER NOT NULL,
     updated_at INTEGER,
     deleted_at INTEGER,
     deleted INTEGER NOT NULL DEFAULT 0,
     deleted_by TEXT,
     UNIQUE (host, binary, deleted),
     UNIQUE (host, topic, deleted)
   );
   CREATE INDEX services_topic ON services (topic);
   CREATE INDEX services_binary ON services (binary);
   CREATE INDEX services_last_seen_up ON services (last_seen_up);
   CREATE TABLE service_workers (
     service_id INTEGER NOT NULL REFERENCES services (id) ON DELETE CASCADE,
     worker INTEGER NOT NULL,
     pid INTEGER NOT NULL,
     instance_id TEXT NOT NULL,
     last_seen_up INTEGER NOT NULL,
     in_flight INTEGER NOT NULL DEFAULT 0,
     draining INTEGER NOT NULL DEFAULT 0,
     PRIMARY KEY (service_id, worker, pid)
   );
   CREATE TABLE service_leases (
     task TEXT PRIMARY KEY,
     owner TEXT NOT NULL,
     until INTEGER NOT NULL
   );`,
];

/** Run in one transaction with all others that are due. */
export const POSTGRESQL_STEPS: readonly string[] = [
  // Free space in each page, and no index on what a heartbeat changes: its updates then touch nothing but their own page.
  `CREATE TABLE services (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     uuid uuid NOT NULL UNIQUE,
     host varchar(255) NOT NULL,
     "binary" varchar(255) NOT NULL,
     topic varchar(255),
     version integer NOT NULL,
     report_count bigint NOT NULL DEFAULT 0,
     last_seen_up timestamptz(3),
     disabled boolean NOT NULL DEFAULT false,
     disabled_reason text,
     forced_down boolean NOT NULL DEFAULT false,
     state text NOT NULL,
     instance_id text NOT NULL,
     machine_id text NOT NULL,
     pid integer NOT NULL,
     started_at timestamptz(3) NOT NULL,
     report_interval double precision NOT NULL,
     down_time double precision NOT NULL,
     config_generation integer NOT NULL DEFAULT 0,
     endpoints jsonb NOT NULL DEFAULT '[]',
     labels jsonb NOT NULL DEFAULT '{}',
     zone text,
     created_at timestamptz(3) NOT NULL,
     updated_at timestamptz(3),
     deleted_at timestamptz(3),
     deleted bigint NOT NULL DEFAULT 0,
     deleted_by text,
     UNIQUE (host, "binary", deleted),
     UNIQUE (host, topic, deleted)
   ) WITH (fillfactor = 70);
   CREATE INDEX services_topic ON services (topic);
   CREATE INDEX services_binary ON services ("binary");
   CREATE TABLE service_workers (
     service_id bigint NOT NULL REFERENCES services (id) ON DELETE CASCADE,
     worker integer NOT NULL,
     pid integer NOT NULL,
     instance_id text NOT NULL,
     last_seen_up timestamptz(3) NOT NULL,
     in_flight integer NOT NULL DEFAULT 0,
     draining boolean NOT NULL DEFAULT false,
     PRIMARY KEY (service_id, worker, pid)
   ) WITH (fillfactor = 70);
   CREATE TABLE service_leases (
     task text PRIMARY KEY,
     owner text NOT NULL,
     until timestamptz(3) NOT NULL
   )`,
];

/** Brings the tables up to date. Safe from several processes at once: the first takes the steps, the others find them taken. */
export function migrateSqlite(database: Database): void {
  transaction(database, () => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS registry_migrations (step INTEGER PRIMARY KEY, taken_at INTEGER NOT NULL)',
    );
    const taken = Number(database.prepare('SELECT max(step) AS step FROM registry_migrations').get()?.step ?? 0);
    const note = database.prepare('INSERT INTO registry_migrations (step, taken_at) VALUES (?, ?)');
    for (const [index, sql] of SQLITE_STEPS.entries()) {
      if (index < taken) continue;
      database.exec(sql);
      note.run(index + 1, Date.now());
    }
  });
}
