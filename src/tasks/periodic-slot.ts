/**
 * One periodic task's place in the schedule: when it ran, when it is due, what it is doing.
 */
import { errorText } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { type Clock, pause } from './clock.js';
import { DEFAULT_INTERVAL, type PeriodicTaskOptions } from './periodic-task.js';

/** What is known about a periodic task; times in seconds, relative to now. */
export interface PeriodicStatus {
  readonly name: string;
  readonly spacing: number;
  readonly running: boolean;
  readonly runs: number;
  readonly errors: number;
  /** Seconds since the last run began; absent before the first. */
  readonly lastStartAgo?: number;
  /** Seconds since the last run ended. */
  readonly lastEndAgo?: number;
  readonly lastError?: string;
  /** Seconds until the next run is due; 0 or less: due; absent before the first pass. */
  readonly nextIn?: number;
}

/** What a slot is made of. */
export interface SlotSpec {
  readonly name: string;
  /** `Class.name`, for logs. */
  readonly fullName: string;
  readonly call: (context: unknown, options: { signal: AbortSignal }) => unknown;
  readonly settings: PeriodicTaskOptions;
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly lease: ((task: string, seconds: number) => Promise<boolean>) | undefined;
}

/** The part of the spacing by which runs are delayed at random, so that a fleet does not act in step. */
const DEFAULT_JITTER = 0.05;

export class PeriodicSlot {
  readonly name: string;
  readonly fullName: string;
  readonly settings: PeriodicTaskOptions;
  /** Seconds from start to start. */
  spacing: number;
  readonly #spec: SlotSpec;
  /** Undefined before the first pass; null: never ran and is due. Where runs are counted from, in seconds. */
  #lastRun: number | null | undefined;
  #began: number | undefined;
  #ended: number | undefined;
  #lastError: string | undefined;
  #runs = 0;
  #errors = 0;
  #current: Promise<void> | undefined;

  constructor(spec: SlotSpec) {
    this.name = spec.name;
    this.fullName = spec.fullName;
    this.settings = spec.settings;
    this.spacing = spec.settings.spacing || DEFAULT_INTERVAL;
    this.#spec = spec;
  }

  /** True while a run has not ended: only of a concurrent task, or of one that passed its time limit. */
  get running(): boolean {
    return this.#current !== undefined;
  }

  /** Settles when the current run has ended. */
  get settled(): Promise<void> {
    return this.#current ?? Promise.resolve();
  }

  /** Seconds until the task is due; 0 or less: now. The first call, in the first pass, begins the schedule. */
  remaining(now: number): number {
    if (this.#lastRun === undefined) this.#lastRun = this.settings.runImmediately === true ? null : now;
    if (this.#lastRun === null) return 0;
    const remaining = this.#lastRun + this.spacing - now;
    // A microsecond is what adding fractions leaves behind.
    return remaining < 1e-6 ? Math.min(0, remaining) : remaining;
  }

  /** Counts the run that is to begin, on the grid of the first: missed ones collapse into one. */
  advance(now: number): void {
    if (this.#lastRun === null || this.#lastRun === undefined) {
      this.#lastRun = now;
      return;
    }
    // Whole seconds, so there is none for a spacing of 20 s or less: acting in step does no harm there.
    const jitter = Math.floor(this.spacing * this.#spec.random() * (this.settings.jitter ?? DEFAULT_JITTER));
    // The nearest boundary behind us; not the one before it when the clock stands on a boundary but for rounding.
    const passed = Math.max(1, Math.floor((now - this.#lastRun) / this.spacing + 1e-9));
    this.#lastRun += passed * this.spacing + jitter;
  }

  /** Runs the task. Settles when it ended, or need not be waited for; rejects only with `raiseOnError`. */
  async run(context: unknown, options: { raiseOnError?: boolean; signal?: AbortSignal }): Promise<void> {
    const { timeout } = this.settings;
    const expired = new AbortController();
    const stop = (): void => expired.abort(options.signal?.reason);
    if (options.signal?.aborted === true) stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    const raised = this.#run(context, expired.signal).then((error) => {
      options.signal?.removeEventListener('abort', stop);
      if (error !== undefined && options.raiseOnError === true) throw error.thrown;
    });
    if (this.settings.concurrent === true) {
      raised.catch(() => {});
      if (timeout !== undefined) void this.#expire(timeout, expired);
      return;
    }
    if (timeout === undefined) return raised;
    raised.catch(() => {});
    await Promise.race([raised, this.#expire(timeout, expired)]);
  }

  status(now: number): PeriodicStatus {
    return {
      name: this.name,
      spacing: this.spacing,
      running: this.running,
      runs: this.#runs,
      errors: this.#errors,
      ...(this.#began === undefined ? {} : { lastStartAgo: now - this.#began }),
      ...(this.#ended === undefined ? {} : { lastEndAgo: now - this.#ended }),
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
      ...(this.#lastRun === undefined ? {} : { nextIn: this.remaining(now) }),
    };
  }

  /** Settles, never rejects, when the run has ended: with its error, if it had one. */
  #run(context: unknown, signal: AbortSignal): Promise<{ thrown: unknown } | undefined> {
    const { clock, log, call } = this.#spec;
    const cancel = clock.after(
      2 * this.spacing * 1000,
      () => log.warn(`Periodic task ${this.fullName} is running for more than twice its spacing of ${this.spacing} s`),
      { unref: true },
    );
    const work = async (): Promise<{ thrown: unknown } | undefined> => {
      try {
        if (!(await this.#mayRun())) return undefined;
        this.#began = clock.now() / 1000;
        this.#runs++;
        await call(context, { signal });
        this.#lastError = undefined;
        return undefined;
      } catch (error) {
        this.#errors++;
        this.#lastError = errorText(error);
        log.error(`Error during ${this.fullName}`, { err: error });
        return { thrown: error };
      } finally {
        cancel();
        this.#ended = clock.now() / 1000;
        this.#current = undefined;
      }
    };
    // Set before the work begins: it may end within the same turn.
    let ended!: () => void;
    this.#current = new Promise<void>((resolve) => {
      ended = resolve;
    });
    return work().finally(ended);
  }

  #warnedOfLease = false;

  async #mayRun(): Promise<boolean> {
    const { lease, fullName } = this.#spec;
    if (this.settings.exclusive !== 'cluster') return true;
    if (lease !== undefined) return lease(fullName, 2 * this.spacing);
    if (!this.#warnedOfLease) {
      this.#warnedOfLease = true;
      const text = `Periodic task ${fullName} is exclusive in the cluster, and there is no registry: it runs on every host`;
      this.#spec.log.warn(`${text}. Name one in [servicegroup].`);
    }
    return true;
  }

  /** Raises the signal of a run that takes too long. Nothing kills it; until it ends there is no next one. */
  async #expire(seconds: number, expired: AbortController): Promise<void> {
    const ended = new AbortController();
    void this.settled.then(() => ended.abort());
    if (!(await pause(seconds * 1000, { clock: this.#spec.clock, signal: ended.signal, unref: true }))) return;
    this.#spec.log.error(`Periodic task ${this.fullName} passed its limit of ${seconds} s`);
    expired.abort(new DOMException(`the periodic task passed its limit of ${seconds} s`, 'TimeoutError'));
  }
}
