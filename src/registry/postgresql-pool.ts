/**
 * Connections to PostgreSQL: few, with limits of time, and with a few more tries where a failure passes by itself.
 */
import type { Pool, PoolClient } from 'pg';
import { ConfigurationRefused, PorticoError } from '../errors/index.js';
import { importPeer } from '../modules/index.js';
import { RegistryUnavailable } from './service-store.js';

/** How connections are made. */
export interface PoolOptions {
  /** At most so many. Default 2. */
  readonly connections?: number;
  /** Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Default 5000. */
  readonly statementTimeoutMs?: number;
}

const PG = { code: 'PORTICO_PG_MISSING', neededBy: '[servicegroup] driver = postgresql', spec: 'pg' };

/** Tries of a statement that lost against another, or whose connection broke. */
const TRIES = 5;

/** One row by its columns. A type of our own: the package and its types are optional. */
// biome-ignore lint/suspicious/noExplicitAny: a column has the type of its table
type Row = Record<string, any>;

/** What a statement gave. */
export interface Rows {
  readonly rows: readonly Row[];
  readonly count: number;
}

/** Connects on first use; the package is loaded then, since it is an optional one. */
export class PostgresqlPool {
  readonly #connection: string;
  readonly #options: PoolOptions;
  #pool: Promise<Pool> | undefined;

  constructor(connection: string, options: PoolOptions = {}) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Runs a statement. Rejects with `RegistryUnavailable` when the server is away. */
  async query(sql: string, values: readonly unknown[] = []): Promise<Rows> {
    for (let attempt = 1; ; attempt++) {
      try {
        const pool = await this.#opened();
        const { rows, rowCount } = await pool.query<Row>(sql, [...values]);
        return { rows, count: rowCount ?? 0 };
      } catch (error) {
        if (attempt < TRIES && isPassing(error)) continue;
        throw understood(error);
      }
    }
  }

  /** Runs statements of one transaction. */
  async transaction<T>(work: (query: (sql: string, values?: unknown[]) => Promise<Rows>) => Promise<T>): Promise<T> {
    let client: PoolClient | undefined;
    try {
      const connected = await (await this.#opened()).connect();
      client = connected;
      await connected.query('BEGIN');
      const result = await work(async (sql, values = []) => {
        const { rows, rowCount } = await connected.query<Row>(sql, values);
        return { rows, count: rowCount ?? 0 };
      });
      await connected.query('COMMIT');
      client = undefined;
      connected.release();
      return result;
    } catch (error) {
      // A connection in the middle of a transaction is not given to another caller.
      client?.release(true);
      throw understood(error);
    }
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await (await pool?.catch(() => undefined))?.end();
  }

  #opened(): Promise<Pool> {
    this.#pool ??= this.#open();
    return this.#pool;
  }

  async #open(): Promise<Pool> {
    const pg = await importPeer(() => import('pg'), PG);
    const { connections = 2, connectTimeoutMs = 5000, statementTimeoutMs = 5000 } = this.#options;
    const pool = new pg.default.Pool({
      connectionString: this.#connection,
      max: connections,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      // A server that does not answer at all keeps no statement's limit.
      query_timeout: statementTimeoutMs + 1000,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
      application_name: 'portico-registry',
    });
    // An idle connection that breaks is replaced by the next use, which says so if it cannot.
    pool.on('error', () => {});
    return pool;
  }
}

/** Serialisation failure, deadlock, and a connection that broke under the statement. */
function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  // A server that cannot be connected to in time is away: to try again takes as long each time.
  const broken = error instanceof Error && /^Connection terminated(?! due to connection timeout)/.test(error.message);
  return (
    broken || code === '40001' || code === '40P01' || code === '57P01' || code === 'ECONNRESET' || code === 'EPIPE'
  );
}

function understood(error: unknown): unknown {
  const code = codeOf(error);
  if (code === '42P01') {
    return new ConfigurationRefused('PORTICO_REGISTRY_NOT_MIGRATED', {
      message: 'the database has no tables of the service registry',
      hint: 'Run: api-cli db sync',
      cause: error,
    });
  }
  if (error instanceof PorticoError || !isAway(code, error)) return error;
  return new RegistryUnavailable(error);
}

/** PostgreSQL's classes 08 (connection), 53 (resources), 57 (operator), 25006 (a standby), and the network's own codes. */
function isAway(code: string, error: unknown): boolean {
  if (/^(08|53|57)...$|^25006$|^E[A-Z_]+$/.test(code)) return true;
  return (
    error instanceof Error && /terminated|timeout|timed out|not queryable|closed the connection/i.test(error.message)
  );
}

function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: readonly unknown[] };
  if (typeof code === 'string') return code;
  // A host with two addresses fails twice at once.
  return errors?.[0] === undefined ? '' : codeOf(errors[0]);
}
