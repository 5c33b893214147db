import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { endGroup, removeFolder, spawnKept, temporaryFolder } from '../fixtures/keeper.js';

/** A PostgreSQL server of the test's own. */
export interface Postgresql {
  /** Makes a database; the connection to it. */
  database(): Promise<string>;
  /** Ends all connections from the server's side. */
  breakConnections(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server in a temporary folder; undefined where this machine has none. */
export async function startPostgresql(): Promise<Postgresql | undefined> {
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
  const port = await freePort();
  const options = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', '-F'];
  const server = spawnKept(join(programs, 'postgres'), options, {
    ...user,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const output = server.stderr!;
  for await (const line of createInterface(output)) if (line.includes('ready to accept connections')) break;
  output.resume();
  const address = (name: string): string => `postgresql://portico@127.0.0.1:${port}/${name}`;
  const ask = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: address('postgres') });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
  let databases = 0;
  return {
    database: async () => {
      const name = `test_${++databases}`;
      await ask(`CREATE DATABASE ${name}`);
      return address(name);
    },
    breakConnections: () =>
      ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'portico-registry'"),
    stop: async () => {
      // SIGQUIT: at once, since nothing of it is needed again.
      server.kill('SIGQUIT');
      await once(server, 'exit');
      endGroup(server.pid!);
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

/** PostgreSQL refuses to run as root: then as its own user, if there is one. */
function unprivileged(): { uid?: number; gid?: number } | undefined {
  if (process.getuid?.() !== 0) return {};
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
