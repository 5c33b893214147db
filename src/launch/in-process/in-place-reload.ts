/**
 * What a reload is in a process that runs its services itself: what is new is built first, and the old is gone back to when
 * it does not start.
 */
import type { Config } from '../../config/index.js';
import type { ConfigChanges } from '../../service/index.js';
import type { LaunchSettings } from '../launcher-options.js';
import { reloadTimeout } from '../process/hook-list.js';
import { type NextConfiguration, reload } from '../reload/reload.js';
import { outcomeOf, type ReloadResult, refusedFor } from '../reload/reload-report.js';
import type { ReloadRequest } from '../runner.js';
import { unlessAborted, within } from '../waiting.js';
import type { ServiceRun } from './service-run.js';

/** What a reload works on. */
export interface InPlaceReload extends ReloadRequest {
  readonly config: Config | undefined;
  readonly runs: readonly ServiceRun[];
  /** From now on these hold. */
  readonly useSettings: (settings: LaunchSettings) => void;
  /** Starts a service as at the launch: a failure ends the launch, and does not reject. */
  readonly start: (run: ServiceRun) => Promise<unknown>;
  /** Told of what is still being built, and not waited for. */
  readonly leaveBehind: (building: Promise<unknown>) => void;
}

/** Gives what came of it; never rejects. */
export function reloadInPlace(given: InPlaceReload): Promise<ReloadResult> {
  const { config, runs, method } = given;
  const services = runs.map(({ service }) => service);
  return reload(given, {
    config,
    services,
    workers: false,
    takeUp: (next) => (method === 'mutate' ? mutate(given, next) : restart(given, next)),
  });
}

async function mutate(given: InPlaceReload, { prepared, settings }: NextConfiguration): Promise<ReloadResult> {
  // A stop came first: nothing has changed.
  if (given.stopped.aborted) return { outcome: 'refused' };
  const changes = await prepared.accept();
  given.useSettings(settings);
  given.accepted();
  return outcomeOf((await resetAll(given.runs, changes)).map(keepsOld));
}

/** All services build what they need first, while the old ones serve. */
async function restart(given: InPlaceReload, next: NextConfiguration): Promise<ReloadResult> {
  const building = prepareAll(given.runs, next.prepared.config);
  try {
    await inTime(given, building.done, next.settings.reloadCheckTimeoutMs);
    // A stop came first: what was built goes, nothing else has changed.
    if (given.stopped.aborted) return { outcome: 'refused' };
    if (given.dryRun) return { outcome: 'accepted' };
    return await restartWith(given, next);
  } finally {
    await building.release();
  }
}

/** Settles when all is built, or a stop was asked for. Rejects when there is no more time. */
async function inTime(given: InPlaceReload, building: Promise<void>, checkMs: number): Promise<void> {
  const limitMs = checkMs || Number.POSITIVE_INFINITY;
  const built = building.then(() => true as const);
  if ((await within(limitMs, unlessAborted(built, given.stopped))) === true) return;
  // What comes of it is not wanted any more.
  given.leaveBehind(built);
  if (given.stopped.aborted) return;
  throw reloadTimeout(`the application did not load within ${limitMs / 1000} s`);
}

async function restartWith(given: InPlaceReload, { prepared, settings }: NextConfiguration): Promise<ReloadResult> {
  const { config, runs, stopped } = given;
  const before = config?.snapshot();
  const old = given.settings(config);
  const changes = await prepared.accept();
  given.useSettings(settings);
  const timeoutMs = settings.gracefulShutdownTimeoutMs;
  const { touched, kept, failed } = await restartAll(runs, { changes, timeoutMs, stopped });
  if (failed === undefined) {
    given.accepted();
    return outcomeOf(kept.map(keepsOld));
  }
  if (stopped.aborted) return { outcome: 'refused' };
  const back = before === undefined ? new Map() : await config!.restore(before);
  given.useSettings(old);
  // One that fails stops the launcher, which waits for this reload: so this reload does not wait for the stop.
  const start = (run: ServiceRun): Promise<unknown> => unlessAborted(given.start(run), stopped);
  await restartBack(touched, { changes: back, timeoutMs, stopped, start });
  const why = `service ${failed.run.name} did not start with the new configuration, and the old one is back`;
  const restored = touched.map(({ name }) => name);
  const { error } = refusedFor(failed.error);
  return { outcome: 'refused', error: `${why}: ${error}`, thrown: failed.error, restored };
}

function keepsOld(name: string): string {
  return `service ${name} keeps the old configuration`;
}

/** Gives the new values to services that go on serving, in order. Gives the names of those that keep the old ones. */
export async function resetAll(runs: readonly ServiceRun[], changes: ConfigChanges): Promise<string[]> {
  const kept: string[] = [];
  for (const run of runs) if (!(await run.reset(changes))) kept.push(run.name);
  return kept;
}

/** Services that build what their next starts will need. */
interface Preparation {
  /** Settles when all have built; rejects with what one of them refused. */
  readonly done: Promise<void>;
  /** Lets go of what no start has taken, at any time: what is built after that goes at once. */
  release(): Promise<unknown>;
}

/** Lets each service build what its next start will need, one after another, while all of them serve. */
function prepareAll(runs: readonly ServiceRun[], next: Config | undefined): Preparation {
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
interface InPlaceRestart {
  readonly changes: ConfigChanges;
  /** Milliseconds each may take to stop; 0: endless. */
  readonly timeoutMs: number;
  /** Raised when a stop was asked for: nothing is started any more. */
  readonly stopped: AbortSignal;
}

/** What came of it. */
interface RestartResult {
  /** The services that were stopped. */
  readonly touched: readonly ServiceRun[];
  /** The names of those that keep the old values. */
  readonly kept: readonly string[];
  /** The one that did not start again, with why: those after it were left alone. */
  readonly failed?: { readonly run: ServiceRun; readonly error: unknown };
}

/** Stops, resets and starts the services, one after another; their sockets stay open meanwhile. */
async function restartAll(runs: readonly ServiceRun[], restart: InPlaceRestart): Promise<RestartResult> {
  const kept: string[] = [];
  const touched: ServiceRun[] = [];
  for (const run of runs) {
    if (restart.stopped.aborted) break;
    if (!run.started) continue;
    touched.push(run);
    await run.stop({ reason: 'restart', timeoutMs: restart.timeoutMs });
    if (restart.stopped.aborted) break;
    if (!(await run.reset(restart.changes))) kept.push(run.name);
    if (restart.stopped.aborted) break;
    try {
      await run.start();
    } catch (error) {
      return { touched, kept, failed: { run, error } };
    }
  }
  return { touched, kept };
}

/** The way back after a restart that failed: the services that were touched, again with the old values. */
async function restartBack(
  runs: readonly ServiceRun[],
  back: InPlaceRestart & { start(run: ServiceRun): Promise<unknown> },
): Promise<void> {
  for (const run of runs) {
    if (back.stopped.aborted) return;
    if (run.started) await run.stop({ reason: 'restart', timeoutMs: back.timeoutMs });
    await run.reset(back.changes);
    if (!back.stopped.aborted) await back.start(run);
  }
}
