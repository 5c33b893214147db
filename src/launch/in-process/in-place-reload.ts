/**
 * What a reload is in a process that runs its services itself: what is new is built first, and the old is gone back to when
 * it does not start.
 */
import type { Config } from '../../config/index.js';
import type { ConfigChanges } from '../../service/index.js';
import type { LaunchSettings } from '../launcher-options.js';
import { inCheckTime, type NextConfiguration, type ReloadRequest, reload } from '../reload/reload.js';
import { outcomeOf, type ReloadResult, refusedFor } from '../reload/reload-report.js';
import { unlessAborted } from '../waiting.js';
import type { ServiceRun, StopRequest } from './service-run.js';

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
  const takeUp = method === 'mutate' ? mutate : restart;
  return reload(given, { config, services, hasWorkers: false, takeUp: (next) => takeUp(given, next) });
}

async function mutate(given: InPlaceReload, next: NextConfiguration): Promise<ReloadResult> {
  // A stop came first: nothing has changed.
  if (given.stopped.aborted) return { outcome: 'abandoned' };
  const changes = await accept(given, next);
  given.accepted();
  return outcomeOf((await resetAll(given.runs, changes)).map(keepsOld));
}

async function accept(given: InPlaceReload, { prepared, settings }: NextConfiguration): Promise<ConfigChanges> {
  const changes = await prepared?.accept();
  given.useSettings(settings);
  return changes ?? new Map();
}

/** All services build what they need first, one after another, while the old ones serve. */
async function restart(given: InPlaceReload, next: NextConfiguration): Promise<ReloadResult> {
  const { runs, stopped, dryRun } = given;
  // What no start has taken is let go of in the end; what is built after that, at once.
  const built: (() => unknown)[] = [];
  let over = false;
  const release = async (): Promise<void> => {
    over = true;
    await Promise.allSettled(built.splice(0).map(async (letGo) => letGo()));
  };
  const build = async (): Promise<void> => {
    for (const { service } of runs) {
      if (over) return;
      const letGo = await service.prepare?.(next.prepared?.config);
      if (letGo !== undefined) built.push(letGo);
      if (over) await release();
    }
  };
  const building = build();
  const isBuilt = building.then(() => true as const);
  const limitMs = next.settings.reloadCheckTimeoutMs;
  try {
    const inTime = await inCheckTime(limitMs, unlessAborted(isBuilt, stopped), (limit) => {
      // What comes of it is not wanted any more.
      given.leaveBehind(isBuilt);
      return `the application did not load ${limit}`;
    });
    // A stop came first: what was built goes, nothing else has changed.
    if (inTime === undefined) given.leaveBehind(isBuilt);
    if (stopped.aborted) return { outcome: 'abandoned' };
    if (dryRun) return { outcome: 'accepted' };
    return await restartWith(given, next);
  } finally {
    await release();
  }
}

/** How services are restarted. */
interface InPlaceRestart {
  readonly changes: ConfigChanges;
  readonly stop: StopRequest;
  /** Raised when a stop was asked for: nothing is started any more. */
  readonly stopped: AbortSignal;
}

async function restartWith(given: InPlaceReload, next: NextConfiguration): Promise<ReloadResult> {
  const { config, runs, stopped } = given;
  const before = config?.snapshot();
  const old = given.settings(config);
  const changes = await accept(given, next);
  const stop = { reason: 'restart', timeoutMs: next.settings.gracefulShutdownTimeoutMs } as const;
  const { touched, kept, failed } = await restartAll(runs, { changes, stop, stopped });
  if (failed === undefined) {
    given.accepted();
    return outcomeOf(kept.map(keepsOld));
  }
  if (stopped.aborted) return { outcome: 'abandoned' };
  const back = before === undefined ? new Map() : await config!.restore(before);
  given.useSettings(old);
  // One that fails stops the launcher, which waits for this reload: so this reload does not wait for the stop.
  const start = (run: ServiceRun): Promise<unknown> => unlessAborted(given.start(run), stopped);
  await restartBack(touched, { changes: back, stop, stopped }, start);
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

/**
 * Stops, resets and starts the services, one after another; their sockets stay open meanwhile. Gives those that were
 * stopped, the names of those that keep the old values, and the one that did not start again: those after it were left alone.
 */
async function restartAll(runs: readonly ServiceRun[], { changes, stop, stopped }: InPlaceRestart) {
  const kept: string[] = [];
  const touched: ServiceRun[] = [];
  for (const run of runs) {
    if (stopped.aborted) break;
    if (!run.started) continue;
    touched.push(run);
    await run.stop(stop);
    if (stopped.aborted) break;
    if (!(await run.reset(changes))) kept.push(run.name);
    if (stopped.aborted) break;
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
  { changes, stop, stopped }: InPlaceRestart,
  start: (run: ServiceRun) => Promise<unknown>,
): Promise<void> {
  for (const run of runs) {
    if (stopped.aborted) return;
    if (run.started) await run.stop(stop);
    await run.reset(changes);
    if (!stopped.aborted) await start(run);
  }
}
