/**
 * Runs in every worker before the application's main module: `node --import <this file> main.js`.
 *
 * This module and `process/v8` are the only ones of the toolkit that act on import; it does nothing in a process
 * that is no worker, nor in a worker thread, which inherits the `--import`.
 */

import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { heldTick, keepCompiledCode, ownFile, returnStartMemory } from '../../process/index.js';
import type { Sent } from '../worker-message.js';

export { heldTick };

/** Key of the link on the process object; a worker of `api-cli` has a function there, which it calls first, and which makes the link. */
const WORKER = Symbol.for('portico.worker');

if (isMainThread && process.send !== undefined && process.env.PORTICO_WORKER !== undefined) {
  // Before any other module is loaded: a SIGTERM in between would kill the process by its default action.
  const ended: Sent = { portico: true, kind: 'ended', status: 0, cutOff: false, signalled: true };
  const stopped = (): void => {
    // The signal was a request, so the start has not failed. A message this short is in the channel when `send`
    // returns.
    process.send?.(ended);
    process.off('exit', unexplained);
    process.exit(0);
  };
  let unexplained: () => void = () => undefined;
  const ignored = (): void => undefined;
  process.on('SIGTERM', stopped);
  process.on('SIGINT', ignored);
  process.on('SIGHUP', ignored);
  const releaseSignals = (): void => {
    process.off('SIGTERM', stopped);
    process.off('SIGINT', ignored);
    process.off('SIGHUP', ignored);
  };
  delete process.env.PORTICO_WORKER;
  keepCompiledCode();
  returnStartMemory();
  /** Waits for the configuration. `meanwhile`: called if the parent is still reading it. */
  const begin = async (meanwhile: () => Promise<unknown>): Promise<void> => {
    try {
      const { beginWork } = await import('./parent-link.js');
      unexplained = await beginWork(releaseSignals, meanwhile);
    } catch (error) {
      const text = `the package portico is incomplete: ${(error as Error).message}. Workers start when it is installed again`;
      const failed: Sent = { portico: true, kind: 'failed', text, code: undefined, status: 1 };
      process.send?.(failed);
      process.exit(1);
    }
  };
  const [, main = ''] = process.argv;
  const isCli = existsSync(main) && realpathSync(main) === fileURLToPath(ownFile('cli/main.js'));
  // It stands above this directory, and knows the modules that all its workers need: it loads them meanwhile.
  if (isCli) Object.defineProperty(process, WORKER, { value: begin, configurable: true });
  else await begin(() => Promise.resolve());
}
