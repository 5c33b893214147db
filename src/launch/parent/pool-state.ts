/**
 * Desired and actual workers of one service. The slots that lack a worker and the superfluous workers are computed from
 * these two.
 */

import type { EndReason, WorkerEnd } from '../../operating/index.js';
import type { Launchable } from '../../service/index.js';
import { RECORD_KEY } from '../../service/internal.js';
import { type Deferred, deferred } from '../../tasks/internal.js';
import { ServiceBuckets } from '../shared-buckets.js';
import type { ListenSockets } from '../sockets/listen-sockets.js';
import type { HeldSockets } from '../sockets/listener-pool.js';
import type { Kept } from '../worker-message.js';
import type { FleetGeneration } from './fleet-generation.js';
import type { Roll } from './roll.js';
import type { WorkerHandle } from './worker-handle.js';
import { holdsSlot } from './worker-state.js';

/**
 * The trial of a new configuration: its first worker, which serves beside the old ones until the reload is accepted.
 */
interface PoolTrial {
  readonly generation: FleetGeneration;
  /** Number of workers if the trial is accepted. */
  readonly workers: number;
  worker: WorkerHandle | undefined;
  /** Settles with the worker, or with undefined if the trial ends before a worker could be started. */
  readonly begun: Deferred<WorkerHandle | undefined>;
}

/** Most values that the workers of a service may leave: a record, and the times of periodic tasks. */
const MOST_KEPT = 1000;

/** A missing worker. */
export interface Missing {
  readonly index: number;
  /** True if the slot still has a worker; until that worker is gone, the service has one process more than slots. */
  readonly extra: boolean;
  readonly trial?: PoolTrial;
}

/** Identity of a pool, and the generation of its first workers. */
export type PoolStart = Pick<PoolState, 'name' | 'service' | 'generation'>;

export class PoolState {
  readonly name: string;
  /** The service as it was launched, or its plan with the current configuration. */
  service: Launchable;
  /** The service's sockets; undefined for a service that does not listen. */
  held: HeldSockets | undefined;
  /** The generation that new workers start with. */
  generation: FleetGeneration;
  /** Desired number of workers. */
  wanted = 0;
  /** Time at which it was set, ISO 8601. */
  wantedSince = '';
  /** `over`: one of the first workers failed to start, or too many workers have ended. */
  phase: 'new' | 'launching' | 'running' | 'over' | 'stopping' = 'new';
  trial: PoolTrial | undefined;
  /** The replacement of workers that is under way. */
  roll: Roll | undefined;
  /** All processes, including those that drain. */
  readonly workers = new Set<WorkerHandle>();
  /** Number of workers that replaced one that ended unexpectedly. */
  restarts = 0;
  /** Number of started workers, by reason. */
  readonly starts = { launch: 0, scale: 0, death: 0, stuck: 0, recycle: 0, memory: 0, reload: 0, restart: 0 };
  /** The last worker that held a slot and ended unexpectedly. */
  lastEnd: WorkerEnd | undefined;
  /** Number of requests lost with workers, by the reason of the worker's end. */
  lost: Record<string, number> = {
    start: 0,
    stuck: 0,
    heap: 0,
    oom: 0,
    error: 0,
    signal: 0,
    exit: 0,
    deadline: 0,
  } satisfies Record<EndReason, number>;
  /**
   * Why slots get another worker, unless theirs has died: it was killed because it sent no heartbeat, or an operator has
   * ended it by a signal.
   */
  readonly reasons = new Map<number, 'stuck' | 'restart'>();
  /** Token buckets shared by the workers. */
  readonly buckets = new ServiceBuckets();
  /** Values that its workers leave to those that start later. */
  readonly kept = new Map<string, unknown>();
  /** Slots in which no worker has been ready yet; each settles with the first start in its slot. */
  readonly #firstStarts = new Map<number, Deferred<void> & { readonly reason: 'launch' | 'scale' }>();

  constructor({ name, service, generation }: PoolStart) {
    this.name = name;
    this.service = service;
    this.generation = generation;
  }

  /** One entry for each address, in order; also after the service has released them. */
  get sockets(): readonly ListenSockets[] {
    return this.held?.sockets ?? [];
  }

  get stopping(): boolean {
    return this.phase === 'stopping';
  }

  /** Keeps a value for workers that start later, and tells the one that replaces its worker at present. */
  keep(from: WorkerHandle, { key, value }: Kept): void {
    this.kept.delete(key);
    this.kept.set(key, value);
    if (this.kept.size > MOST_KEPT) this.kept.delete(oldestTime(this.kept)!);
    for (const worker of this.workers) {
      if (worker !== from && worker.assignment.index === from.assignment.index) worker.tellKept({ key, value });
    }
  }

