/**
 * Reload in the parent of workers: the application names the services, and the workers adopt the new configuration by the
 * chosen method.
 *
 * A `reload` replaces all workers, one after another: the first new worker of each service starts beside the old ones,
 * which proves the configuration; then it takes effect; then the other workers are replaced.
 */
import type { Config } from '../../config/index.js';
import {
  ConfigurationRefused,
  type Diagnostic,
  inOrder,
  isError,
  PorticoError,
  type Refusals,
  severalRefusals,
  shownPath,
  whole,
} from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ReloadReport } from '../../operating/index.js';
import type { Awaitable } from '../../service/index.js';
import { formatAddress } from '../../service/internal.js';
import { type LaunchRequest, type OnReload, serviceName } from '../launcher.js';
import { ConcurrentStarts, together as joined } from '../parent/concurrent-starts.js';
import { type FleetGeneration, fleetGeneration } from '../parent/fleet-generation.js';
import type { Supervisor } from '../parent/supervisor.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { WorkerProgram } from '../parent/worker-process.js';
import type { HookList } from '../process/hook-list.js';
import { logWarnings, MORE_ERRORS_MS, toldByAll } from '../services/validation.js';
import { bindFailure, bindFailures, locationOfAddress } from '../sockets/listen-sockets.js';
import { buildInChild } from './build-configuration.js';
import {
  announceAdded,
  type NextConfiguration,
  type ReloadRequest,
  type ReloadSteps,
  releaseGroups,
  reloadTimeout,
} from './reload.js';
import { outcomeOf, type ReloadResult } from './reload-report.js';
import type { PlanChanges } from './service-plans.js';

/** Parts that a reload in the parent of workers changes. */
interface Fleet {
  readonly supervisor: Supervisor;
  readonly onReload: OnReload | undefined;
  readonly hooks: HookList<[config: Config | undefined]>;
}

/** Time after which a worker that has not applied the new values is replaced by one that starts with them. */
const TAKEN_WITHIN_MS = 10_000;

/** Returns the steps of a reload of these workers. */
export function fleetReload(fleet: Fleet): ReloadSteps {
  const { supervisor, onReload } = fleet;
  return {
    services: supervisor.pools.map(({ service }) => service),
    filesRead: supervisor.generation.files.byService,
    hasWorkers: true,
    onReload,
    refuse: (refusals, { prepared, settings = supervisor.generation.settings }, { stopped }) =>
      refuseWhole(refusals, supervisor.program, nextGeneration(supervisor, { prepared, settings }), stopped),
    apply: (next, changes, request) => applyToFleet(fleet, request, next, changes),
  };
}

async function applyToFleet(
  { supervisor, hooks }: Fleet,
  request: ReloadRequest,
  { prepared, settings, wanted = [] }: NextConfiguration,
  { added, removed }: PlanChanges,
): Promise<ReloadResult> {
  const { log, dryRun, method, stopped, superseded } = request;
  if (!dryRun) {
    const late = await hooks.runWithin(settings.workerStartTimeoutMs, prepared?.config);
    if (late !== undefined) throw reloadTimeout(late);
  }
  const whole = nextGeneration(supervisor, { prepared, settings });
  // A mutate replaces no worker: they run the code that they have loaded.
  const next = method === 'mutate' ? { ...whole, files: supervisor.generation.files } : whole;
  const accept = (): void => {
    request.accepting();
    prepared?.accept();
    supervisor.useGeneration(
      next,
      wanted.map(({ service }) => service),
    );
    request.accepted(prepared?.config);
  };
  if (method === 'mutate') {
    const found = prepared === undefined ? [] : await build(supervisor.program, whole, stopped);
    if (stopped.aborted) return { outcome: 'abandoned' };
    if (dryRun) return { outcome: 'accepted', found };
    accept();
    return { ...outcomeOf(await mutateFleet(supervisor)), found };
  }
  releaseGroups(prepared, removed);
  const asked = new Map(wanted.map((request) => [serviceName(request.service), request]));
  const change = { next, asked, added, removed, accept, stopped, superseded };
  if (dryRun) return { ...(await tryOut(supervisor, change)), outcome: stopped.aborted ? 'abandoned' : 'accepted' };
  const done = await replaceWorkers(supervisor, log, change);
  if (done === undefined) return { outcome: 'abandoned' };
  const { failures, ...result } = done;
  logWarnings(prepared?.config, done.found);
  return { ...result, ...outcomeOf(failures) };
}

