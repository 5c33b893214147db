/**
 * Service records in PostgreSQL: for many machines, by the server's clock. Uses few connections with time limits, and
 * retries transient failures.
 */
import type { Pool } from 'pg';
import { ConfigurationRefused, importPeer, PorticoError } from 'portico/extension';
import { POSTGRESQL_STEPS, refuseOtherTables, TABLES } from './schema.js';
import { type DatabaseOption, RegistryUnavailable } from './service-store.js';
import { type Row, type Sql, SqlStore } from './sql-store.js';

/** Options of a store in PostgreSQL. */
export interface PostgresqlStoreOptions {
  /** Maximum number of connections. Default 2. */
  readonly connections?: number;
  /** Time limit of a connection, in milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Time limit of a statement, in milliseconds. Default 5000. */
  readonly statementTimeoutMs?: number;
  /** Clock in milliseconds since 1970, for tests. Default: the server's clock. */
  readonly now?: () => number;
  /** Option that names the database, for errors. */
  readonly option?: DatabaseOption;
}

const PG = { code: 'PORTICO_PG_MISSING', neededBy: '[servicegroup] driver = postgresql', spec: 'pg' };

/** Attempts of a statement after a conflict or a broken connection. */
const TRIES = 5;

/** Name of the statement of a heartbeat, the only one that runs again and again. */
const HEARTBEAT = 'portico_heartbeat';

/**
 * Codes of a named statement that is unknown, there already, or planned for other tables: a pooler such as PgBouncer gives each transaction
 * another connection, and `db sync` may have changed the tables.
 */
const LOST_PLAN: ReadonlySet<string> = new Set(['26000', '42P05', '0A000']);

/** Lock number for all processes that migrate the tables: they take turns. */
const MIGRATION_LOCK = 7_094_261_883;

/**
 * Connects on first use, and loads the package then, because it is optional. `api-cli db sync` creates the tables,
 * never a service that starts.
 */
export class PostgresqlStore extends SqlStore {
  protected readonly uuid = 'CAST(uuid AS text)';
  /** The second statement sees the rows from before the first waited for another lock. */
  protected readonly ifFirst = ' AND EXISTS (SELECT FROM first)';
  protected readonly byBytes = 'COLLATE "C"';
  readonly #connection: string;
  readonly #options: PostgresqlStoreOptions;
  #pool: Promise<Pool> | undefined;
  /** The server keeps the plan of a heartbeat, which takes longer to make than to run. A clock of a test is part of the text. */
  #keepsPlans: boolean;

  constructor(connection: string, options: PostgresqlStoreOptions = {}) {
    super();
    this.#connection = connection;
    this.#options = options;
    this.#keepsPlans = options.now === undefined;
  }

