/** A PostgreSQL server with the registry's tables, in SQLite, and the pools of `pg` that reach it over a network. */
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Clock } from 'portico/tasks';
import { PostgresqlStore } from '../../../dist/extras/registry/postgresql-store.js';
import { SQLITE_STEPS } from '../../../dist/extras/registry/schema.js';
import type { Database } from '../../../dist/sqlite/database.js';
import { openMemory, PretendedDisk } from './pretended-disk.js';

type Row = Readonly<Record<string, unknown>>;

/**
 * Faults of the database. `resets`: a statement is done, and its connection breaks before the response. A database in a file is
 * locked when a server would be silent, and for a moment when one would reset connections.
 */
export type Trouble = 'none' | 'refuses' | 'silent' | 'full' | 'resets';

/** The server, its clock, and a process at the other end. */
export interface DatabaseWorld {
  readonly clock: Clock;
  readonly trouble: Trouble;
  /** The server's wall clock. */
  serverMs(): number;
  latency(): number;
  chance(share: number): boolean;
  /** The clock of a process, which stands still while it is paused. */
  clockOf(host: string): Clock;
  /** A statement was done for a process. */
  done(host: string, sql: string, values: readonly unknown[], rows: readonly Row[]): void;
}

/** A statement in SQLite, and the number of the value of each of its parameters, in their order; 0 is the time. */
interface Prepared {
  readonly statement: ReturnType<Database['prepare']>;
  readonly takes: readonly number[];
}

export class PretendedServer {
  readonly world: DatabaseWorld;
  readonly #database = openMemory();
  /** Statements by their texts in the SQL of PostgreSQL: preparing one takes longer than it runs. */
  readonly #prepared = new Map<string, Prepared>();

  constructor(world: DatabaseWorld) {
    this.world = world;
    this.#database.exec('CREATE TABLE registry_migrations (step INTEGER PRIMARY KEY, taken_at INTEGER NOT NULL)');
    for (const [index, step] of SQLITE_STEPS.entries())
      this.#database.exec(`${step}; INSERT INTO registry_migrations VALUES (${index + 1}, 0)`);
    Object.assign(PretendedDisk, { world, database: this.#database });
  }

  run(text: string, values: readonly unknown[] = []): Row[] {
    const both = /^WITH first AS \((.*)\), second AS \((.*)\) SELECT \* FROM first$/s.exec(text);
    if (both === null) return this.#one(text, values);
    const first = this.#one(both[1]!, values);
    if (first.length > 0) this.#one(both[2]!.replace(' AND EXISTS (SELECT FROM first)', ''), values);
    return first;
  }

  #one(text: string, values: readonly unknown[]): Row[] {
    const prepared = this.#prepared.get(text) ?? this.#prepare(text);
    this.#prepared.set(text, prepared);
    const now = this.world.serverMs();
    try {
      return prepared.statement.all(...prepared.takes.map((at) => (at === 0 ? now : bound(values[at - 1]))));
    } catch (error) {
      const isTaken = /UNIQUE/.test((error as Error).message);
      throw isTaken ? Object.assign(new Error('duplicate key'), { code: '23505' }) : error;
    }
  }

  #prepare(text: string): Prepared {
    const sql = text
      .replaceAll(/clock_timestamp\(\)::timestamptz\(3\) \+ make_interval\(secs => ([^)]+)\)/g, '($$0 + $1 * 1000)')
      .replaceAll('COLLATE "C"', '');
    const takes = [...sql.matchAll(/\$(\d+)/g)].map(([, at]) => Number(at));
    return { statement: this.#database.prepare(sql.replaceAll(/\$\d+/g, '?')), takes };
  }
}

function bound(value: unknown): string | number | null {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'boolean' ? Number(value) : (value as string | number | null);
}

/** In the place of `pg.Pool`. The host of its URL is the process. */
export class PretendedPool extends EventEmitter {
  static server: PretendedServer;

  readonly #server = PretendedPool.server;
  readonly #host: string;
  readonly #limitMs: number;

  constructor(options: { readonly connectionString: string; readonly query_timeout: number }) {
    super();
    this.#host = new URL(options.connectionString).hostname;
    this.#limitMs = options.query_timeout;
  }

  query({ text, values }: { text: string; values: readonly unknown[] }): Promise<{ readonly rows: Row[] }> {
    const { world } = this.#server;
    const own = world.clockOf(this.#host);
    return new Promise((resolve, reject) => {
      const answer = (settle: () => void): void => {
        world.clock.after(world.latency(), () => own.after(0, settle));
      };
      own.after(this.#limitMs, () => reject(new Error('Query read timeout')));
      world.clock.after(world.latency(), () => {
        const { trouble } = world;
        const isWrite = /^(INSERT|UPDATE|DELETE|WITH)/.test(text);
        if (trouble === 'silent') return;
        if (trouble === 'refuses') return answer(() => reject(failure('ECONNREFUSED')));
        if (trouble === 'full' && isWrite) return answer(() => reject(failure('53100')));
        try {
          const rows = this.#server.run(text, values);
          world.done(this.#host, text, values, rows);
          if (trouble === 'resets' && world.chance(0.4)) return answer(() => reject(failure('ECONNRESET')));
          answer(() => resolve({ rows }));
        } catch (error) {
          answer(() => reject(error as Error));
        }
      });
    });
  }

  async end(): Promise<void> {}
}

function failure(code: string): Error {
  return Object.assign(new Error(`a pretended failure: ${code}`), { code });
}

const require = createRequire(import.meta.url);
(require('pg') as { Pool: unknown }).Pool = PretendedPool;

// Loaded now: the product loads it with its first connection, and in virtual time nothing waits for the disk.
await new PostgresqlStore('postgresql://nobody/registry').now().catch(() => undefined);
