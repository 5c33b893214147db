/**
 * Builds a configuration in a child process: it runs the application once more, builds all services, and starts none.
 * `check`, a dry run, and the further errors of a refused reload use it.
 */

import type { Config } from '../../config/index.js';
import { ConfigError } from '../../config/internal.js';
import { type Diagnostic, PorticoError } from '../../errors/index.js';
import { ownVersion } from '../../modules/index.js';
import { within } from '../../tasks/internal.js';
import { heldUp } from '../exit-status.js';
import { type LaunchSettings, readSettings } from '../launcher-options.js';
import { type FleetGeneration, fleetGeneration } from '../parent/fleet-generation.js';
import { WorkerHandle } from '../parent/worker-handle.js';
import { firstMessage, spawnWorker, type WorkerProgram } from '../parent/worker-process.js';
import { reloadTimeout } from './reload.js';

/** Name that such a child has in place of the name of a service. */
const ASSIGNED = 'build';
/** Time that a child has to end after it has reported its result. */
const ENDS_WITHIN_MS = 1000;

/**
 * Returns the result of the child, with warnings; undefined if `stopped` was raised. Rejects with the error that kept
 * the child from building, with all errors of a configuration in one refusal, and with `PORTICO_RELOAD_TIMEOUT` after
 * `worker_start_timeout`.
 */
export async function buildInChild(
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped?: AbortSignal,
  stdout: 1 | 2 = 2,
): Promise<readonly Diagnostic[] | undefined> {
  const limitMs = generation.settings.workerStartTimeoutMs;
  const assignment = { service: ASSIGNED, index: 0, workers: 1, generation: generation.number };
  const child = spawnWorker(program, { index: 0, folder: generation.folder, stdout });
  const first = firstMessage(program, generation, { assignment, addresses: [], builds: true, watchesStart: true });
  const worker = new WorkerHandle(child, first);
  try {
    const ms = limitMs || Number.POSITIVE_INFINITY;
    return await within(worker.built, { ms, ...(stopped === undefined ? {} : { signal: stopped }) }, () => {
      if (stopped?.aborted === true) return undefined;
      throw reloadTimeout(`the application was not built within ${limitMs / 1000} s${heldUp(worker.beat)}`);
    });
  } finally {
    void within(worker.exited, stopped?.aborted === true ? 0 : ENDS_WITHIN_MS).then(() => worker.kill('needless'));
  }
}

/**
 * As {@link buildInChild}, for an application that launches nothing: the child runs its main module with these `words`. Returns all errors and
 * warnings, also that the child did not finish: modules of an application may print, block or end their process. `starts`: the process that
 * was started ahead may be the child; otherwise its modules must not print to standard output, which may have to be JSON only.
 */
export async function buildConfiguration(
  config: Config,
  words: readonly string[] = [],
  { starts = false } = {},
): Promise<readonly Diagnostic[]> {
  const shown = () => config.maskArguments(process.argv.slice(2));
  const program = {
    host: process,
    version: ownVersion(),
    withheld: config.variables,
    told: () => words,
    ...(starts ? { shown } : {}),
  };
  const generation = fleetGeneration({ number: 1, settings: settingsFor(config), config });
  try {
    return (await buildInChild(program, generation, undefined, starts ? 1 : 2)) ?? [];
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error;
    return error.diagnostics;
  }
}

/** Returns the defaults if the options of the configuration are refused; the child reports why. */
function settingsFor(config: Config): LaunchSettings {
  try {
    return readSettings(config);
  } catch (error) {
    if (error instanceof ConfigError) return readSettings();
    throw error;
  }
}
