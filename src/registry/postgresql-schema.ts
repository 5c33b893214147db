/**
 * The tables of a service registry in PostgreSQL. Forward only: a released step never changes.
 */

/** The steps, in order; each runs once, in one transaction with all others that are due. */
export const POSTGRESQL_STEPS: readonly string[] = [
  // Room in each page, and no index on what a heartbeat changes: its updates then touch nothing but their own page.
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
