/**
 * A rolling replacement of all workers: children that check the new configuration and serve nothing; then each of them
 * becomes the first new worker of its service, which proves that it serves; then the configuration is in force; then the
 * others are replaced, one after another.
 */
import { describeError, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ServiceBase } from '../../service/index.js';
import { serviceName } from '../launcher.js';
import { placeOfAddress, type Supervisor } from '../parent/supervisor.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import type { Generation } from '../parent/worker-process.js';
import type { Handover } from '../sockets/handover.js';
import { bindFailure, bindFailures, describeAddress } from '../sockets/listen-sockets.js';
import { pause, within } from '../waiting.js';
import { allOrWhy, Rehearsal } from './rehearsal.js';

/** A service there is to be, and with how many workers. */
export interface LaunchRequest {
  readonly service: ServiceBase;
  readonly workers: number;
  /** Called when a service that a reload added serves, and the reload was accepted. */
  readonly added?: () => void;
}

/** What a {@link FleetReload} is to do. */
export interface FleetChange {
  readonly next: Generation;
  /** All services there are to be. Undefined: those there are. */
  readonly services: readonly LaunchRequest[] | undefined;
  /** Puts the new configuration in force. `files`: what workers of it read, with digests. */
  accept(files: ReadonlyMap<string, string>): Promise<unknown>;
  /** Raised when the fleet is being stopped. */
  readonly stopped: AbortSignal;
  /** True when another reload was asked for: this one need not try for ever. */
  superseded(): boolean;
}

/** What came of it. */
export interface FleetChangeResult {
  readonly replaced: Record<string, number>;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Workers that are still the old ones, each with why. */
  readonly failures: readonly string[];
}

/** How long a new worker's program may take from being ready to waiting, until its word on worker counts is not awaited. */
const LAUNCHED_WITHIN_MS = 1000;

/** How much longer than its deadline a worker that drains may take to be gone. */
const HASTE_MS = 2000;

export class FleetReload {
  readonly #supervisor: Supervisor;
  readonly #log: Logger;
  readonly #change: FleetChange;
  readonly #replaced: Record<string, number> = {};
  readonly #failures: string[] = [];

  constructor(supervisor: Supervisor, log: Logger, change: FleetChange) {
    this.#supervisor = supervisor;
    this.#log = log;
    this.#change = change;
  }

  /** Rejects when the new configuration does not work; then all is as it was. */
  async run(): Promise<FleetChangeResult> {
    const { services, next, stopped } = this.#change;
    const wanted = services && new Map(services.map((request) => [serviceName(request.service), request]));
    const kept = this.#supervisor.pools.filter((pool) => wanted === undefined || wanted.has(pool.name));
    const removed = this.#supervisor.pools.filter((pool) => !kept.includes(pool)).map(({ name }) => name);
    const added = [...(wanted ?? [])].filter(([name]) => this.#supervisor.pool(name) === undefined);
    for (const pool of this.#supervisor.pools) pool.forgiveStarts();

    const rehearsal = new Rehearsal(next);
    const handover = this.#supervisor.handover(removed, stopped);
    const asked = (pool: WorkerPool): number | undefined => wanted?.get(pool.name)?.workers;
    let proved = new Map<WorkerPool, WorkerHandle | undefined>();
    try {
      const opened = await this.#open(added, handover);
      const planned = kept.map((pool) => [pool, pool.planned(asked(pool))] as const);
      const files = await rehearsal.run(new Map([...planned, ...opened]));
      proved = await this.#prove(rehearsal, kept, opened);
      if (stopped.aborted) return { replaced: {}, added: [], removed: [], failures: [] };
      await this.#change.accept(files);
    } catch (error) {
      rehearsal.callOff();
      await Promise.all(added.map(([name]) => this.#takeBack(name, handover)));
      throw error;
    }
    // From here on the new configuration is in force: whatever happens is told, and refuses nothing.
    for (const { address, from, to } of handover.complete()) {
      this.#log.info(`${to} took over ${describeAddress(address)} from ${from}`, { service: to, address, from });
    }
    for (const [name, request] of added) this.#tell(name, request);
    for (const name of removed) void this.#supervisor.retire(name);
    await Promise.all(
      kept.map((pool) =>
        this.#roll(pool, proved.get(pool), asked(pool)).catch((error: unknown) => {
          this.#failures.push(`service ${pool.name}: ${describeError(error)}`);
        }),
      ),
    );
    return { replaced: this.#replaced, added: added.map(([name]) => name), removed, failures: this.#failures };
  }

  /** Ends a new service of a reload that is refused. Settles when it is gone, but one that serves drains behind the report. */
  async #takeBack(name: string, handover: Handover): Promise<void> {
    const serves = this.#supervisor.pool(name)?.workers.some(({ wasReady }) => wasReady) === true;
    const gone = this.#supervisor.retire(name, handover.lentTo(name));
    if (!serves) await gone;
  }

  /** Binds the addresses of new services: one that cannot be had ends the reload before anything is started. */
  async #open(
    added: readonly (readonly [string, LaunchRequest])[],
    handover: Handover,
  ): Promise<Map<WorkerPool, number>> {
    const opened = new Map<WorkerPool, number>();
    const failures: PorticoError[] = [];
    for (const [name, { service, workers }] of added) {
      try {
        const pool = await this.#supervisor.open(service, name, workers, handover);
        if (pool !== undefined) opened.set(pool, workers);
      } catch (error) {
        failures.push(bindFailure({ name, place: placeOfAddress(service) }, error));
      }
    }
    if (failures.length > 0) throw bindFailures(failures);
    return opened;
  }

  /** The children that checked start to serve: one for every service, and all workers of a new one. */
  async #prove(
    rehearsal: Rehearsal,
    kept: readonly WorkerPool[],
    opened: ReadonlyMap<WorkerPool, number>,
  ): Promise<Map<WorkerPool, WorkerHandle | undefined>> {
    const { next } = this.#change;
    const proved = new Map<WorkerPool, WorkerHandle | undefined>();
    const proveKept = async (pool: WorkerPool): Promise<void> => {
      proved.set(pool, await rehearsal.proceed(pool, (spare) => pool.replacements.prepare(0, next, { spare })));
    };
    const proveNew = ([pool, workers]: [WorkerPool, number]): Promise<void> =>
      rehearsal.proceed(pool, (spare) => pool.launch(workers, next, spare));
    await allOrWhy([...kept.map(proveKept), ...[...opened].map(proveNew)]);
    // Of a service that is to have no workers at the moment, or one that is being stopped.
    rehearsal.dismiss();
    return proved;
  }

