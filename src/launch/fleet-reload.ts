/**
 * A rolling replacement of all workers: first one new worker of every service, which proves that the new configuration
 * works; then it is in force; then the others, one after another.
 */
import { describeError } from '../errors.js';
import type { Logger } from '../log.js';
import type { ServiceBase } from '../service/index.js';
import { serviceName } from './launch-arguments.js';
import type { Generation } from './pool-surroundings.js';
import type { Supervisor } from './supervisor.js';
import { within } from './within.js';
import type { WorkerHandle } from './worker-handle.js';
import type { WorkerPool } from './worker-pool.js';

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
  /** Puts the new configuration in force. */
  accept(): Promise<unknown>;
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
    const { services } = this.#change;
    const wanted = services && new Map(services.map((request) => [serviceName(request.service), request]));
    const kept = this.#supervisor.pools.filter((pool) => wanted === undefined || wanted.has(pool.name));
    const removed = this.#supervisor.pools.filter((pool) => !kept.includes(pool)).map(({ name }) => name);
    const added = [...(wanted ?? [])].filter(([name]) => this.#supervisor.pool(name) === undefined);
    for (const pool of this.#supervisor.pools) pool.forgiveStarts();

    const first = await this.#prove(kept, added);
    if (!this.#change.stopped.aborted) {
      await this.#change.accept();
      for (const [, request] of added) request.added?.();
      const retired = Promise.all(removed.map((name) => this.#supervisor.retire(name)));
      await Promise.all(
        kept.map(async (pool) => {
          const asked = wanted?.get(pool.name)?.workers ?? (await askedFor(first.get(pool)));
          await this.#roll(pool, first.get(pool), pool.countFor(asked));
        }),
      );
      void retired;
    }
    return { replaced: this.#replaced, added: added.map(([name]) => name), removed, failures: this.#failures };
  }

  /** One new worker of every service, and all of a new one: ready, or all of them are ended again. */
  async #prove(
    kept: readonly WorkerPool[],
    added: readonly (readonly [string, LaunchRequest])[],
  ): Promise<Map<WorkerPool, WorkerHandle | undefined>> {
    const { next } = this.#change;
    const first = new Map<WorkerPool, WorkerHandle | undefined>();
    const proofs = [
      ...kept.map(async (pool) => first.set(pool, await pool.prepare(0, next))),
      ...added.map(([name, { service, workers }]) => this.#supervisor.launch(service, name, workers, next)),
    ];
    const outcomes = await Promise.allSettled(proofs);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return first;
    for (const pool of kept) pool.discard(0);
    await Promise.all(added.map(([name]) => this.#supervisor.retire(name)));
    throw failed.reason;
  }

  async #roll(pool: WorkerPool, first: WorkerHandle | undefined, workers: number): Promise<void> {
    this.#replaced[pool.name] = 0;
    if (first !== undefined) {
      await pool.promote(0, first);
      this.#replaced[pool.name]! += 1;
    }
    if (workers < pool.wanted) await pool.resize(workers);
    const olds = Math.min(pool.wanted, workers);
    for (let index = first === undefined ? 0 : 1; index < olds; index++) await this.#replace(pool, index);
    if (workers > pool.wanted && !this.#change.stopped.aborted) await pool.resize(workers);
  }

  /** Tries until it works, another reload comes, the fleet is stopped, or the time for it is up. */
  async #replace(pool: WorkerPool, index: number): Promise<void> {
    const { next, stopped } = this.#change;
    const giveUpAt = performance.now() + this.#supervisor.settings.reloadTimeoutMs;
    for (;;) {
      if (stopped.aborted || pool.isCurrent(index, next.number)) return;
      try {
        await pool.replace(index, next);
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
}

/** The number of workers that a worker's run of the program asked for. */
async function askedFor(first: WorkerHandle | undefined): Promise<number | undefined> {
  const services = first && (await within(LAUNCHED_WITHIN_MS, first.waiting));
  return services?.find(({ name }) => name === first?.assignment.service)?.workers;
}
