/**
 * A rolling replacement of all workers: children that check the new configuration and serve nothing; then each of them
 * becomes the first new worker of its service, which proves that it serves; then the configuration is in force; then the
 * others are replaced, one after another.
 */
import type { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ServiceBase } from '../../service/index.js';
import { formatAddress } from '../../service/internal.js';
import { serviceName } from '../launcher.js';
import { placeOfAddress, type Supervisor } from '../parent/supervisor.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { Generation } from '../parent/worker-process.js';
import type { Handover } from '../sockets/handover.js';
import { bindFailure, bindFailures } from '../sockets/listen-sockets.js';
import { within } from '../waiting.js';
import { Rehearsal } from './rehearsal.js';
import type { ReloadReport } from './reload-report.js';

/**
 * A service that a program wants, and with how many workers. Of one that runs already only plan and number of workers are
 * taken; the object it was launched with stays.
 */
export interface LaunchRequest {
  readonly service: ServiceBase;
  readonly workers: number;
  /** Called when a service that a reload added serves, and the reload was accepted. */
  readonly added?: () => void;
}

/** What {@link replaceWorkers} is to do. */
export interface FleetChange {
  readonly next: Generation;
  /** All services there are to be. Undefined: those there are. */
  readonly services: readonly LaunchRequest[] | undefined;
  /** Only what the reload would do is told: the children that check are ended again. */
  readonly dryRun: boolean;
  /** Puts the new configuration in force, or in a dry run looks whether it could be. `files`: what workers of it read, with digests. */
  accept(files: ReadonlyMap<string, string>): Promise<unknown>;
  /** Raised when the fleet is being stopped. */
  readonly stopped: AbortSignal;
  /** True when another reload was asked for: this one need not try for ever. */
  superseded(): boolean;
}

/** What came of it. `failures`: workers that are still the old ones, each with why. */
export type FleetChangeResult = Pick<ReloadReport, 'replaced' | 'added' | 'removed'> & {
  readonly failures: readonly string[];
};

/** How long a new worker's program may take from being ready to waiting, until its word on worker counts is not awaited. */
const LAUNCHED_WITHIN_MS = 1000;

/** Rejects when the new configuration does not work; then all is as it was. */
export async function replaceWorkers(
  supervisor: Supervisor,
  log: Logger,
  { services, next, dryRun, accept, stopped, superseded }: FleetChange,
): Promise<FleetChangeResult> {
  const wanted = services && new Map(services.map((request) => [serviceName(request.service), request]));
  const kept = supervisor.pools.filter((pool) => wanted === undefined || wanted.has(pool.name));
  const removed = supervisor.pools.filter((pool) => !kept.includes(pool)).map(({ name }) => name);
  const added = [...(wanted ?? [])].filter(([name]) => supervisor.pool(name) === undefined);

  const rehearsal = new Rehearsal(next);
  const handover = supervisor.handover(removed, stopped);
  const asked = (pool: WorkerPool): number | undefined => wanted?.get(pool.name)?.workers;
  const takeBackAll = async (): Promise<void> => {
    rehearsal.callOff();
    await Promise.all(added.map(([name]) => takeBack(supervisor, name, handover)));
  };
  try {
    const opened = await open(supervisor, added, handover);
    const planned = kept.map((pool) => [pool, pool.workersFor(asked(pool))] as const);
    const files = await rehearsal.run(new Map([...planned, ...opened]));
    if (!dryRun) await rehearsal.proceed();
    if (stopped.aborted) return { replaced: {}, added: [], removed: [], failures: [] };
    await accept(files);
    if (dryRun) {
      const replaced = planned.map(([pool, workers]) => [pool.name, Math.min(pool.wanted, workers)] as const);
      await takeBackAll();
      return { replaced: Object.fromEntries(replaced), added: added.map(([name]) => name), removed, failures: [] };
    }
  } catch (error) {
    await takeBackAll();
    throw error;
  }
  // From here on the new configuration is in force: whatever happens is told, and refuses nothing.
  for (const { address, from, to } of handover.complete()) {
    log.info(`${to} took over ${formatAddress(address)} from ${from}`, { service: to, address, from });
  }
  for (const [name, request] of added) tell(log, name, request);
  for (const name of removed) void supervisor.retire(name);
  const rolls = await Promise.all(
    kept.map(async (pool) => {
      const roll = await pool.rollOut(asked(pool) ?? (await askedFor(pool)), superseded);
      return [pool.name, roll] as const;
    }),
  );
  return {
    replaced: Object.fromEntries(rolls.map(([name, { replaced }]) => [name, replaced])),
    added: added.map(([name]) => name),
    removed,
    failures: rolls.flatMap(([, { failures }]) => failures),
  };
}

/** Ends a new service of a reload that is refused. Settles when it is gone, but one that serves drains behind the report. */
async function takeBack(supervisor: Supervisor, name: string, handover: Handover): Promise<void> {
  const serves = [...(supervisor.pool(name)?.workers ?? [])].some(({ wasReady }) => wasReady);
  const gone = supervisor.retire(name, handover.lentTo(name));
  if (!serves) await gone;
}

/** Binds the addresses of new services: one that cannot be had ends the reload before anything is started. */
async function open(
  supervisor: Supervisor,
  added: readonly (readonly [string, LaunchRequest])[],
  handover: Handover,
): Promise<Map<WorkerPool, number>> {
  const opened = new Map<WorkerPool, number>();
  const failures: PorticoError[] = [];
  for (const [name, { service, workers }] of added) {
    try {
      const pool = await supervisor.open(service, name, workers, handover);
      if (pool !== undefined) opened.set(pool, workers);
    } catch (error) {
      failures.push(bindFailure({ name, place: placeOfAddress(service) }, error));
    }
  }
  if (failures.length > 0) throw bindFailures(failures);
  return opened;
}

function tell(log: Logger, name: string, request: LaunchRequest): void {
  try {
    request.added?.();
  } catch (error) {
    log.error(`Service ${name} serves; what was to follow failed`, { service: name, err: error });
  }
}

/** The number of workers that the program asked for in the first of the new ones. */
async function askedFor({ name, trial }: WorkerPool): Promise<number | undefined> {
  const services = trial?.worker && (await within(LAUNCHED_WITHIN_MS, trial.worker.waiting));
  return services?.find((service) => service.name === name)?.workers;
}
