/**
 * A rolling replacement of all workers: children that check the new configuration and serve nothing; then each of them
 * becomes the first new worker of its service, which proves that it serves; then the configuration is in force; then the
 * others are replaced, one after another.
 */
import { describeError, PorticoError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { ServiceBase } from '../../service/index.js';
import { serviceName } from '../launch-arguments.js';
import type { Generation } from '../parent/pool-surroundings.js';
import type { Supervisor } from '../parent/supervisor.js';
import type { WorkerHandle } from '../parent/worker-handle.js';
import type { WorkerPool } from '../parent/worker-pool.js';
import { within } from '../within.js';
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
  /** Puts the new configuration in force. `files`: what workers of it read. */
  accept(files: readonly string[]): Promise<unknown>;
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
    const first = new Map<WorkerPool, WorkerHandle | undefined>();
    try {
      const opened = await this.#open(added);
      const files = await rehearsal.run([...kept, ...opened.keys()]);
      await this.#prove(rehearsal, kept, opened, first);
      if (stopped.aborted) return { replaced: {}, added: [], removed: [], failures: [] };
      await this.#change.accept(files);
    } catch (error) {
      rehearsal.dismiss();
      for (const pool of first.keys()) pool.discard(0);
      await Promise.all(added.map(([name]) => this.#supervisor.retire(name)));
      throw error;
    }
    for (const [, request] of added) request.added?.();
    for (const name of removed) void this.#supervisor.retire(name);
    await Promise.all(kept.map((pool) => this.#roll(pool, first.get(pool), wanted?.get(pool.name)?.workers)));
    return { replaced: this.#replaced, added: added.map(([name]) => name), removed, failures: this.#failures };
  }

  /** Binds the addresses of new services: one that cannot be had ends the reload before anything is started. */
  async #open(added: readonly (readonly [string, LaunchRequest])[]): Promise<Map<WorkerPool, number>> {
    const opened = new Map<WorkerPool, number>();
    for (const [name, { service, workers }] of added) {
      const pool = await this.#supervisor.open(service, name, workers);
      if (pool !== undefined) opened.set(pool, workers);
    }
    return opened;
  }

  /** The children that checked start to serve: one for every service, and all workers of a new one. */
  async #prove(
    rehearsal: Rehearsal,
    kept: readonly WorkerPool[],
    opened: ReadonlyMap<WorkerPool, number>,
    first: Map<WorkerPool, WorkerHandle | undefined>,
  ): Promise<void> {
    const { next } = this.#change;
    const proveKept = async (pool: WorkerPool): Promise<void> => {
      first.set(pool, undefined);
      first.set(pool, await rehearsal.proceed(pool, (spare) => pool.prepare(0, next, spare)));
    };
    const proveNew = ([pool, workers]: [WorkerPool, number]): Promise<void> =>
      rehearsal.proceed(pool, (spare) => pool.launch(workers, next, spare));
    await allOrWhy([...kept.map(proveKept), ...[...opened].map(proveNew)]);
    // Of a service that is to have no workers at the moment, or one that is being stopped.
    rehearsal.dismiss();
  }

  async #roll(pool: WorkerPool, first: WorkerHandle | undefined, asked: number | undefined): Promise<void> {
    const target = pool.changeTo(asked ?? (await askedFor(first)));
    this.#replaced[pool.name] = 0;
    if (first !== undefined) {
      await pool.promote(0, first);
      this.#replaced[pool.name]! += 1;
    }
    if (target !== undefined && target < pool.wanted) await pool.resize(target);
    // Counted anew each time: an operator may ask for more or fewer meanwhile.
    for (let index = first === undefined ? 0 : 1; index < pool.wanted; index++) await this.#replace(pool, index);
    if (target !== undefined && target > pool.wanted && !this.#change.stopped.aborted) await pool.resize(target);
  }

  /** Tries until it works, another reload comes, the fleet is stopped, or the time for it is up. */
  async #replace(pool: WorkerPool, index: number): Promise<void> {
    const { next, stopped } = this.#change;
    const giveUpAt = performance.now() + this.#supervisor.settings.reloadTimeoutMs;
    for (;;) {
      if (stopped.aborted || index >= pool.wanted || pool.isCurrent(index, next.number)) return;
      try {
        await this.#inTime(pool, index, giveUpAt, pool.replace(index, next));
        this.#replaced[pool.name]! += 1;
        return;
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

  /** A start that does not end is called off: when the time for the reload is up, but not before a start may last. */
  async #inTime(pool: WorkerPool, index: number, giveUpAt: number, replaced: Promise<void>): Promise<void> {
    const { reloadCheckTimeoutMs } = this.#change.next.settings;
    if (reloadCheckTimeoutMs === 0) return replaced;
    const limitMs = Math.max(giveUpAt - performance.now(), reloadCheckTimeoutMs);
    if (
      (await within(
        limitMs,
        replaced.then(() => true as const),
      )) === true
    )
      return;
    replaced.catch(() => undefined);
    pool.discard(index);
    throw new PorticoError('PORTICO_RELOAD_TIMEOUT', { message: `it did not start within ${limitMs / 1000} s` });
  }
}

/** The number of workers that a worker's run of the program asked for. */
async function askedFor(first: WorkerHandle | undefined): Promise<number | undefined> {
  const services = first && (await within(LAUNCHED_WITHIN_MS, first.waiting));
  return services?.find(({ name }) => name === first?.assignment.service)?.workers;
}