  /** Migrates the tables; returns the number of steps. Concurrent calls take turns. */
  async migrate(): Promise<number> {
    try {
      const client = await (await this.#opened()).connect();
      try {
        await client.query('BEGIN');
        await client.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
        await client.query(
          'CREATE TABLE IF NOT EXISTS registry_migrations (step integer PRIMARY KEY, taken_at timestamptz NOT NULL)',
        );
        const { rows } = await client.query<Row>('SELECT coalesce(max(step), 0) AS step FROM registry_migrations');
        const taken = Number(rows[0]!.step);
        const { rows: tables } = await client.query<Row>(
          'SELECT relname FROM pg_class WHERE relname = ANY ($1) AND pg_table_is_visible(oid)',
          [TABLES],
        );
        refuseOtherTables(
          tables.map(({ relname }) => relname),
          taken,
          this.#options.option,
        );
        for (const [index, sql] of POSTGRESQL_STEPS.entries()) {
          if (index < taken) continue;
          await client.query(sql);
          await client.query('INSERT INTO registry_migrations (step, taken_at) VALUES ($1, now())', [index + 1]);
        }
        await client.query('COMMIT');
        return Math.max(0, POSTGRESQL_STEPS.length - taken);
      } finally {
        // The transaction has failed, and so has its end.
        client.release(true);
      }
    } catch (error) {
      throw understood(error, this.#options.option);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.catch(() => undefined))?.end();
  }

  protected query(sql: string, ...values: unknown[]): Promise<Row[]> {
    return this.#run(undefined, sql, values);
  }

  async #run(name: string | undefined, sql: string, values: unknown[]): Promise<Row[]> {
    let mark = 0;
    const text = sql.replaceAll('?', () => `$${++mark}`);
    for (let attempt = 1; ; attempt++) {
      try {
        const kept = this.#keepsPlans ? { name } : {};
        return (await (await this.#opened()).query<Row>({ ...kept, text, values })).rows;
      } catch (error) {
        if (this.#keepsPlans && LOST_PLAN.has(codeOf(error))) {
          this.#keepsPlans = false;
          continue;
        }
        if (attempt < TRIES && isPassing(error)) continue;
        throw understood(error, this.#options.option);
      }
    }
  }

  protected async both([first, ...values]: Sql, [second, ...others]: Sql): Promise<Row | undefined> {
    const sql = `WITH first AS (${first}), second AS (${second}) SELECT * FROM first`;
    return (await this.#run(HEARTBEAT, sql, [...values, ...others]))[0];
  }

  /** Time of the statement, not of its transaction, in milliseconds. */
  protected time(afterSeconds = 0): string {
    const { now } = this.#options;
    const time =
      now === undefined ? 'clock_timestamp()::timestamptz(3)' : `timestamptz '${new Date(now()).toISOString()}'`;
    return `${time} + make_interval(secs => ${Number(afterSeconds)})`;
  }

  protected secondsSince(time: string): string {
    return `extract(epoch FROM ${this.time()} - ${time})`;
  }

  protected isTaken(error: unknown): boolean {
    return codeOf(error) === '23505';
  }

  #opened(): Promise<Pool> {
    this.#pool ??= this.#open();
    return this.#pool;
  }

  async #open(): Promise<Pool> {
    const pg = await importPeer((failed) => import('pg').catch(failed), PG);
    const { connections = 2, connectTimeoutMs = 5000, statementTimeoutMs = 5000 } = this.#options;
    const pool = new pg.default.Pool({
      connectionString: this.#connection,
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      // A server that does not respond at all does not enforce the limit of a statement.
      query_timeout: statementTimeoutMs + 1000,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
      application_name: 'portico-registry',
    });
    // A broken idle connection is replaced at the next use, which reports a failure.
    pool.on('error', () => {});
    return pool;
  }
}

/** Returns true for a serialisation failure, a deadlock, and a connection that broke during the statement. */
function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  // A server that cannot be reached in time is not available: each retry would take as long.
  const broken = error instanceof Error && /^Connection terminated(?! due to connection timeout)/.test(error.message);
  return (
    broken || code === '40001' || code === '40P01' || code === '57P01' || code === 'ECONNRESET' || code === 'EPIPE'
  );
}

function understood(error: unknown, option: DatabaseOption = {}): unknown {
  const code = codeOf(error);
  if (code === '42P01') {
    return new ConfigurationRefused('PORTICO_REGISTRY_NOT_MIGRATED', {
      message: "the database does not contain the service registry's tables",
      hint: 'Run: api-cli db sync',
      origin: option.origin,
      cause: error,
    });
  }
  if (error instanceof PorticoError || !isAway(code, error)) return error;
  return new RegistryUnavailable(error, option);
}

/**
 * PostgreSQL's classes 08 (connection), 28 (authorization), 53 (resources), 57 (operator), 25006 (a standby), 3D000 and
 * 55000 (a missing or closed database), and the network's own codes.
 */
function isAway(code: string, error: unknown): boolean {
  if (/^(08|28|53|57)...$|^(25006|3D000|55000)$|^E[A-Z_]+$/.test(code)) return true;
  return (
    error instanceof Error && /terminated|timeout|timed out|not queryable|closed the connection/i.test(error.message)
  );
}

function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string') return code;
  // A host with two addresses has two errors at once.
  return errors?.[0] === undefined ? '' : codeOf(errors[0]);
}
