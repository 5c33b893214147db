/**
 * The outermost lines of a program of one's own: a refusal is explained, and the exit status says what it was.
 */
import { holdSignals } from '../early-signals.js';
import { describeError } from '../errors.js';
import { isWorker, wasLogged } from '../launch/index.js';
import type { Awaitable } from '../service/index.js';
import { exitStatusOf } from './exit-status.js';

/**
 * Runs a program and sets `process.exitCode` to the status it gives. What it throws is explained on standard error, as
 * `api-cli` does: 78 for a configuration that was refused, else 1. In a worker it is thrown on: the parent explains.
 */
export async function runMain(program: () => Awaitable<number | undefined>): Promise<void> {
  const release = holdSignals();
  try {
    const status = await program();
    if (status !== undefined) process.exitCode = status;
  } catch (error) {
    if (isWorker()) throw error;
    if (!wasLogged(error)) process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = exitStatusOf(error);
  } finally {
    release();
  }
}
