/**
 * A reload in a process that runs its services itself: what is new is built first, and the old is gone back to when it
 * does not start.
 */
import type { Config } from '../../config/index.js';
import { PorticoError, Refusals } from '../../errors/index.js';
import type { ServiceBase } from '../../service/index.js';
import type { RestartMethod } from '../launch-arguments.js';
import type { LaunchSettings } from '../launch-settings.js';
import type { ServiceRun } from '../service-run.js';
import { unlessAborted, within } from '../within.js';
import { changedFiles, filesRead, type ReloadChange } from './changed-files.js';
import { checkAll } from './check-all.js';
import { type Preparation, prepareAll, resetAll, restartAll, restartBack } from './in-place.js';
import { compareOutlines, outlineOf } from './outline.js';
import { judge, type ReloadResult, refusedFor } from './reload-report.js';
import { type Prepared, prepareReload } from './reload-source.js';

/** What a reload works on. */
export interface InPlaceReload {
  readonly config: Config | undefined;
  readonly method: RestartMethod;
  readonly runs: readonly ServiceRun[];
  /** The settings of a configuration. */
  readonly settings: (config: Config | undefined) => LaunchSettings;
  /** From now on these hold. */
  readonly useSettings: (settings: LaunchSettings) => void;
  /** Called when the new configuration is in force. */
  readonly accepted: () => void;
  readonly stopping: () => boolean;
  /** Raised when a stop was asked for. */
  readonly stopped: AbortSignal;
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
    if (given.stopping()) return { outcome: 'refused' };
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
  if (given.stopping()) return;
  throw new PorticoError('PORTICO_RELOAD_TIMEOUT', {
    message: `the application did not load within ${limitMs / 1000} s`,
    hint: 'If it needs so long, set a longer reload_check_timeout.',
  });
}

async function takeUp(given: InPlaceReload, prepared: Prepared, settings: LaunchSettings): Promise<ReloadResult> {
  const { config, runs, stopping } = given;
  const before = config?.snapshot();
  const old = given.settings(config);
  const changes = await prepared.accept();
  given.useSettings(settings);
  if (given.method === 'mutate') {
    given.accepted();
    return judge((await resetAll(runs, changes)).map(keepsOld));
  }
  const timeoutMs = settings.gracefulShutdownTimeoutMs;
  const { touched, kept, failed } = await restartAll(runs, { changes, timeoutMs, stopping });
  if (failed === undefined) {
    given.accepted();
    return judge(kept.map(keepsOld));
  }
  if (stopping()) return { outcome: 'refused' };
  const back = before === undefined ? new Map() : await config!.restore(before);
  given.useSettings(old);
  // One that fails stops the launcher, which waits for this reload: so this reload does not wait for the stop.
  const start = (run: ServiceRun): Promise<unknown> => unlessAborted(given.start(run), given.stopped);
  await restartBack(touched, { changes: back, timeoutMs, stopping, start });
  const why = `service ${failed.run.name} did not start with the new configuration, and the old one is back`;
  const restored = touched.map(({ name }) => name);
  const { error } = refusedFor(failed.error);
  return { outcome: 'refused', error: `${why}: ${error}`, thrown: failed.error, restored };
}

function keepsOld(name: string): string {
  return `service ${name} keeps the old configuration`;
}
