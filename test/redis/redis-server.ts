/** A separate Redis server for tests. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  readonly port: number;
  readonly pid: number;
  /** Runs a command of redis-cli. */
  cli(...words: string[]): string;
}

interface RedisOptions {
  readonly port?: number;
  readonly words?: readonly string[];
  readonly config?: string;
  readonly cliWords?: readonly string[];
  readonly ready?: string;
}

/**
 * Starts a server until the test ends. `words`: arguments; `config`: lines of its file, which Sentinel needs; `cliWords`: arguments of
 * redis-cli; `ready`: the line of its log after which it can be used.
 */
export async function startRedis(
  t: TestContext,
  { port, words = [], config, cliWords = [], ready = 'Ready to accept connections' }: RedisOptions = {},
): Promise<RedisServer> {
  const own = port ?? (await freePort());
  const folder = temporaryFolder('redis-');
  const file = join(folder, 'redis.conf');
  if (config !== undefined) writeFileSync(file, config);
  const given = ['--port', String(own), '--bind', '127.0.0.1', '--save', '', '--dir', folder, ...words];
  const child = spawnKept('redis-server', [...(config === undefined ? [] : [file]), ...given], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(async () => {
    endGroup(child.pid!);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    removeFolder(folder);
  });
  const lines = createInterface({ input: child.stdout! });
  for await (const line of lines) if (line.includes(ready)) break;
  child.stdout!.resume();
  return {
    url: `redis://127.0.0.1:${own}`,
    port: own,
    pid: child.pid!,
    cli: (...given) =>
      spawnSync('redis-cli', ['-p', String(own), ...cliWords, ...given], { encoding: 'utf8' }).stdout.trim(),
  };
}
