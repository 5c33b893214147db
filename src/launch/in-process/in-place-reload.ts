/**
 * A reload in a process that runs its services itself: what is new is built first, and the old is gone back to when it
 * does not start.
 */
import type { Config } from '../../config/index.js';
import { Refusals } from '../../errors/index.js';
import type { ConfigChanges, ServiceBase } from '../../service/index.js';
import type { ReloadRequest } from '../launcher-core.js';
import type { LaunchSettings } from '../launcher-options.js';
import { reloadTimeout } from '../process/hook-list.js';
import { changedFiles, compareOutlines, filesRead, outlineOf, type ReloadChange } from '../reload/reload-changes.js';
import { judge, type ReloadResult, refusedFor } from '../reload/reload-report.js';
import { checkAll, type Prepared, prepareReload } from '../reload/reload-source.js';
import { unlessAborted, within } from '../waiting.js';
import type { ServiceRun } from './service-run.js';

/** What a reload works on. */
export interface InPlaceReload extends Omit<ReloadRequest, 'superseded'> {
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
export async function reloadInPlace(given: InPlaceReload): Promise<ReloadResult> {
  let prepared: Prepared | undefined;
  let building: Preparation | undefined;
  let files: readonly ReloadChange[] = [];
  try {
    const services = given.runs.map(({ service }) => service);
    const read = filesRead(services, given.config);
    prepared = await prepareReload(given.config, given.method);
    if (prepared.refusal === undefined) {
      files = changedFiles(read, filesRead(services, prepared.config), given.method);
    }
    const settings = await settled(given, prepared, services);
    if (given.method === 'reload') {
      building = prepareAll(given.runs, prepared.config);
      await inTime(given, building.done, settings.reloadCheckTimeoutMs);
    }
    // Said after the attempt to stop: what was built goes, nothing else has changed.
    if (given.stopped.aborted) return { outcome: 'refused' };
    const before = outlineOf(services, given.config);
    const pipelines = compareOutlines(before, outlineOf(services, prepared.config));
    const changes = [...prepared.report(), ...files].map(inPlace);
    return { ...(await takeUp(given, prepared, settings)), changes, pipelines };
  } catch (error) {
    if (prepared === undefined || prepared.refusal !== undefined) return refusedFor(error);
    return { ...refusedFor(error), changes: [...prepared.report(), ...files] };
  } finally {
    await building?.release();
  }
}

/** The settings of what is new, which all services have looked at. Rejects with everything that it is refused for. */
async function settled(
  given: InPlaceReload,
  prepared: Prepared,
  services: readonly ServiceBase[],
): Promise<LaunchSettings> {
  const refusals = new Refusals();
  const settings = await refusals.gather(() => given.settings(prepared.config));
  await checkAll(services, prepared, refusals);
  refusals.refuse();
  return settings!;
}

/** There are no workers here: what they would take up is taken up by the restart of the services. */
function inPlace(change: ReloadChange): ReloadChange {
  return change.effect === 'by new workers' ? { ...change, effect: 'applied now' } : change;
}

/** Settles when all is built, or somebody stops the process. Rejects when there is no more time. */
async function inTime(given: InPlaceReload, building: Promise<void>, checkMs: number): Promise<void> {
  const limitMs = checkMs || Number.POSITIVE_INFINITY;
  const built = building.then(() => true as const);
  if ((await within(limitMs, unlessAborted(built, given.stopped))) === true) return;
  // What comes of it is not wanted any more.
  given.leaveBehind(built);
  if (given.stopped.aborted) return;
  throw reloadTimeout(`the application did not load within ${limitMs / 1000} s`);
}

async function takeUp(given: InPlaceReload, prepared: Prepared, settings: LaunchSettings): Promise<ReloadResult> {
  const { config, runs, stopped } = given;
  const before = config?.snapshot();
  const old = given.settings(config);
  const changes = await prepared.accept();
  given.useSettings(settings);
  if (given.method === 'mutate') {
    given.accepted();
    return judge((await resetAll(runs, changes)).map(keepsOld));
  }
  const timeoutMs = settings.gracefulShutdownTimeoutMs;
  const { touched, kept, failed } = await restartAll(runs, { changes, timeoutMs, stopped });
  if (failed === undefined) {
    given.accepted();
    return judge(kept.map(keepsOld));
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
