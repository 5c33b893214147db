/**
 * The tables of a service registry in SQLite, and how they came to be. Forward only: a released step never changes.
 */
import { type Database, transaction } from '../sqlite/index.js';

const STEPS: readonly string[] = [
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

/** Brings the tables up to date. Safe from several processes at once: the first takes the steps, the others find them taken. */
export function migrate(database: Database): void {
  transaction(database, () => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS registry_migrations (step INTEGER PRIMARY KEY, taken_at INTEGER NOT NULL)',
    );
    const taken = Number(database.prepare('SELECT max(step) AS step FROM registry_migrations').get()?.step ?? 0);
    const note = database.prepare('INSERT INTO registry_migrations (step, taken_at) VALUES (?, ?)');
    for (const [index, sql] of STEPS.entries()) {
      if (index < taken) continue;
      database.exec(sql);
      note.run(index + 1, Date.now());
    }
  });
}