  /** Workers that hold a slot or will take one over, by slot. */
  get current(): readonly WorkerHandle[] {
    return this.placed
      .filter(({ assignment }) => assignment.index < this.wanted)
      .toSorted((one, other) => one.assignment.index - other.assignment.index);
  }

  /** Workers of one slot, oldest first. */
  slot(index: number): readonly WorkerHandle[] {
    return this.placed.filter(({ assignment }) => assignment.index === index);
  }

  /**
   * Workers whose slot was removed, or whose slot has another worker that serves and fits. A worker that must be
   * replaced also leaves its slot to a worn one that need not.
   */
  get needless(): readonly WorkerHandle[] {
    return this.placed.filter((worker) => {
      const { index } = worker.assignment;
      const isDue = (each: WorkerHandle): boolean => this.roll?.isDue(each) === true;
      const holds = isDue(worker) ? (other: WorkerHandle) => !isDue(other) : (other: WorkerHandle) => this.#fits(other);
      const holder = this.slot(index).findLast((other) => other.serving && holds(other));
      return index >= this.wanted || (holder !== undefined && holder !== worker);
    });
  }

  /** An empty slot, else the worker of a trial, else a replacement for a worker with an old generation. */
  get missing(): Missing | undefined {
    let unfit: number | undefined;
    for (let index = 0; index < this.wanted; index++) {
      const workers = this.slot(index);
      if (workers.length === 0) return { index, extra: false };
      if (!workers.some((worker) => this.#fits(worker))) unfit ??= index;
    }
    const { trial } = this;
    if (trial !== undefined && trial.worker === undefined) return { index: 0, extra: true, trial };
    return unfit === undefined ? undefined : { index: unfit, extra: true };
  }

  /** Returns why a worker is started. The worker of a trial counts when it takes a slot. */
  reasonFor({ index, extra }: Missing): keyof PoolState['starts'] {
    if (extra) return this.slot(index).find(({ worn }) => worn)?.worn ?? this.roll?.reason ?? 'reload';
    const first = this.firstStart(index);
    if (first !== undefined) return first;
    const reason = this.reasons.get(index) ?? 'death';
    this.reasons.delete(index);
    return reason;
  }

  /**
   * The worker that has drained for the longest time, if the number of processes has reached its limit; no process may
   * be started before it is gone.
   */
  get inTheWay(): WorkerHandle | undefined {
    if (this.workers.size < 2 * Math.max(1, this.wanted)) return undefined;
    return [...this.workers].find(({ stopping }) => stopping);
  }

  /** Workers that were not asked to end, including those of removed slots. */
  get placed(): readonly WorkerHandle[] {
    return [...this.workers].filter((worker) => holdsSlot(worker.state) && worker !== this.trial?.worker);
  }

  /** Sets the desired number of workers. Returns a promise for the first start of each new slot, which has this reason. */
  setWanted(workers: number, reason: 'launch' | 'scale'): readonly Promise<void>[] {
    const started: Promise<void>[] = [];
    for (let index = this.wanted; index < workers; index++) {
      if (this.slot(index).some(({ serving }) => serving)) continue;
      const first = { ...deferred(), reason };
      this.#firstStarts.set(index, first);
      started.push(first.promise);
    }
    this.wanted = workers;
    this.wantedSince = new Date().toISOString();
    for (const index of this.#firstStarts.keys()) if (index >= workers) this.startedFirst(index);
    return started;
  }

  /** Returns the reason of the first start in a slot; undefined once there was one. */
  firstStart(index: number): 'launch' | 'scale' | undefined {
    return this.#firstStarts.get(index)?.reason;
  }

  /** Settles the first start of a slot. */
  startedFirst(index: number, error?: Error): void {
    const first = this.#firstStarts.get(index);
    this.#firstStarts.delete(index);
    if (error === undefined) first?.resolve();
    else first?.reject(error);
  }

  /** Ends the trial and returns it. From now on its worker is an ordinary one, unless the caller ends it. */
  takeTrial(): PoolTrial | undefined {
    const { trial } = this;
    this.trial = undefined;
    trial?.begun.resolve(undefined);
    return trial;
  }

  /** Ends the replacement of workers: the next one may begin. */
  endRoll(): void {
    const { roll } = this;
    this.roll = undefined;
    roll?.end();
  }

  /** Starts no further workers. */
  beginStopping(): void {
    this.phase = 'stopping';
    this.takeTrial();
    this.endRoll();
    for (const index of this.#firstStarts.keys()) this.startedFirst(index);
  }

  #fits(worker: WorkerHandle): boolean {
    return worker.worn === undefined && this.roll?.isDue(worker) !== true;
  }
}

/** Returns the key that was set least recently, of those that are set again and again: the record is set once. */
function oldestTime(kept: ReadonlyMap<string, unknown>): string | undefined {
  return [...kept.keys()].find((key) => key !== RECORD_KEY);
}
