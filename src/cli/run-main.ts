/**
 * The outermost lines of a program of one's own: a refusal is explained, and the exit status says what it was.
 */

import { describeError } from '../errors/index.js';
import { isWorker, wasLogged } from '../launch/internal.js';
import { holdSignals } from '../process/index.js';
import type { Awaitable } from '../service/index.js';
import { exitStatusOf } from './failure.js';

/**
 * Runs a program and ends the process with the status it gives, a second later at most, whatever handles it forgot; a program
 * that gives none goes on as long as it has anything to do. What it throws is explained on standard error, as
 * `api-cli` does: 78 for a configuration that was refused, else 1. In a worker it is thrown on: the parent explains.
 *
 * TERM before the program has a launcher: it goes on for two seconds. If a launcher is there by then the process ends with
 * 0, for nothing was under way; a program that is done by then has its own status; any other, such as a migration half
 * way, ends with 143. HUP ends it with 129 likewise, and is a reload behind the launch of one that launches.
 */
export async function runMain(program: () => Awaitable<number | undefined>): Promise<void> {
  const release = holdSignals({ launches: false });
  try {
    const status = await program();
    if (status !== undefined) endSoon(status);
  } catch (error) {
    if (isWorker()) throw error;
    if (!wasLogged(error)) process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitStatusOf(error);
  } finally {
    release();
  }
}

/** How long a process may take to end by itself. */
const FORGOTTEN_MS = 1000;

/** Ends the process with a status: by itself, so that all it has written is out, or after a while. */
export function endSoon(status: number): void {
  process.exitCode = status;
  setTimeout(() => process.exit(), FORGOTTEN_MS).unref();
}
