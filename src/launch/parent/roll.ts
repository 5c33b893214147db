/**
 * Replacement of a service's workers, one slot after another, by a reload or on request: the next worker to replace,
 * and the time for which a turn waits and is retried.
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
  /** Returns true if another reload was requested, so that this one need not retry without end. */
  superseded(): boolean;
}

/** Time that a replaced worker has to report that it accepts no new connections. */
const DRAINED_WITHIN_MS = 5000;
/** Time after its deadline in which a draining worker must be gone. */
const HASTE_MS = 2000;

export class Roll {
  /** Number of replaced workers. */
  replaced = 0;
  /** Workers that could not be replaced, each with the reason. */
  readonly failures: string[] = [];
  /** True while the worker that was replaced last still accepts connections. */
  leaving = false;
  /** `restart`: an operator has requested new workers with the configuration in force. */
  readonly reason: RollOptions['reason'];
  readonly #options: RollOptions;
  readonly #slots: number[];
  readonly #ended = deferred();
  /** Settles when no slot is left, or when the service stops. */
  readonly ended = this.#ended.promise;
  /** Start of the present turn, on the monotonic clock. */
  #beganAt = performance.now();

  constructor(options: RollOptions) {
    this.#options = options;
    this.reason = options.reason;
    this.#slots = [...new Set(options.workers.map(({ assignment }) => assignment.index))];
  }

  /** The slot whose worker is replaced now. */
  get turn(): number | undefined {
    return this.#slots[0];
  }

  /** Reports whether a worker holds the slot of the present turn and must be replaced. */
  isDue(worker: WorkerHandle): boolean {
    return worker.assignment.index === this.turn && this.#options.workers.includes(worker);
  }

  /** Limit of a turn that waits until a replaced worker has drained and its process is gone. */
  get roomLimit(): { readonly leftMs: number; readonly why: { readonly message: string; readonly hint: string } } {
    const { settings } = this.#options;
    const limitMs = Math.max(settings.reloadTimeoutMs, hurriedDrainMs(settings) + HASTE_MS);
    const message = `previously replaced workers were still draining after ${Math.round(limitMs) / 1000} s`;
    const hint = 'Set a shorter drain_timeout or graceful_shutdown_timeout to make room sooner.';
    return { leftMs: this.#beganAt + limitMs - performance.now(), why: { message, hint } };
  }

  /** A worker leaves its slot to a new one. `drained` is called when it accepts no new connections. */
  leaves(worker: WorkerHandle, drained: () => void): void {
    this.leaving = true;
    void within(worker.drained, DRAINED_WITHIN_MS).then(() => {
      this.leaving = false;
      drained();
    });
  }

  /** Ends the turn. `replaced`: true if a new worker holds the slot. */
  next(replaced: boolean): void {
    if (replaced) this.replaced += 1;
    this.#slots.shift();
    this.#beganAt = performance.now();
  }

  /** Records a failed start. It is retried until the time is up or another reload is requested. */
  failed(error: unknown): void {
    const { service, log, superseded } = this.#options;
    const text = `worker ${this.turn} of service ${service} was not replaced: ${describeError(error)}`;
    if (superseded() || performance.now() >= this.#beganAt + this.#options.settings.reloadTimeoutMs) {
      this.failures.push(text);
      this.next(false);
    } else {
      log.warn({ service, workerId: this.turn }, `${text}; trying again`);
    }
  }

  end(): void {
    this.#ended.resolve();
  }
}
