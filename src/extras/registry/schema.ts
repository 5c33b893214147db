/**
 * Tables of a service registry, as ordered steps; each runs once. Forward only: a released step never changes the
 * content of its tables.
 */
import { ConfigurationRefused } from 'portico/extension';
import type { DatabaseOption } from './service-store.js';

/** SQLite accepts PostgreSQL's type names, and limits the length of text only by a check. */
function tables(id: string, storage: string): string {
  return `CREATE TABLE services (
     id ${id},
     uuid uuid NOT NULL UNIQUE,
     host varchar(255) NOT NULL CHECK (length(host) <= 255),
     "binary" varchar(255) NOT NULL CHECK (length("binary") <= 255),
     topic varchar(255) CHECK (length(topic) <= 255),
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
   )${storage};
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
   )${storage};
   CREATE TABLE service_leases (
     task text PRIMARY KEY,
     owner text NOT NULL,
     until timestamptz(3) NOT NULL
   );`;
}

/** The lowest version of a binary or topic is the first entry. No column of a heartbeat is in it. */
const LOWEST_VERSION = `CREATE INDEX services_binary_version ON services ("binary", version) WHERE deleted = 0 AND NOT forced_down;
   CREATE INDEX services_topic_version ON services (topic, version) WHERE deleted = 0 AND NOT forced_down;`;

export const SQLITE_STEPS: readonly string[] = [
  `${tables('INTEGER PRIMARY KEY AUTOINCREMENT', '')}
   CREATE INDEX services_last_seen_up ON services (last_seen_up);`,
  LOWEST_VERSION,
];

export const POSTGRESQL_STEPS: readonly string[] = [
  // Free space in each page, and no index on the columns of a heartbeat: its updates then touch only their own page.
  tables('bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY', ' WITH (fillfactor = 70)'),
  LOWEST_VERSION,
];

/** Tables of the first step. */
export const TABLES: readonly string[] = ['services', 'service_workers', 'service_leases'];

/**
 * Throws `PORTICO_REGISTRY_TABLES` if the tables of a database are not those that its steps have created: some are
 * gone, or another application's tables have their names. `taken`: the number of steps.
 */
export function refuseOtherTables(found: readonly unknown[], taken: number, option: DatabaseOption = {}): void {
  const isThere = (table: string): boolean => found.includes(table);
  const wrong = TABLES.filter((table) => isThere(table) !== taken > 0).join(', ');
  if (wrong === '') return;
  const { origin } = option;
  const [message, hint] =
    taken > 0
      ? [
          `the database lacks tables of the service registry, which registry_migrations says it has: ${wrong}`,
          'Restore them from a backup. Or drop registry_migrations and the other tables of the registry: they are made again, empty.',
        ]
      : [
          `the database has tables that are not of the service registry: ${wrong}`,
          'Name another database in [servicegroup] connection. If the tables are of the registry, restore registry_migrations too.',
        ];
  throw new ConfigurationRefused('PORTICO_REGISTRY_TABLES', { message, hint, origin });
}
