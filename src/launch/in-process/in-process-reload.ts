/**
 * Reload in a process that runs its services itself: the new configuration is checked, and all services build their next parts while they
 * serve; then all stop, take the configuration and start again. Their listening sockets stay open meanwhile, and new connections wait.
 */
import type { Config } from '../../config/index.js';
import { asTrial } from '../../config/internal.js';
import { type Diagnostic, type Refusals, shownPath } from '../../errors/index.js';
import { changedProgramFiles } from '../../process/index.js';
import type { ServiceBase } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import { within } from '../../tasks/internal.js';
import { checkService, type LaunchRequest, type OnReload, serviceName } from '../launcher.js';
import type { LaunchSettings } from '../launcher-options.js';
import {
  announceAdded,
  inStartTime,
  type NextConfiguration,
  type ReloadRequest,
  type ReloadSteps,
  releaseGroups,
} from '../reload/reload.js';
import { outcomeOf, type ReloadResult, refusedFor } from '../reload/reload-report.js';
import type { PlanChanges } from '../reload/service-plans.js';
import type { ServiceRun } from '../services/service-run.js';
import { builtAndValidated, MORE_ERRORS_MS, validateAfter } from '../services/validation.js';
import { tryAddresses } from '../sockets/listen-sockets.js';
import { unlessAborted } from '../waiting.js';

/** Parts that a reload in this process changes. */
interface ProcessParts {
  readonly onReload: OnReload | undefined;
  readonly runs: readonly ServiceRun[];
  /** Adds a service that a reload starts. */
  readonly add: (service: ServiceBase) => ServiceRun;
  /** Removes a service that a reload has stopped. */
  readonly remove: (run: ServiceRun) => unknown;
  /** Called when a configuration with these settings applies. */
  readonly use: (settings: LaunchSettings) => void;
  /**
   * Starts a service as at the launch: a failure ends the launch and does not reject. `failed` is called before that.
   */
  readonly start: (run: ServiceRun, failed: (error: unknown) => void) => Promise<unknown>;
  /** Called when all have stopped, before they start again. */
  readonly stoppedAll: () => Promise<unknown>;
  /** Called with work that is still being built and is not awaited. */
  readonly leaveBehind: (building: Promise<unknown>) => void;
}

/** Returns the steps of a reload of these services. `config`: the present one. */
export function inProcessReload(parts: ProcessParts, config: Config | undefined): ReloadSteps {
  const { runs, onReload } = parts;
  // The process does not know which service has read a file.
  const files = config?.namedFiles.map(({ path, option, where }) => ({ path, option, where, secret: true })) ?? [];
  return {
    services: runs.map(({ service }) => service),
    filesRead: new Map(runs.map(({ name }) => [name, files])),
    hasWorkers: false,
    onReload,
    refuse: (refusals, { prepared }, { stopped }) => refuseWhole(runs, refusals, prepared?.config, stopped),
    apply: (next, changes, request) => buildAndApply({ ...request, ...parts }, next, changes),
  };
}

/** A reload of this process. */
type InProcessReload = ReloadRequest & ProcessParts;

/** Rejects with these refusals and with all other errors of the configuration. */
async function refuseWhole(
  runs: readonly ServiceRun[],
  refusals: Refusals,
  next: Config | undefined,
  stopped: AbortSignal,
): Promise<never> {
  const services = runs.map(({ service }) => service);
  const validated = builtAndValidated(services, next, { next, refused: refusals.refusal });
  await within(validated, { ms: MORE_ERRORS_MS, signal: stopped });
  throw refusals.refusal;
}

function accept(given: InProcessReload, { prepared, settings }: NextConfiguration): void {
  given.accepting();
  prepared?.accept();
  given.use(settings);
  given.accepted(prepared?.config);
}

/** Services of a reload: those that start again, those that end, and requests of those that start. */
interface ServiceChanges {
  readonly kept: readonly ServiceRun[];
  readonly ending: readonly ServiceRun[];
  readonly fresh: readonly LaunchRequest[];
}

/**
 * Has all services build their new parts first, one after another; a failure refuses the reload, and nothing has
 * changed.
 */
