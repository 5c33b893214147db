/**
 * What a reload is in the parent of workers: the program says which services there are to be, and workers take the new
 * configuration up by the method that was chosen.
 */
import type { Change, Config } from '../../config/index.js';
import type { Awaitable } from '../../service/index.js';
import { serviceName } from '../launcher.js';
import type { Supervisor } from '../parent/supervisor.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { Generation } from '../parent/worker-process.js';
import { type HookList, inCheckTime, reloadTimeout } from '../process/hook-list.js';
import type { ReloadRequest } from '../runner.js';
import { type LaunchRequest, replaceWorkers } from './fleet-reload.js';
import { allThatIsWrong } from './rehearsal.js';
import { type NextConfiguration, reload } from './reload.js';
import { outcomeOf, type ReloadResult } from './reload-report.js';

/**
 * Called in the parent when a new configuration was read and found right: may say which services there are to be. `next` still
 * has the old values of options that only a restart changes; `changes` have the new ones too. A dry run of a reload calls it as well.
 */
export type OnReload = (
  next: Config | undefined,
  changes: readonly Change[],
) => Awaitable<readonly LaunchRequest[] | undefined>;

/** What a reload works on. */
interface ParentReload extends ReloadRequest {
  readonly config: Config | undefined;
  readonly supervisor: Supervisor;
  readonly onReload: OnReload | undefined;
  readonly hooks: HookList<[config: Config | undefined]>;
}

/** Gives what came of it; never rejects. */
export function reloadFleet(given: ParentReload): Promise<ReloadResult> {
  const { config, supervisor, method } = given;
  return reload(given, {
    config,
    services: supervisor.services,
    workers: true,
    wanted: (prepared, { reloadCheckTimeoutMs }) =>
      inCheckTime(reloadCheckTimeoutMs, 'onReload', given.onReload?.(prepared.config, prepared.changes)),
    // A mutate runs nothing that is not loaded.
    refuse:
      method === 'mutate'
        ? undefined
        : (refusals, { prepared, settings = supervisor.settings, wanted }) => {
            const names = wanted && namesOf(wanted);
            const pools = supervisor.pools.filter(({ name }) => names?.has(name) !== false);
            return allThatIsWrong(refusals, nextGeneration(supervisor, { prepared, settings }), pools);
          },
    takeUp: (next) => takeUp(given, next),
  });
}

async function takeUp(given: ParentReload, { prepared, settings, wanted }: NextConfiguration): Promise<ReloadResult> {
  const { supervisor, log, dryRun } = given;
  if (!dryRun) {
    const late = await given.hooks.runWithin(settings.reloadCheckTimeoutMs, prepared.config);
    if (late !== undefined) throw reloadTimeout(late);
  }
  const next = nextGeneration(supervisor, { prepared, settings });
  const accept = async (files: ReadonlyMap<string, string> = new Map()): Promise<void> => {
    prepared.remember(files);
    if (dryRun) return;
    await prepared.accept();
    supervisor.useGeneration({ ...next, configuration: () => given.config?.snapshot() });
    given.accepted();
  };
  if (given.method === 'mutate') {
    await accept();
    return outcomeOf(await mutateFleet(supervisor, next, wanted ?? []));
  }
  const names = wanted && namesOf(wanted);
  if (names !== undefined) prepared.release(supervisor.pools.flatMap(({ name }) => (names.has(name) ? [] : [name])));
  const { stopped, superseded } = given;
  const change = { next, services: wanted, dryRun, accept, stopped, superseded };
  const { failures, ...result } = await replaceWorkers(supervisor, log, change);
  return { ...result, ...outcomeOf(failures) };
}

function nextGeneration(
  supervisor: Supervisor,
  { prepared, settings }: Pick<NextConfiguration, 'prepared' | 'settings'>,
): Generation {
  return { number: supervisor.generation.number + 1, settings, configuration: () => prepared.snapshot() };
}

function namesOf(requests: readonly LaunchRequest[]): ReadonlySet<string> {
  return new Set(requests.map(({ service }) => serviceName(service)));
}

/** A worker that has not taken the new values by then is replaced by one that begins with them. */
const TAKEN_WITHIN_MS = 10_000;

/**
 * Workers take the new values up while they serve, and of each service there are as many as is wanted. Gives the workers that
 * refused or did not answer, each with what happened. The generation is in force already.
 */
async function mutateFleet(
  supervisor: Supervisor,
  next: Generation,
  wanted: readonly LaunchRequest[],
): Promise<string[]> {
  const resized = wanted.map(async ({ service, workers }) => {
    await supervisor.pool(serviceName(service))?.changeTo(workers);
  });
  const failures: string[] = [];
  const mutateOne = async (pool: WorkerPool, worker: WorkerHandle): Promise<void> => {
    const { index } = worker.assignment;
    const taken = await worker.mutate(next, TAKEN_WITHIN_MS).catch(() => true);
    if (taken === true) return;
    const what = taken === false ? 'refused the new values' : 'did not answer and is replaced';
    failures.push(`worker ${index} of service ${pool.name} ${what}`);
    if (taken === undefined) pool.replace(worker);
  };
  const workers = supervisor.pools.flatMap((pool) => pool.current.map((worker) => ({ pool, worker })));
  await Promise.all([...workers.map(({ pool, worker }) => mutateOne(pool, worker)), ...resized]);
  return failures;
}
