/**
 * Workers of a service are replaced one slot after another, by a reload or because an operator asks for it: which of them is
 * next, and for how long it is tried.
 */

import { describeError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { deferred, within } from '../../tasks/internal.js';
import type { WorkerHandle } from './worker-handle.js';
import type { FleetGeneration } from './worker-process.js';

/** Parts of a {@link Roll}. */
interface RollOptions {
  readonly service: string;
  readonly reason: 'reload' | 'restart';
  readonly log: Logger;
  readonly settings: FleetGeneration['settings'];
  /** Those to replace, by slot. */
  readonly workers: readonly WorkerHandle[];
  /** True when another reload was asked for: this one need not try for ever. */
  superseded(): boolean;
}

/** How long a replaced worker may take to say that it accepts nothing any more. */
const DRAINED_WITHIN_MS = 5000;
/** How much longer than its deadline a worker that drains may take to be gone. */
const HASTE_MS = 2000;

/** How long a turn may go on, and the mistake when it does not end in time. */
interface TurnLimit {
  readonly leftMs: number;
  readonly why: { readonly message: string; readonly hint?: string };
}

export class Roll {
  /** How many workers were replaced. */
  replaced = 0;
  /** Workers that are still the old ones, each with why. */
  readonly failures: string[] = [];
  /** The worker that was replaced last still accepts connections. */
  leaving = false;
  /** `restart`: an operator has asked for other workers with the configuration in force. */
  readonly reason: RollOptions['reason'];
  readonly #options: RollOptions;
  readonly #slots: number[];
  readonly #ended = deferred();
  /** Settles when no slot is left, or the service is being stopped. */
  readonly ended = this.#ended.promise;
  /** When the turn of the present slot began. */
  #beganAt = performance.now();

  constructor(options: RollOptions) {
    this.#options = options;
    this.reason = options.reason;
    this.#slots = [...new Set(options.workers.map(({ assignment }) => assignment.index))];
  }

  /** The slot whose worker is to be replaced now. */
  get turn(): number | undefined {
    return this.#slots[0];
  }

  /** It holds the slot whose turn it is, and is to be replaced. */
  isDue(worker: WorkerHandle): boolean {
    return worker.assignment.index === this.turn && this.#options.workers.includes(worker);
  }

  /** Why a worker that starts in this turn is given up, or for how much longer it is not. */
  startLimit({ startedAt }: WorkerHandle): TurnLimit {
    const { reloadCheckTimeoutMs, reloadTimeoutMs } = this.#settings;
    const checkMs = reloadCheckTimeoutMs === 0 ? Number.POSITIVE_INFINITY : reloadCheckTimeoutMs;
    const limitMs = Math.max(this.#beganAt + reloadTimeoutMs - startedAt, checkMs);
    const message = `it did not start within ${Math.round(limitMs) / 1000} s`;
    return { leftMs: startedAt + limitMs - performance.now(), why: { message } };
  }

  /** The same for a turn that waits until a replaced worker has drained and its process is gone. */
  get roomLimit(): TurnLimit {
    const { gracefulShutdownTimeoutMs, reloadTimeoutMs } = this.#settings;
    const limitMs = Math.max(reloadTimeoutMs, gracefulShutdownTimeoutMs + HASTE_MS);
    const message = `previously replaced workers were still draining after ${Math.round(limitMs) / 1000} s`;
    const hint = 'Set a shorter graceful_shutdown_timeout to make room sooner.';
    return { leftMs: this.#beganAt + limitMs - performance.now(), why: { message, hint } };
  }

  /** A worker leaves its slot to a new one. `drained` is called when it accepts nothing any more. */
  leaves(worker: WorkerHandle, drained: () => void): void {
    this.leaving = true;
    void within(worker.drained, DRAINED_WITHIN_MS).then(() => {
      this.leaving = false;
      drained();
    });
  }

  /** The turn is over. `replaced`: by a new worker in the slot. */
  next(replaced: boolean): void {
    if (replaced) this.replaced += 1;
    this.#slots.shift();
    this.#beganAt = performance.now();
  }

  /** No new worker could be had: tried again, until the time is up or another reload comes. */
  failed(error: unknown): void {
    const { service, log, superseded } = this.#options;
    const text = `worker ${this.turn} of service ${service} was not replaced: ${describeError(error)}`;
    if (superseded() || performance.now() >= this.#beganAt + this.#settings.reloadTimeoutMs) {
      this.failures.push(text);
      this.next(false);
    } else {
      log.warn(`${text}; trying again`, { service, workerId: this.turn });
    }
  }

  end(): void {
    this.#ended.resolve();
  }

  get #settings(): FleetGeneration['settings'] {
    return this.#options.settings;
  }
}
