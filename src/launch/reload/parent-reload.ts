/**
 * A reload in the parent of workers: read, check, then let workers take it up, by the method that was chosen.
 */
import type { Change, Config } from '../../config/index.js';
import { Refusals } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';
import { serviceName } from '../launcher.js';
import type { ReloadRequest } from '../launcher-core.js';
import type { Supervisor } from '../parent/supervisor.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { Generation } from '../parent/worker-process.js';
import { type HookList, inCheckTime, reloadTimeout } from '../process/hook-list.js';
import { type LaunchRequest, replaceWorkers } from './fleet-reload.js';
import { allThatIsWrong } from './rehearsal.js';
import { changedFiles, compareOutlines, filesRead, outlineOf, type ReloadChange } from './reload-changes.js';
import { judge, type ReloadResult, refusedFor } from './reload-report.js';
import { checkAll, type Prepared, prepareReload } from './reload-source.js';

/**
 * Called in the parent when a new configuration was read and found right: may say which services there are to be. `next` still
 * has the old values of options that only a restart changes; `changes` have the new ones too.
 */
export type OnReload = (
  next: Config | undefined,
  changes: readonly Change[],
) => Awaitable<readonly LaunchRequest[] | undefined>;

/** What a reload works on. */
interface ParentReload extends ReloadRequest {
  readonly config: Config | undefined;
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly onReload: OnReload | undefined;
  readonly hooks: HookList<[config: Config | undefined]>;
}

/** Gives what came of it; never rejects. */
export async function reloadFleet(given: ParentReload): Promise<ReloadResult> {
  const { config, method, supervisor } = given;
  let prepared: Prepared | undefined;
  const before = filesRead(supervisor.services, config);
  let files: readonly ReloadChange[] | undefined;
  const compare = (services: Iterable<ServiceBase>): void => {
    files ??= changedFiles(before, filesRead(services, prepared?.config), method);
  };
  try {
    prepared = await prepareReload(config, method);
    const result = await apply(given, prepared, compare);
    return { ...result, changes: [...prepared.report(), ...(files ?? [])] };
  } catch (error) {
    if (prepared === undefined || prepared.refusal !== undefined) return refusedFor(error);
    compare(supervisor.services);
    return { ...refusedFor(error), changes: [...prepared.report(), ...(files ?? [])] };
  }
}

/** `compare` is told of the services that stay: what nobody will use any more must not be asked for. */
async function apply(
  given: ParentReload,
  prepared: Prepared,
  compare: (services: Iterable<ServiceBase>) => void,
): Promise<ReloadResult> {
  const { supervisor, method, log } = given;
  const refusals = new Refusals();
  const read = await refusals.gather(() => given.settings(prepared.config));
  const settings = read ?? supervisor.settings;
  const next = {
    number: supervisor.generation.number + 1,
    settings,
    configuration: () => prepared.snapshot(),
  };
  const limitMs = settings.reloadCheckTimeoutMs;
  // Of what is refused already a child says what there would be.
  const refused = prepared.refusal !== undefined || refusals.any;
  const services = await refusals.gather(() =>
    refused ? undefined : inCheckTime(limitMs, 'onReload', given.onReload?.(prepared.config, prepared.changes)),
  );
  const wanted = services && new Set(services.map(({ service }) => serviceName(service)));
  if (!refused) compare([...supervisor.services].filter((service) => wanted?.has(serviceName(service)) !== false));
  // Those that were made of the new configuration have looked at it.
  const asked = services?.map(({ service }) => service);
  const others = supervisor.services.filter((service) => asked?.includes(service) !== false);
  const needless = method === 'reload' && (refused || refusals.any);
  await checkAll(needless ? [] : others, prepared, refusals);
  if (method === 'mutate') refusals.refuse();
  else if (refusals.any) {
    const pools = supervisor.pools.filter(({ name }) => wanted?.has(name) !== false);
    return await allThatIsWrong(refusals, next, pools);
  }
  const late = await given.hooks.runWithin(limitMs, prepared.config);
  if (late !== undefined) throw reloadTimeout(late);
  const accept = async (files: ReadonlyMap<string, string> = new Map()): Promise<void> => {
    prepared.remember(files);
    await prepared.accept();
    supervisor.adopt({ ...next, configuration: () => given.config?.snapshot() });
    given.accepted();
  };
  if (method === 'mutate') {
    await accept();
    const resized = (services ?? []).map(async ({ service, workers }) => {
      await supervisor.pool(serviceName(service))?.changeTo(workers);
    });
    const failures = await mutateFleet(supervisor, next);
    await Promise.all(resized);
    return judge(failures);
  }
  if (wanted !== undefined) {
    prepared.release(supervisor.pools.map(({ name }) => name).filter((name) => !wanted.has(name)));
  }
  const before = outlineOf(supervisor.services, given.config);
  const now = services?.map(({ service }) => service) ?? supervisor.services;
  const pipelines = compareOutlines(before, outlineOf(now, prepared.config));
  const { stopped, superseded } = given;
  const change = { next, services, accept, stopped, superseded };
  const { failures, ...result } = await replaceWorkers(supervisor, log, change);
  return { ...result, ...judge(failures), pipelines };
}

/** A worker that has not taken the new values by then is replaced by one that begins with them. */
const TAKEN_WITHIN_MS = 10_000;

/** Gives the workers that refused or did not answer, each with what happened. The generation is in force already. */
async function mutateFleet(supervisor: Supervisor, next: Generation): Promise<string[]> {
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
  await Promise.all(workers.map(({ pool, worker }) => mutateOne(pool, worker)));
  return failures;
}