  #tell(name: string, request: LaunchRequest): void {
    try {
      request.added?.();
    } catch (error) {
      this.#log.error(`Service ${name} serves; what was to follow failed`, { service: name, err: error });
    }
  }

  async #roll(pool: WorkerPool, proved: WorkerHandle | undefined, asked: number | undefined): Promise<void> {
    this.#replaced[pool.name] = 0;
    const target = pool.changeTo(asked ?? (await askedFor(proved)));
    const first = proved !== undefined && (await this.#promote(pool, proved));
    if (target !== undefined && target < pool.wanted) await pool.resize(target);
    // Counted anew each time: an operator may ask for more or fewer meanwhile.
    for (let index = first ? 1 : 0; index < pool.wanted; index++) {
      await this.#replace(pool, index, Math.max(target ?? 0, pool.wanted));
    }
    if (target !== undefined && target > pool.wanted && !this.#change.stopped.aborted) await pool.resize(target);
  }

  /** Puts the first new worker in its place. False: it ended since it served, and its place has to be seen to as any other. */
  async #promote(pool: WorkerPool, proved: WorkerHandle): Promise<boolean> {
    try {
      if (await pool.replacements.promote(0, proved)) this.#replaced[pool.name]! += 1;
      return true;
    } catch (error) {
      this.#log.warn(`${describeError(error)}; trying again`, { service: pool.name, workerId: 0 });
      return false;
    }
  }

  /** Tries until it works, another reload comes, the fleet is stopped, or the time for it is up. */
  async #replace(pool: WorkerPool, index: number, workers: number): Promise<void> {
    const { next, stopped } = this.#change;
    const giveUpAt = performance.now() + this.#supervisor.settings.reloadTimeoutMs;
    for (;;) {
      if (stopped.aborted || pool.stopping || index >= pool.wanted) return;
      if (pool.replacements.isCurrent(index, next.number)) return;
      try {
        if (await this.#inTime(pool, index, giveUpAt, workers)) {
          this.#replaced[pool.name]! += 1;
          return;
        }
      } catch (error) {
        const text = `worker ${index} of service ${pool.name} is still the old one: ${describeError(error)}`;
        if (this.#change.superseded() || performance.now() > giveUpAt) {
          this.#failures.push(text);
          return;
        }
        this.#log.warn(`${text}; trying again`, { service: pool.name, workerId: index });
      }
    }
  }

  /**
   * A start that does not end is called off: when the time for the reload is up, but not before a start may last. Its time
   * begins when there is room for it: until then a worker that was replaced may take its own time to drain.
   */
  async #inTime(pool: WorkerPool, index: number, giveUpAt: number, workers: number): Promise<boolean> {
    const { reloadCheckTimeoutMs, gracefulShutdownTimeoutMs } = this.#change.next.settings;
    const left = (atLeast: number): number => Math.max(giveUpAt - performance.now(), atLeast);
    const limitMs = (): number => (reloadCheckTimeoutMs === 0 ? Number.POSITIVE_INFINITY : left(reloadCheckTimeoutMs));
    const noRoom = new AbortController();
    const waited = new AbortController();
    const roomMs = left(gracefulShutdownTimeoutMs + HASTE_MS);
    void pause(roomMs, waited.signal).then(() => noRoom.abort());
    try {
      const how = { workers, limitMs, calledOff: noRoom.signal };
      const replaced = await pool.replacements.replace(index, this.#change.next, how);
      if (replaced || !noRoom.signal.aborted) return replaced;
    } finally {
      waited.abort();
    }
    throw new PorticoError('PORTICO_RELOAD_TIMEOUT', {
      message: `workers that were replaced before it still drained after ${Math.round(roomMs) / 1000} s`,
      hint: 'With a shorter graceful_shutdown_timeout they make room sooner.',
    });
  }
}

/** The number of workers that a worker's run of the program asked for. */
async function askedFor(first: WorkerHandle | undefined): Promise<number | undefined> {
  const services = first && (await within(LAUNCHED_WITHIN_MS, first.waiting));
  return services?.find(({ name }) => name === first?.assignment.service)?.workers;
}
