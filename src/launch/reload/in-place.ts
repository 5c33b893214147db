/**
 * A new configuration for services of this process: taken in place while they serve, or around a restart.
 */
import type { Config } from '../../config/index.js';
import type { ConfigChanges } from '../../service/index.js';
import type { ServiceRun } from '../service-run.js';

/** Gives the new values to services that go on serving, in order. Gives the names of those that keep the old ones. */
export async function resetAll(runs: readonly ServiceRun[], changes: ConfigChanges): Promise<string[]> {
  const kept: string[] = [];
  for (const run of runs) if (!(await run.reset(changes))) kept.push(run.name);
  return kept;
}

/** Services that build what their next starts will need. */
export interface Preparation {
  /** Settles when all have built; rejects with what one of them refused. */
  readonly done: Promise<void>;
  /** Lets go of what no start has taken, at any time: what is built after that goes at once. */
  release(): Promise<unknown>;
}

/** Lets each service build what its next start will need, one after another, while all of them serve. */
export function prepareAll(runs: readonly ServiceRun[], next: Config | undefined): Preparation {
  const built: (() => unknown)[] = [];
  let over = false;
  const release = (): Promise<unknown> => {
    over = true;
    return Promise.allSettled(built.splice(0).map(async (letGo) => letGo()));
  };
  const prepare = async (): Promise<void> => {
    for (const { service } of runs) {
      if (over) return;
      const letGo = await service.prepare?.(next);
      if (letGo !== undefined) built.push(letGo);
      if (over) await release();
    }
  };
  return { done: prepare(), release };
}

/** How services are restarted. */
export interface InPlaceRestart {
  readonly changes: ConfigChanges;
  /** Milliseconds each may take to stop; 0: endless. */
  readonly timeoutMs: number;
  /** A stop was asked for: nothing is started any more. */
  stopping(): boolean;
}

/** What came of it. */
export interface RestartResult {
  /** The services that were stopped. */
  readonly touched: readonly ServiceRun[];
  /** The names of those that keep the old values. */
  readonly kept: readonly string[];
  /** The one that did not start again, with why: those after it were left alone. */
  readonly failed?: { readonly run: ServiceRun; readonly error: unknown };
}

/** Stops, resets and starts the services, one after another; their sockets stay open meanwhile. */
export async function restartAll(runs: readonly ServiceRun[], restart: InPlaceRestart): Promise<RestartResult> {
  const kept: string[] = [];
  const touched: ServiceRun[] = [];
  for (const run of runs) {
    if (restart.stopping()) break;
    if (!run.started) continue;
    touched.push(run);
    await run.stop({ reason: 'restart', timeoutMs: restart.timeoutMs });
    if (restart.stopping()) break;
    if (!(await run.reset(restart.changes))) kept.push(run.name);
    if (restart.stopping()) break;
    try {
      await run.start();
    } catch (error) {
      return { touched, kept, failed: { run, error } };
    }
  }
  return { touched, kept };
}

/** The way back after a restart that failed: the services that were touched, again with the old values. */
export async function restartBack(
  runs: readonly ServiceRun[],
  back: InPlaceRestart & { start(run: ServiceRun): Promise<unknown> },
): Promise<void> {
  for (const run of runs) {
    if (back.stopping()) return;
    if (run.started) await run.stop({ reason: 'restart', timeoutMs: back.timeoutMs });
    await run.reset(back.changes);
    if (!back.stopping()) await back.start(run);
  }
}
