/**
 * A new configuration for services of this process: taken in place while they serve, or around a restart.
 */
import type { ConfigChanges } from '../service/index.js';
import type { ServiceRun } from './service-run.js';

/** Gives the new values to services that go on serving, in order. Gives the names of those that keep the old ones. */
export async function resetAll(runs: readonly ServiceRun[], changes: ConfigChanges): Promise<string[]> {
  const kept: string[] = [];
  for (const run of runs) if (!(await run.reset(changes))) kept.push(run.name);
  return kept;
}

/** How services are restarted. */
export interface InPlaceRestart {
  readonly changes: ConfigChanges;
  /** Milliseconds each may take to stop; 0: endless. */
  readonly timeoutMs: number;
  /** A stop was asked for: nothing is started any more. */
  stopping(): boolean;
  /** Starts one again; deals with a failure itself. */
  start(run: ServiceRun): Promise<void>;
}

/**
 * Stops, resets and starts the services, one after another; their sockets stay open meanwhile. Gives the names of those
 * that keep the old values.
 */
export async function restartAll(runs: readonly ServiceRun[], restart: InPlaceRestart): Promise<string[]> {
  const kept: string[] = [];
  for (const run of runs) {
    if (restart.stopping()) break;
    if (!run.started) continue;
    await run.stop({ reason: 'restart', timeoutMs: restart.timeoutMs });
    if (restart.stopping()) break;
    if (!(await run.reset(restart.changes))) kept.push(run.name);
    if (!restart.stopping()) await restart.start(run);
  }
  return kept;
}
