/** A separate Redis server for tests. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { freePort } from '../fixtures/free-port.js';
import { endGroup, removeFolder, spawnKept, temporaryFolder } from '../fixtures/keeper.js';

/** Why tests with a server are skipped; false if it is installed. */
export const withoutRedis =
  spawnSync('redis-server', ['--version']).error !== undefined && 'redis-server is not installed';

/** A running server. */
export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  /** Runs a command of redis-cli. */
  cli(...words: string[]): string;
}

/** Starts a server until the test ends. */
export async function startRedis(
  t: TestContext,
  { port, words = [] }: { port?: number; words?: string[] } = {},
): Promise<RedisServer> {
  const own = port ?? (await freePort());
  const folder = temporaryFolder('redis-');
  const child = spawnKept(
    'redis-server',
    ['--port', String(own), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...words],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  t.after(async () => {
    endGroup(child.pid!);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    removeFolder(folder);
  });
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) if (line.includes('Ready to accept connections')) break;
  child.stdout!.resume();
  return {
    url: `redis://127.0.0.1:${own}`,
    pid: child.pid!,
    cli: (...given) => spawnSync('redis-cli', ['-p', String(own), ...given], { encoding: 'utf8' }).stdout.trim(),
  };
}