function nextGeneration(
  supervisor: Supervisor,
  { prepared, settings }: Pick<NextConfiguration, 'prepared' | 'settings'>,
): FleetGeneration {
  return fleetGeneration({ number: supervisor.generation.number + 1, settings, config: prepared?.config });
}

/** Makes running workers reset their services. Returns the workers that refused or did not respond, each with the reason. */
async function mutateFleet(supervisor: Supervisor): Promise<string[]> {
  const failures: string[] = [];
  const mutateOne = async (pool: WorkerPool, worker: WorkerHandle): Promise<void> => {
    const { index } = worker.assignment;
    // A worker that ends meanwhile is replaced by one that starts with the new configuration.
    const taken = await worker.mutate(supervisor.generation, TAKEN_WITHIN_MS).catch(() => true);
    if (taken === true) return;
    const what = taken === undefined ? 'did not respond and is replaced' : 'refused the new configuration';
    failures.push(`worker ${index} of service ${pool.name} ${what}`);
    if (taken === undefined) pool.replace(worker, 'recycle');
  };
  await Promise.all(supervisor.pools.flatMap((pool) => pool.current.map((worker) => mutateOne(pool, worker))));
  return failures;
}

/** Parameters of {@link replaceWorkers}. */
interface FleetChange extends Pick<ReloadRequest, 'stopped' | 'superseded'>, Pick<PlanChanges, 'added' | 'removed'> {
  readonly next: FleetGeneration;
  /** Launch requests of the application, by service; empty if it makes none. */
  readonly asked: ReadonlyMap<string, LaunchRequest>;
  /** Makes the new configuration the present one. */
  accept(): Awaitable<void>;
}

/** Result of {@link replaceWorkers}. `failures`: workers that could not be replaced, each with the reason. */
export type FleetChangeResult = Pick<ReloadReport, 'replaced' | 'draining'> & {
  /** Warnings of the first workers. */
  readonly found: readonly Diagnostic[];
  readonly failures: readonly string[];
};

/** Returns the result of a dry run: its addresses are bound for a moment, and a child builds the services. */
async function tryOut(supervisor: Supervisor, change: FleetChange): Promise<Pick<ReloadResult, 'replaced' | 'found'>> {
  const { added, removed, next, stopped } = change;
  const kept = supervisor.pools.filter(({ name }) => !removed.includes(name));
  try {
    await addServices(supervisor, change);
  } finally {
    await Promise.all(added.map((name) => takeBack(supervisor, name)));
  }
  const found = await build(supervisor.program, next, stopped);
  const replaced = kept.map((pool) => [pool.name, Math.min(pool.wanted, workersOf(pool, change))] as const);
  return { replaced: Object.fromEntries(replaced), found };
}

function workersOf(pool: WorkerPool, { asked }: FleetChange): number {
  return pool.workersFor(asked.get(pool.name)?.workers);
}

/**
 * Replaces the workers by ones with the next configuration, and starts and ends services. Rejects if the configuration does not work; then
 * nothing has changed. Returns undefined if a stop was requested before it took effect.
 */
export async function replaceWorkers(
  supervisor: Supervisor,
  log: Logger,
  change: FleetChange,
): Promise<FleetChangeResult | undefined> {
  const { added, removed, next, accept, stopped, superseded } = change;
  const kept = supervisor.pools.filter(({ name }) => !removed.includes(name));
  let found: readonly Diagnostic[];
  try {
    const opened = await addServices(supervisor, change);
    const planned = kept.map((pool) => [pool, workersOf(pool, change)] as const);
    const proven = new Map([...planned, ...opened]);
    found = await prove(next, proven, stopped);
    if (stopped.aborted) return undefined;
    await accept();
  } catch (error) {
    for (const pool of kept) pool.endTrial();
    await Promise.all(added.map((name) => takeBack(supervisor, name)));
    throw error;
  }
  // From here on the new configuration applies: failures are reported, and refuse nothing.
  for (const to of added) {
    for (const { name: from, address } of supervisor.pool(to)?.held?.others ?? []) {
      log.info({ service: to, address, from }, `${to} took over ${formatAddress(address)} from ${from}`);
    }
  }
  for (const name of added) announceAdded(log, name, change.asked.get(name)!);
  for (const name of removed) void supervisor.retire(name);
  const rolls = await Promise.all(
    kept.map(async (pool) => {
      // The plan has the number of workers. An application without plans requests it in its first new worker.
      const asked = change.asked.get(pool.name)?.workers ?? pool.trial?.worker?.served?.workers;
      const roll = await pool.rollOut(asked, superseded);
      return [pool.name, roll] as const;
    }),
  );
  const draining = kept.flatMap(({ workers }) => [...workers].filter(({ state }) => state === 'leaving'));
  const open = draining.reduce((sum, { heldRequests }) => sum + heldRequests.length, 0);
  return {
    ...(open > 0 ? { draining: open } : {}),
    replaced: Object.fromEntries(rolls.map(([name, { replaced }]) => [name, replaced])),
    failures: rolls.flatMap(([, { failures }]) => failures),
    found,
  };
}

