/**
 * Replacement of a service's workers by a reload or on request: a turn for each slot, several at a time in a large fleet. A new worker serves
 * before its predecessor drains, so that the number of ready workers never falls.
 */

import { describeError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { deferred, within } from '../../tasks/internal.js';
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

/** Time that a replaced worker has to report that it accepts no new connections. */
const DRAINED_WITHIN_MS = 5000;
/** Time after its deadline in which a draining worker must be gone. */
const HASTE_MS = 2000;

/** Returns the number of workers to replace at a time: at most every fourth, and as many as half of the CPUs can start. */
export function replacedAtOnce(workers: number, processors: number): number {
  return Math.max(1, Math.min(Math.floor(workers / 4), Math.floor(processors / 2)));
}

/** The turn of one slot. */
export class Turn {
  readonly slot: number;
  /** True while the worker that was replaced still accepts connections. */
  leaving = false;
  /** On the monotonic clock. */
  readonly #beganAt = performance.now();
  readonly #options: RollOptions;

  constructor(slot: number, options: RollOptions) {
    this.slot = slot;
    this.#options = options;
  }

  /** The worker leaves its slot to a new one. `drained` is called when it accepts no new connections. */
  leaves(worker: WorkerHandle, drained: () => void): void {
    this.leaving = true;
    void within(worker.drained, DRAINED_WITHIN_MS).then(() => {
      this.leaving = false;
      drained();
    });
  }

  /** Limit of a turn that waits until a replaced worker has drained and its process is gone. */
  get roomLimit(): { readonly leftMs: number; readonly why: { readonly message: string; readonly hint: string } } {
    const { settings } = this.#options;
    const limitMs = Math.max(settings.reloadTimeoutMs, hurriedDrainMs(settings) + HASTE_MS);
    const message = `previously replaced workers were still draining after ${Math.round(limitMs) / 1000} s`;
    const hint = 'Set a shorter drain_timeout or graceful_shutdown_timeout to make room sooner.';
    return { leftMs: this.#beganAt + limitMs - performance.now(), why: { message, hint } };
  }

  /** Reports whether a failed start is not retried: the time is up, or another reload was requested. */
  get isOver(): boolean {
    const { settings, superseded } = this.#options;
    return superseded() || performance.now() >= this.#beganAt + settings.reloadTimeoutMs;
  }
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
  readonly #ended = deferred();
  /** Settles when no slot is left, or when the service stops. */
  readonly ended = this.#ended.promise;

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
    const { service, log } = this.#options;
    const text = `worker ${turn.slot} of service ${service} was not replaced: ${describeError(error)}`;
    if (turn.isOver) {
      this.failures.push(text);
      this.next(turn, false);
    } else {
      log.warn({ service, workerId: turn.slot }, `${text}; trying again`);
    }
  }

  end(): void {
    this.#ended.resolve();
  }

  #begin(): void {
    while (this.#turns.size < this.#options.atOnce && this.#slots.length > 0) {
      const slot = this.#slots.shift()!;
      this.#turns.set(slot, new Turn(slot, this.#options));
    }
  }
}
