/**
 * Replacement of a service's workers by a reload or on request: a turn for each slot, several at a time in a large fleet. A new worker serves
 * before its predecessor drains, so that the number of ready workers never falls.
 */
import { describeError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { deferred } from '../../tasks/internal.js';
import { hurriedDrainMs } from '../launcher-options.js';
import type { FleetGeneration } from './fleet-generation.js';
import type { WorkerHandle } from './worker-handle.js';

/** Options of a {@link Roll}. */
interface RollOptions {
  readonly service: string;
  readonly reason: 'reload' | 'restart';
  readonly log: Logger;
  readonly settings: FleetGeneration['settings'];
  /** Workers to replace, by slot. */
  readonly workers: readonly WorkerHandle[];
  /** Number of slots that have their turn at a time. */
  readonly atOnce: number;
  /** Returns true if another reload was requested, so that this one need not retry without end. */
  superseded(): boolean;
}

/** Time after its deadline in which a draining worker must be gone. */
const HASTE_MS = 2000;

/** The turn of one slot. */
export interface Turn {
  readonly slot: number;
  /** On the monotonic clock. */
  readonly beganAt: number;
  /** True while the worker that was replaced still accepts connections. */
  leaving: boolean;
}

/** Returns the number of workers to replace at a time: at most every fourth, and as many as half of the CPUs can start. */
export function replacedAtOnce(workers: number, processors: number): number {
  return Math.max(1, Math.min(Math.floor(workers / 4), Math.floor(processors / 2)));
}

export class Roll {
  /** Number of replaced workers. */
  replaced = 0;
  /** Workers that could not be replaced, each with the reason. */
  readonly failures: string[] = [];
  /** `restart`: an operator has requested new workers with the current configuration. */
  readonly reason: RollOptions['reason'];
  readonly #options: RollOptions;
  /** Slots that have not had their turn. */
  readonly #slots: number[];
  readonly #turns = new Map<number, Turn>();
  /** Settles when no slot is left, or when the service stops. */
  readonly over = deferred();

  constructor(options: RollOptions) {
    this.#options = options;
    this.reason = options.reason;
    this.#slots = [...new Set(options.workers.map(({ assignment }) => assignment.index))];
    this.#begin();
  }

  /** The present turns; none if no slot is left. */
  get turns(): readonly Turn[] {
    return [...this.#turns.values()];
  }

  /** Returns the turn of a slot, if it has one now. */
  turnOf(slot: number): Turn | undefined {
    return this.#turns.get(slot);
  }

  /** Reports whether a worker holds the slot of a present turn and must be replaced. */
  isDue(worker: WorkerHandle): boolean {
    return this.#turns.has(worker.assignment.index) && this.#options.workers.includes(worker);
  }

  /** Ends a turn, and begins the next. `replaced`: true if a new worker holds the slot. */
  next({ slot }: Turn, replaced: boolean): void {
    if (replaced) this.replaced += 1;
    this.#turns.delete(slot);
    this.#begin();
  }

  /** Records the failed start of a turn. It is retried until the time is up or another reload is requested. */
  failed(turn: Turn, error: unknown): void {
    const { service, log, settings, superseded } = this.#options;
    const text = `worker ${turn.slot} of service ${service} was not replaced: ${describeError(error)}`;
    if (superseded() || performance.now() >= turn.beganAt + settings.reloadTimeoutMs) {
      this.failures.push(text);
      this.next(turn, false);
    } else {
      log.warn({ service, workerId: turn.slot }, `${text}; trying again`);
    }
  }

  /** Time for which a turn waits until a replaced worker has drained and its process is gone. */
  get roomMs(): number {
    const { settings } = this.#options;
    return Math.max(settings.reloadTimeoutMs, hurriedDrainMs(settings) + HASTE_MS);
  }

  #begin(): void {
    while (this.#turns.size < this.#options.atOnce && this.#slots.length > 0) {
      const slot = this.#slots.shift()!;
      this.#turns.set(slot, { slot, beganAt: performance.now(), leaving: false });
    }
  }
}
