/** The outermost function of an application: it prints a refusal and sets the exit status. */
import { holdSignals } from '../process/index.js';
import type { Awaitable } from '../service/index.js';

/**
 * Runs an application and exits with the status that it returns, at most a second later, even if it left handles open. An application
 * that returns no status runs until it has nothing left to do. Errors are printed to standard error, as by `api-cli`, with
 * status 78 for a refused configuration, otherwise 1. `--help` and `--version` are printed to standard output, with status 0.
 * In a worker the error is rethrown, and the parent prints it.
 *
 * If SIGTERM arrives before the application has a launcher, it has two more seconds. If it has a launcher by then, the process
 * exits with 0, because no work had begun. If it has finished, it exits with its own status; otherwise, for example in the
 * middle of a migration, with 143. SIGHUP before the launch likewise ends with 129; after it, SIGHUP reloads.
 */
export async function runMain(program: () => Awaitable<number | undefined>): Promise<void> {
  const release = holdSignals({ launches: false });
  try {
    const status = await program();
    if (status !== undefined) await endWith(status);
  } catch (error) {
    await tell(error);
  } finally {
    release();
  }
}

// An application that imports `portico` loads neither the commands nor their texts.
async function endWith(status: number): Promise<void> {
  const { endSoon } = await import('./command-failure.js');
  endSoon(status);
}

async function tell(error: unknown): Promise<void> {
  const { isWorker, wasLogged } = await import('../launch/internal.js');
  const { refusedConfig } = await import('../config/internal.js');
  const isChecked = refusedConfig(error) !== undefined;
  const whole = isChecked ? await (await import('./validate/validate-all.js')).withAllErrors(error) : error;
  if (isWorker()) throw whole;
  const { HelpRequested } = await import('../config/internal.js');
  if (error instanceof HelpRequested) {
    process.stdout.write(error.text);
    return endWith(0);
  }
  const { exitStatusOf } = await import('./command-failure.js');
  const { explainedError } = await import('../modules/index.js');
  if (!wasLogged(error)) process.stderr.write(`${explainedError(whole)}\n`);
  process.exitCode = exitStatusOf(error);
  // The validation imports the application, whose handles would keep the process.
  if (isChecked) await endWith(exitStatusOf(error));
}
