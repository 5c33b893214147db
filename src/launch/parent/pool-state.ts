/**
 * The desired and the actual workers of one service. Which slot lacks a worker, and which worker is superfluous, is computed
 * from these alone.
 */
import { type Deferred, deferred } from '../../tasks/internal.js';
import { ServiceBuckets } from '../shared-buckets.js';
import type { ListenSockets } from '../sockets/listen-sockets.js';
import type { HeldSockets } from '../sockets/listener-pool.js';
import type { Roll } from './roll.js';
import type { EndReason, WorkerEnd } from './worker-end.js';
import type { WorkerHandle } from './worker-handle.js';
import type { FleetGeneration } from './worker-process.js';

/** The proof of a new configuration: its first worker, which serves beside the old ones until the reload is accepted. */
interface PoolTrial {
  readonly generation: FleetGeneration;
  /** The number of workers if it is accepted. */
  readonly workers: number;
  worker: WorkerHandle | undefined;
  /** Settles with the worker; undefined when the trial is over before one could be started. */
  readonly begun: Deferred<WorkerHandle | undefined>;
}

/** A worker that is missing. */
export interface Missing {
  readonly index: number;
  /** Its slot has a worker: until that one is gone the service has one process more than it has slots. */
  readonly extra: boolean;
  readonly trial?: PoolTrial;
}

export class PoolState {
  readonly name: string;
  /** Its sockets; undefined for a service that does not listen. */
  held: HeldSockets | undefined;
  /** The generation that new workers begin with. */
  generation: FleetGeneration;
  /** The desired number of workers. */
  wanted = 0;
  /** `over`: one of the first workers did not start, or too many have ended. */
  phase: 'new' | 'launching' | 'running' | 'over' | 'stopping' = 'new';
  trial: PoolTrial | undefined;
  /** A reload replaces the workers. */
  roll: Roll | undefined;
  /** All processes, those that drain included. */
  readonly workers = new Set<WorkerHandle>();
  /** Workers started in place of others that ended unasked. */
  restarts = 0;
  /** Workers that were started, by why. */
  readonly starts = { launch: 0, scale: 0, death: 0, stuck: 0, recycle: 0, memory: 0, reload: 0, restart: 0 };
  /** The last one that ended in its slot and was not told to. */
  lastEnd: WorkerEnd | undefined;
  /** Requests that were lost with workers, by how these ended. */
  readonly lost = { start: 0, stuck: 0, heap: 0, error: 0, signal: 0, exit: 0 } satisfies Record<EndReason, number>;
  /** Slots whose last worker was killed because it gave no sign of life. */
  readonly hung = new Set<number>();
  /** The token buckets that they share. */
  readonly buckets = new ServiceBuckets();
  /** The slots of which no worker was ready yet: each settles with its first start. */
  readonly #firstStarts = new Map<number, Deferred<void>>();

  constructor(name: string, generation: FleetGeneration) {
    this.name = name;
    this.generation = generation;
  }

  /** One for each address, in order; of a service that has released them as well. */
  get sockets(): readonly ListenSockets[] {
    return this.held?.sockets ?? [];
  }

  get stopping(): boolean {
    return this.phase === 'stopping';
  }

  /** Those that hold a slot, or are to take one over, by slot. */
  get current(): readonly WorkerHandle[] {
    return this.placed
      .filter(({ assignment }) => assignment.index < this.wanted)
      .toSorted((one, other) => one.assignment.index - other.assignment.index);
  }

  /** Those of one slot, oldest first. */
  slot(index: number): readonly WorkerHandle[] {
    return this.placed.filter(({ assignment }) => assignment.index === index);
  }

  /** Those whose slot is gone, or has one that serves and fits. */
  get needless(): readonly WorkerHandle[] {
    return this.placed.filter((worker) => {
      const { index } = worker.assignment;
      const holder = this.slot(index).findLast((other) => other.serving && this.#fits(other));
      return index >= this.wanted || (holder !== undefined && holder !== worker);
    });
  }

  /** An empty slot, the worker of a trial, or one that is to take over from a worker that does not fit: in this order. */
  get missing(): Missing | undefined {
    const slots = Array.from({ length: this.wanted }, (_, index) => this.slot(index));
    const empty = slots.findIndex((workers) => workers.length === 0);
    if (empty !== -1) return { index: empty, extra: false };
    const { trial } = this;
    if (trial !== undefined && trial.worker === undefined) return { index: 0, extra: true, trial };
    const unfit = slots.findIndex((workers) => !workers.some((worker) => this.#fits(worker)));
    return unfit === -1 ? undefined : { index: unfit, extra: true };
  }

  /** Why this one is started; the worker of a trial counts once it takes a slot. */
  reasonFor({ index, extra }: Missing): keyof PoolState['starts'] {
    if (extra) return this.slot(index).find(({ worn }) => worn)?.worn ?? this.roll?.reason ?? 'reload';
    if (this.isFirst(index)) return this.phase === 'launching' ? 'launch' : 'scale';
    return this.hung.delete(index) ? 'stuck' : 'death';
  }

  /** There may be no further process than there are slots until this one is gone: the one that drains longest. */
  get inTheWay(): WorkerHandle | undefined {
    if (this.workers.size < 2 * Math.max(1, this.wanted)) return undefined;
    return [...this.workers].find(({ stopping }) => stopping);
  }

  /** Those that were not told to leave, those of slots that are gone included. */
  get placed(): readonly WorkerHandle[] {
    return [...this.workers].filter((worker) => !worker.toldToEnd && worker !== this.trial?.worker);
  }

  /** Changes how many there are to be. Of each new slot it gives how its first start ends. */
  setWanted(workers: number): readonly Promise<void>[] {
    const started: Promise<void>[] = [];
    for (let index = this.wanted; index < workers; index++) {
      // The worker of a trial has started already.
      if (this.slot(index).some(({ serving }) => serving)) continue;
      const first = deferred();
      this.#firstStarts.set(index, first);
      started.push(first.promise);
    }
    this.wanted = workers;
    for (const index of this.#firstStarts.keys()) if (index >= workers) this.startedFirst(index);
    return started;
  }

  /** No worker of this slot was ready yet. */
  isFirst(index: number): boolean {
    return this.#firstStarts.has(index);
  }

  /** The first start of a slot has ended. */
  startedFirst(index: number, error?: Error): void {
    const first = this.#firstStarts.get(index);
    this.#firstStarts.delete(index);
    if (error === undefined) first?.resolve();
    else first?.reject(error);
  }

  /** The trial is over: its worker is one as any other from now on, unless the caller ends it. */
  takeTrial(): PoolTrial | undefined {
    const { trial } = this;
    this.trial = undefined;
    trial?.begun.resolve(undefined);
    return trial;
  }

  /** Nothing is to be started any more. */
  beginStopping(): void {
    this.phase = 'stopping';
    this.takeTrial();
    this.roll?.end();
    for (const index of this.#firstStarts.keys()) this.startedFirst(index);
  }

  #fits(worker: WorkerHandle): boolean {
    return worker.worn === undefined && this.roll?.isDue(worker) !== true;
  }
}
