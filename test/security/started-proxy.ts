/** Proxies that tests of their rules and of requests through them start. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/** In Debian the proxies are in a folder that is only in root's PATH. */
const env = { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin` };
const children: ChildProcess[] = [];

/** The reason to skip tests of a proxy that is not installed. */
export const missing = (program: string): string | false =>
  spawnSync(program, ['-v'], { env, stdio: 'ignore' }).status === 0 ? false : `${program} is not installed`;

/** Starts a proxy and waits until it listens on each of these unix sockets. */
export async function startProxy(command: string, words: readonly string[], sockets: readonly string[]): Promise<void> {
  const child = spawn(command, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  for (const path of sockets) {
    while (!(await listens(path))) {
      assert.equal(child.exitCode, null, `${command} ended: ${said}`);
      await wait(20);
    }
  }
}

/** Ends all proxies; for the end of a test file. */
export async function endProxies(): Promise<void> {
  for (const child of children.splice(0)) if (child.kill('SIGTERM')) await once(child, 'exit');
}

async function listens(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