async function buildAndApply(
  given: InProcessReload,
  next: NextConfiguration,
  { added, removed }: PlanChanges,
): Promise<ReloadResult> {
  const { runs, stopped, dryRun, method } = given;
  releaseGroups(next.prepared, removed);
  const changes: ServiceChanges = {
    kept: runs.filter(({ name }) => !removed.includes(name)),
    ending: runs.filter(({ name }) => removed.includes(name)),
    fresh: (next.wanted ?? []).filter(({ service }) => added.includes(serviceName(service))),
  };
  const starting = changes.fresh.map(({ service }) => checkService(service));
  const services = [...changes.kept.map(({ service }) => service), ...starting];
  const left = changes.ending.flatMap(({ service }) => (isListening(service) ? service.addresses : []));
  await tryAddresses(starting, left);
  // Built parts that no start has taken are closed at the end; parts that are built later, at once.
  const built: (() => unknown)[] = [];
  let over = false;
  const release = async (): Promise<void> => {
    over = true;
    await Promise.allSettled(built.splice(0).map(async (letGo) => letGo()));
  };
  const checked = next.prepared?.config;
  const build = async (): Promise<readonly Diagnostic[]> => {
    const failures: unknown[] = [];
    for (const service of services) {
      if (over) return [];
      await Promise.resolve(service.prepare?.(next.prepared?.config)).then(
        (letGo) => letGo !== undefined && built.push(letGo),
        (error: unknown) => failures.push(error),
      );
      if (over) await release();
    }
    return validateAfter(services, failures, checked);
  };
  // A mutate only validates what it builds.
  const isBuilt = dryRun || method === 'mutate' ? asTrial(build) : build();
  const limitMs = next.settings.workerStartTimeoutMs;
  try {
    const unknown = await inStartTime(limitMs, unlessAborted(isBuilt, stopped), (limit) => {
      // Its result is no longer needed.
      given.leaveBehind(isBuilt);
      return `the application did not load ${limit}`;
    });
    // A stop was requested first: built parts are closed, nothing else has changed.
    if (unknown === undefined) given.leaveBehind(isBuilt);
    if (stopped.aborted || unknown === undefined) return { outcome: 'abandoned' };
    const found = [...unknown, ...changedCode()];
    if (dryRun) return { outcome: 'accepted', found };
    const done = await (method === 'mutate' ? mutate(given, next) : restartAll(given, next, changes));
    next.prepared?.config.warn(found);
    return { ...done, found };
  } finally {
    await release();
  }
}

/** Returns warnings of changed files: a process loads each module once. */
function changedCode(): Diagnostic[] {
  return changedProgramFiles().map((file) => ({
    code: 'PORTICO_RELOAD_CODE',
    severity: 'warning',
    message: 'this file has changed since the process started, and a reload of a single process does not load it again',
    hint: 'Restart the process. With workers, a reload takes up changed code.',
    location: { kind: 'file', detail: shownPath(file) },
  }));
}

/** Everything that runs keeps the configuration that it was built from; services do with the later one what they want. */
async function mutate(given: InProcessReload, next: NextConfiguration): Promise<ReloadResult> {
  accept(given, next);
  return outcomeOf((await resetAll(given.runs, next.prepared?.config)).map(keepsOld));
}

async function restartAll(
  given: InProcessReload,
  next: NextConfiguration,
  { kept: staying, ending, fresh }: ServiceChanges,
): Promise<ReloadResult> {
  const { stopped } = given;
  const runs = staying.filter(({ started }) => started);
  accept(given, next);
  // New requests wait for the slowest of the old ones: the time limit is that of a drain.
  const request = { reason: 'reload' as const, timeoutMs: next.settings.drainTimeoutMs };
  await Promise.all([
    ...runs.map((run) => run.stop(request)),
    ...ending.map((run) => run.stop({ ...request, reason: 'stop' })),
  ]);
  for (const run of ending) given.remove(run);
  await given.stoppedAll();
  const kept: string[] = [];
  const starts = new Map<ServiceRun, LaunchRequest | undefined>(runs.map((run) => [run, undefined]));
  if (!stopped.aborted) for (const asked of fresh) starts.set(given.add(checkService(asked.service)), asked);
  for (const [run, asked] of starts) {
    if (stopped.aborted) return { outcome: 'abandoned' };
    if (asked === undefined && !(await run.reset(next.prepared?.config))) kept.push(run.name);
    let failure: string | undefined;
    const failed = (error: unknown): void => {
      failure = `service ${run.name} did not restart: ${refusedFor(error).error}`;
    };
    // A failure stops the launcher, which waits for this reload: so this reload does not wait for the stop.
    if (!stopped.aborted) await unlessAborted(given.start(run, failed), stopped);
    if (failure !== undefined) return { ...outcomeOf([failure, ...kept.map(keepsOld)]), endsLaunch: true };
    if (asked !== undefined) announceAdded(given.log, run.name, asked);
  }
  return stopped.aborted ? { outcome: 'abandoned' } : outcomeOf(kept.map(keepsOld));
}

function keepsOld(name: string): string {
  return `service ${name} keeps the old configuration`;
}

/** Passes a later configuration to running services, in order. Returns the names of those that refused it. */
export async function resetAll(runs: readonly ServiceRun[], next: Config | undefined): Promise<string[]> {
  const kept: string[] = [];
  for (const run of runs) if (!(await run.reset(next))) kept.push(run.name);
  return kept;
}
