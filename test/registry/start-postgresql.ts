import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { freePort } from '../fixtures/free-port.js';
import { endGroup, removeFolder, spawnKept, temporaryFolder } from '../fixtures/keeper.js';

/** A separate PostgreSQL server for tests. */
export interface Postgresql {
  /** Creates a database and returns its connection URL. */
  database(): Promise<string>;
  /** Closes all connections of registries from the server's side. */
  breakConnections(): Promise<void>;
  /** Runs a statement in a database. */
  run(connection: string, sql: string): Promise<void>;
  /** Stops the server as an operator does, and starts it again after `meanwhile`. */
  restart(meanwhile?: () => Promise<unknown>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server in a temporary directory at an address. Returns undefined if PostgreSQL is not installed. */
export async function startPostgresql(host = '127.0.0.1'): Promise<Postgresql | undefined> {
  const programs = findPrograms();
  const user = programs === undefined ? undefined : unprivileged();
  if (programs === undefined || user === undefined) return undefined;
  const folder = temporaryFolder('postgresql-');
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
  const data = join(folder, 'data');
  const made = spawnSync(join(programs, 'initdb'), ['-D', data, '-U', 'portico', '-A', 'trust', '-N'], {
    ...user,
    cwd: folder,
  });
  if (made.status !== 0) return undefined;
  if (host !== '127.0.0.1') appendFileSync(join(data, 'pg_hba.conf'), 'host all all samenet trust\n');
  const port = await freePort(host);
  const options = ['-D', data, '-p', String(port), '-h', host, '-k', '', '-F'];
  const start = async (): Promise<ChildProcess> => {
    const stdio = ['ignore', 'ignore', 'pipe'] as const;
    const server = spawnKept(join(programs, 'postgres'), options, { ...user, cwd: folder, stdio: [...stdio] });
    const output = server.stderr!;
    for await (const line of createInterface(output)) if (line.includes('ready to accept connections')) break;
    output.resume();
    return server;
  };
  let server = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    server.kill(signal);
    await once(server, 'exit');
    endGroup(server.pid!);
  };
  const address = (name: string): string => `postgresql://portico@${host}:${port}/${name}`;
  const run = async (connectionString: string, sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  const ask = (sql: string): Promise<void> => run(address('postgres'), sql);
  let databases = 0;
  return {
    database: async () => {
      const name = `test_${++databases}`;
      await ask(`CREATE DATABASE ${name}`);
      return address(name);
    },
    breakConnections: () =>
      ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'portico-registry'"),
    run,
    restart: async (meanwhile) => {
      // SIGINT: closes connections and keeps the data.
      await end('SIGINT');
      await meanwhile?.();
      server = await start();
    },
    stop: async () => {
      // SIGQUIT: immediate, because the data is no longer needed.
      await end('SIGQUIT');
      removeFolder(folder);
    },
  };
}

function findPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, 'bin')) : [];
  const folders = [...versions, ...(process.env.PATH ?? '').split(':')];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** Returns a user for the server, since PostgreSQL refuses to run as root; undefined if there is none. */
function unprivileged(): { uid?: number; gid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}
