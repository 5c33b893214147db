/**
 * Reload in a process that runs its services itself: the new configuration is checked, and all services build their next parts while they
 * serve; then each of them stops, takes the configuration and starts again, and waits for no other. Its listening socket stays open meanwhile,
 * and new requests wait, for `reload_pause` at most: then they get 503 until the start.
 */
import type { Config } from '../../config/index.js';
import { asTrial } from '../../config/internal.js';
import { type Diagnostic, type Refusals, shownPath } from '../../errors/index.js';
import { changedProgramFiles } from '../../process/index.js';
import type { ServiceBase } from '../../service/index.js';
import { formatAddress, isListening } from '../../service/internal.js';
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
import type { ServiceRun, StopRequest } from '../services/service-run.js';
import { builtAndValidated, logWarnings, MORE_ERRORS_MS, validateAfter } from '../services/validation.js';
import { tryAddresses } from '../sockets/listen-sockets.js';
import { unlessAborted } from '../waiting.js';

/** Parts that a reload in this process changes. */
interface ProcessParts {
  readonly onReload: OnReload | undefined;
  readonly runs: readonly ServiceRun[];
  /** Adds a service that a reload starts. */
  readonly add: (service: ServiceBase) => ServiceRun;
  /** Stops a service that a reload removes. Settles when it has stopped, or with `settleMs` after that time; a stop of the process includes it. */
  readonly retire: (run: ServiceRun, request: StopRequest, settleMs: number) => Promise<unknown>;
  /** Called when a configuration with these settings applies. */
  readonly use: (settings: LaunchSettings) => void;
  /** Starts a service. Returns the error of a failure, after which it is tried again; undefined also if a stop is requested. */
  readonly start: (run: ServiceRun) => Promise<unknown>;
  /** Called when the configuration applies, before the services end. */
  readonly renew: () => Promise<unknown>;
  /** Called with work that is still being built and is not awaited. */
  readonly leaveBehind: (building: Promise<unknown>) => void;
  /** Called when the reload has ended: new parts serve, or are released. */
  readonly settle: () => Promise<unknown>;
  /** Stops a service, and counts what it cuts off for the reload. */
  readonly stop: (run: ServiceRun, request: StopRequest) => Promise<unknown>;
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
  const validated = asTrial(() => builtAndValidated(services, next, { next, refused: refusals.refusal }));
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
    const done = await (method === 'mutate' ? mutate(given, next) : restartEach(given, next, changes));
    logWarnings(next.prepared?.config, found);
    return { ...done, found };
  } finally {
    await release();
    await given.settle();
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

async function restartEach(
  given: InProcessReload,
  next: NextConfiguration,
  { kept: staying, ending, fresh }: ServiceChanges,
): Promise<ReloadResult> {
  const { log, stopped } = given;
  const { drainTimeoutMs: timeoutMs, reloadPauseMs: pauseMs } = next.settings;
  const runs = staying.filter(({ isWanted }) => isWanted);
  accept(given, next);
  await given.renew();
  if (stopped.aborted) return { outcome: 'abandoned' };
  const failures: string[] = [];
  const kept: string[] = [];
  const start = async (run: ServiceRun): Promise<void> => {
    const error = await given.start(run);
    if (error !== undefined)
      failures.push(`service ${run.name} did not start, and is tried again: ${refusedFor(error).error}`);
  };
  const ends = ending.map((run) => ({
    at: addressesOf(run.service),
    ended: given.retire(run, { reason: 'stop', timeoutMs }, pauseMs),
  }));
  await Promise.all([
    ...runs.map(async (run) => {
      await given.stop(run, { reason: 'reload', timeoutMs, pauseMs });
      // A stop meanwhile has ended it. During `drain_delay` it has not: new connections are still served.
      if (run.ends) return;
      if (!(await run.reset(next.prepared?.config))) kept.push(run.name);
      await start(run);
    }),
    ...fresh.map(async (asked) => {
      const service = checkService(asked.service);
      const at = addressesOf(service);
      // The address of one that ends.
      await Promise.all(
        ends.filter((each) => each.at.some((address) => at.includes(address))).map(({ ended }) => ended),
      );
      if (stopped.aborted) return;
      const run = given.add(service);
      run.announce = () => announceAdded(log, run.name, asked);
      await start(run);
    }),
    ...ends.map(({ ended }) => ended),
  ]);
  return stopped.aborted ? { outcome: 'abandoned' } : outcomeOf([...failures, ...kept.map(keepsOld)]);
}

function addressesOf(service: ServiceBase): string[] {
  return isListening(service) ? service.addresses.map(formatAddress) : [];
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