/** Ends a new service of a refused reload. Settles when it is gone; a worker that serves drains after the report. */
async function takeBack(supervisor: Supervisor, name: string): Promise<void> {
  const serves = [...(supervisor.pool(name)?.workers ?? [])].some(({ served }) => served !== undefined);
  const gone = supervisor.retire(name);
  if (!serves) await gone;
}

/** Creates the pools of new services. An address that is not available ends the reload before anything is started. */
async function addServices(
  supervisor: Supervisor,
  { added, removed, asked, stopped }: FleetChange,
): Promise<Map<WorkerPool, number>> {
  const arrival = supervisor.arrival(removed, stopped);
  const opened = new Map<WorkerPool, number>();
  const failures: PorticoError[] = [];
  for (const name of added) {
    const { service, workers } = asked.get(name)!;
    try {
      const pool = await supervisor.addPool(service, name, arrival);
      if (pool !== undefined) opened.set(pool, workers);
    } catch (error) {
      failures.push(bindFailure({ name, location: locationOfAddress(service) }, error));
    }
  }
  if (failures.length > 0) throw bindFailures(failures);
  return opened;
}

// Proof of a new configuration: the first worker of each service is built with it, beside the old ones, validates it, and serves when all are
// built. A configuration that has no plan is validated in a child.

/**
 * Settles with the findings of the first workers when each of them is ready; none serves before all are built. Rejects with all workers that
 * did not start. `pools`: each with its number of workers.
 */
async function prove(
  generation: FleetGeneration,
  pools: ReadonlyMap<WorkerPool, number>,
  stopped: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const trials = [...pools].map(([pool, workers]) => pool.prove(generation, workers));
  const found: (readonly Diagnostic[])[] = [];
  const together = (step: (trial: Awaited<(typeof trials)[number]>) => Promise<unknown>): Promise<unknown> => {
    const starts = new ConcurrentStarts();
    return Promise.all(
      trials.map((trial) => {
        const built = trial.then((each) => each.built);
        return starts.add(
          trial.then(step).then(() => undefined),
          stopped,
          built,
        );
      }),
    );
  };
  await together(async ({ built, ready }) => {
    // A worker that is ended at the gate is not ready.
    ready.catch(() => undefined);
    found.push(await built);
  });
  generation.built.resolve();
  await together(({ ready }) => ready);
  // A worker that was ready may have ended while others started.
  const ended = [...pools.keys()].filter(({ trial }) => trial?.worker?.stopping === true);
  const failures = ended.map(({ name }) => {
    const message = `the new worker of service ${name} was ready, but ended again`;
    return new PorticoError('PORTICO_RELOAD_REFUSED', { message });
  });
  if (failures.length > 0) throw joined(failures);
  return toldByAll(found);
}

/**
 * Builds a configuration in a child, as a dry run does, and returns its warnings. Rejects with the errors of the
 * configuration, and if it takes too long. After a stop no child is started.
 */
export async function build(
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<readonly Diagnostic[]> {
  const found = stopped.aborted ? [] : ((await buildInChild(program, generation, stopped)) ?? []);
  if (found.some(isError)) throw severalRefusals(found);
  return found;
}

/**
 * Rejects with one refusal of these errors and those that a child finds in the same configuration, which is not
 * awaited if it takes too long.
 */
async function refuseWhole(
  refusals: Refusals,
  program: WorkerProgram,
  generation: FleetGeneration,
  stopped: AbortSignal,
): Promise<never> {
  const { settings } = generation;
  const workerStartTimeoutMs = Math.min(MORE_ERRORS_MS, settings.workerStartTimeoutMs || MORE_ERRORS_MS);
  const limited = { ...generation, settings: { ...settings, workerStartTimeoutMs } };
  const found = await build(program, limited, stopped).catch((error: unknown) => error);
  if (!(found instanceof ConfigurationRefused)) throw refusals.refusal;
  // As in the list of a check, files of the configuration come first.
  const files = generation.config?.configFiles ?? [];
  throw severalRefusals(inOrder(whole(found.diagnostics, refusals.diagnostics), [undefined, ...files.map(shownPath)]));
}
