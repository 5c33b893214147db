/** One periodic task of an object: when it is due, its runs, and what has become of them. */
import { errorText } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { maskUris } from '../text/index.js';
import { type Cancel, type Clock, within } from './clock.js';
import { deferred } from './deferred.js';
import { DEFAULT_INTERVAL, type PeriodicTaskOptions } from './periodic-task.js';

/** State of a periodic task. Times are in seconds, relative to now. */
export interface PeriodicStatus {
  readonly name: string;
  readonly spacing: number;
  readonly running: boolean;
  /** Seconds since the start of the run in progress; absent without one, and while it waits for its lease. */
  readonly runningFor?: number;
  /** Number of begun runs. */
  readonly runs: number;
  readonly errors: number;
  /** Seconds since the start of the last run; absent before the first. */
  readonly lastStartAgo?: number;
  /** Seconds since the end of the last run. */
  readonly lastEndAgo?: number;
  /** Duration of the last run that has ended, in seconds. */
  readonly lastSeconds?: number;
  /** Error of the last run; absent if it succeeded. */
  readonly lastError?: string;
  /** Error of the last run that failed, and the seconds since its end. */
  readonly lastFailure?: string;
  readonly lastFailureAgo?: number;
  /** Seconds until the next run; 0 or less: due now; absent before the first pass. */
  readonly nextIn?: number;
}

/** Parts of a {@link PeriodicSlot}. */
export interface SlotSpec extends LeaseSpec {
  readonly name: string;
  readonly call: (context: unknown, options: { signal: AbortSignal }) => unknown;
  readonly settings: PeriodicTaskOptions;
  readonly random: () => number;
  /** Undefined: the schedule begins with the process. */
  readonly lastRuns: LastRuns | undefined;
  /** Called at the end of each run. */
  readonly ran: RunListener;
}

/**
 * The times from which the spacings of tasks count, in milliseconds since 1970 by the wall clock. They outlive the process, so that a task
 * keeps its schedule over a reload.
 */
export interface LastRuns {
  /** The present time. */
  now(): number;
  /** `task`: its full name. */
  get(task: string): number | undefined;
  set(task: string, at: number): void;
}

/** Called with a task's name at the end of each run, and its duration in seconds. */
export type RunListener = (task: string, seconds: number, outcome: 'ok' | 'failed') => void;

/** Default maximum random delay, as a fraction of the spacing, so that the processes of a fleet do not run in step. */
const DEFAULT_JITTER = 0.05;

/** Schedule and state of one periodic task. */
export class PeriodicSlot {
  readonly name: string;
  readonly fullName: string;
  readonly settings: PeriodicTaskOptions;
  /** Seconds from start to start. */
  spacing: number;
  readonly #spec: SlotSpec;
  readonly #lease: ClusterLease | undefined;
  /** Undefined before the first pass; null if due without an earlier run; else the time in seconds from which the spacing counts. */
  #lastRun: number | null | undefined;
  /** The time in {@link LastRuns} that this slot knows. */
  #noted: number | undefined;
  #began: number | undefined;
  #ended: number | undefined;
  /** Duration of the last run, in seconds. */
  #lasted: number | undefined;
  /** The last failure, and the time at which that run ended. */
  #failure: { readonly error: string; readonly at: number } | undefined;
  #isWorking = false;
  #runs = 0;
  #errors = 0;
  #current: Promise<void> | undefined;

  constructor(spec: SlotSpec) {
    this.name = spec.name;
    this.fullName = spec.fullName;
    this.settings = spec.settings;
    this.spacing = spec.settings.spacing || DEFAULT_INTERVAL;
    this.#spec = spec;
    this.#lease = spec.settings.exclusive === 'cluster' ? new ClusterLease(spec) : undefined;
  }

  /** True during a run. Between passes only for a concurrent task, or one that passed its timeout. */
  get running(): boolean {
    return this.#current !== undefined;
  }

  /** Settles when the current run has ended. */
  get settled(): Promise<void> {
    return this.#current ?? Promise.resolve();
  }

  /** Starts the schedule, at the first call: where that of an earlier process has stopped, else now. */
  begin(now: number): void {
    if (this.#lastRun !== undefined) return;
    this.#lastRun = this.settings.runImmediately === true ? null : now;
    if (this.#lastRun === null) return;
    this.#adopt(now);
    if (this.#noted === undefined) this.#note(now);
  }

  /** Returns the seconds until the task is due, after {@link begin}; 0 or less: now. */
  remaining(now: number): number {
    if (this.#lastRun === null || this.#lastRun === undefined) return 0;
    this.#adopt(now);
    const remaining = this.#lastRun + this.spacing - now;
    // Sums of fractions may be off by less than a microsecond.
    return remaining < 1e-6 ? Math.min(0, remaining) : remaining;
  }

  /** Returns the seconds until the task should begin; one that was due during its own last run waits for the next boundary of its grid. */
  ahead(now: number): number {
    const remaining = this.remaining(now);
    if (this.running) return this.spacing;
    const isLate = this.#ended !== undefined && this.#began !== undefined && remaining <= 0;
    const missed = isLate && this.#began! < now + remaining && now + remaining <= this.#ended!;
    return missed ? this.spacing + (remaining % this.spacing) : Math.max(0, remaining);
  }

  /** Moves the schedule to the run that is about to start, by whole spacings plus jitter: missed runs collapse into one. */
  advance(now: number): void {
    this.#lastRun = this.#advanced(now);
    this.#note(now);
  }

  #advanced(now: number): number {
    if (this.#lastRun === null || this.#lastRun === undefined) return now;
    // Whole seconds, so no jitter for a spacing of 20 s or less, because running in step does no harm there.
    const jitter = Math.floor(this.spacing * this.#spec.random() * (this.settings.jitter ?? DEFAULT_JITTER));
    // The last boundary that has passed; the margin covers rounding errors when the clock is exactly on a boundary.
    const passed = Math.max(1, Math.floor((now - this.#lastRun) / this.spacing + 1e-9));
    return this.#lastRun + passed * this.spacing + jitter;
  }

  /** Takes over a time that another process has noted: the one before this, or one that this one replaces and that still runs. */
  #adopt(now: number): void {
    const { lastRuns } = this.#spec;
    const at = lastRuns?.get(this.fullName);
    if (lastRuns === undefined || at === undefined || at === this.#noted) return;
    this.#noted = at;
    // A wall clock that was set back must not delay the task.
    this.#lastRun = now - Math.max(0, (lastRuns.now() - at) / 1000);
  }

  #note(now: number): void {
    const { lastRuns } = this.#spec;
    if (lastRuns === undefined) return;
    this.#noted = lastRuns.now() - (now - this.#lastRun!) * 1000;
    lastRuns.set(this.fullName, this.#noted);
  }

  /** Runs the task. Settles when it ends, times out or is concurrent; rejects only with `raiseOnError`. */
  async run(context: unknown, options: { raiseOnError?: boolean; signal?: AbortSignal }): Promise<void> {
    const { timeout } = this.settings;
    const expired = new AbortController();
    const stop = (): void => expired.abort(options.signal?.reason);
    if (options.signal?.aborted === true) stop();
    options.signal?.addEventListener('abort', stop, { once: true });
    const raised = this.#run(context, expired).then((error) => {
      options.signal?.removeEventListener('abort', stop);
      if (error !== undefined && options.raiseOnError === true) throw error.thrown;
    });
    const { clock } = this.#spec;
    const ended =
      timeout === undefined
        ? raised
        : within(raised, { ms: timeout * 1000, clock, unref: true }, () => this.#expire(timeout, expired));
    if (this.settings.concurrent !== true) return ended;
    ended.catch(() => {});
  }

  status(now: number): PeriodicStatus {
    const failure = this.#failure;
    return {
      name: this.name,
      spacing: this.spacing,
      running: this.running,
      ...(this.#isWorking ? { runningFor: now - this.#began! } : {}),
      runs: this.#runs,
      errors: this.#errors,
      ...(this.#began === undefined ? {} : { lastStartAgo: now - this.#began }),
      ...(this.#ended === undefined ? {} : { lastEndAgo: now - this.#ended }),
      ...(this.#lasted === undefined ? {} : { lastSeconds: this.#lasted }),
      ...(failure !== undefined && failure.at === this.#ended ? { lastError: failure.error } : {}),
      ...(failure === undefined ? {} : { lastFailure: failure.error, lastFailureAgo: now - failure.at }),
      ...(this.#lastRun === undefined ? {} : { nextIn: this.remaining(now) }),
    };
  }

  /** Calls the task. Never rejects; resolves with its error, or with undefined. */
  #run(context: unknown, ending: AbortController): Promise<{ thrown: unknown } | undefined> {
    const { clock, log, call } = this.#spec;
    const cancel = clock.after(
      2 * this.spacing * 1000,
      () => log.warn(`Periodic task ${this.fullName} is running for more than twice its spacing of ${this.spacing} s`),
      { unref: true },
    );
    let letGo: Cancel | undefined;
    const work = async (): Promise<{ thrown: unknown } | undefined> => {
      try {
        if ((await this.#lease?.take(this.spacing)) === false) return undefined;
        letGo = this.#lease?.keep(this.spacing, ending);
        this.#began = clock.now() / 1000;
        this.#isWorking = true;
        this.#runs++;
        await call(context, { signal: ending.signal });
        this.#finish('ok');
        return undefined;
      } catch (error) {
        this.#errors++;
        this.#finish('failed');
        this.#failure = { error: maskUris(errorText(error)), at: this.#ended! };
        log.error({ err: error }, `Error during ${this.fullName}`);
        return { thrown: error };
      } finally {
        cancel();
        letGo?.();
        this.#current = undefined;
      }
    };
    // Set before the work begins, because it may end within the same turn.
    const ended = deferred();
    this.#current = ended.promise;
    return work().finally(ended.resolve);
  }

  /** A run that failed before it began, because its lease could not be taken, has no duration. */
  #finish(outcome: 'ok' | 'failed'): void {
    const { clock, ran } = this.#spec;
    this.#ended = clock.now() / 1000;
    if (!this.#isWorking) return;
    this.#isWorking = false;
    this.#lasted = this.#ended - this.#began!;
    ran(this.name, this.#lasted, outcome);
  }

  /** Aborts the signal of a run that takes too long. If it continues, the next run waits for its end. */
  #expire(seconds: number, expired: AbortController): void {
    this.#spec.log.error(`Periodic task ${this.fullName} exceeded its limit of ${seconds} s`);
    expired.abort(new DOMException(`the periodic task exceeded its limit of ${seconds} s`, 'TimeoutError'));
  }
}

/** Parts of a {@link ClusterLease}. */
interface LeaseSpec {
  /** `Class.name` of the task, for leases and logs. */
  readonly fullName: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Takes or renews the lease; false if another host holds it. Undefined without a registry. */
  readonly lease: ((task: string, seconds: number) => Promise<boolean>) | undefined;
}

/** Spacings that a lease lasts in the registry, and after which its run must end: the difference is the time for the run to stop. */
const LASTS = 2;
const HOLDS = 1.5;

/** The lease of a periodic task that runs on one host at a time: it lasts two spacings of its task. */
class ClusterLease {
  readonly #spec: LeaseSpec;
  /** Time by the clock at which a run must end. It counts from the request, so that the lease ends later in the registry. */
  #until = 0;
  #warned = false;

  constructor(spec: LeaseSpec) {
    this.#spec = spec;
  }

  /** Takes or renews the lease; resolves with false if another host holds it. Without a registry always true, with a warning once. */
  async take(spacing: number): Promise<boolean> {
    const { lease, fullName, log, clock } = this.#spec;
    if (lease !== undefined) {
      const until = clock.now() + HOLDS * spacing * 1000;
      const isMine = (await lease(fullName, LASTS * spacing)) && clock.now() < until;
      if (isMine) this.#until = until;
      return isMine;
    }
    if (!this.#warned) {
      this.#warned = true;
      const text = `Periodic task ${fullName} is exclusive in the cluster, and there is no registry: it runs on every host`;
      log.warn(`${text}. Name one in [servicegroup].`);
    }
    return true;
  }

  /**
   * Renews the lease of a run at half of its time. If that fails, or nothing is known by the time that the run must end, aborts the run's
   * signal. The returned function ends the renewals.
   */
  keep(spacing: number, run: AbortController): Cancel | undefined {
    const { lease, fullName, log, clock } = this.#spec;
    if (lease === undefined) return undefined;
    let isOver = false;
    let timers: readonly Cancel[] = [];
    const stop = (): void => {
      isOver = true;
      for (const cancel of timers) cancel();
    };
    const lose = (lost: { readonly err?: unknown; readonly reason: string }): void => {
      stop();
      log.error(lost, `Periodic task ${fullName} has lost its lease during a run, whose signal is aborted`);
      run.abort(new DOMException(`the periodic task has lost its lease: ${lost.reason}`, 'AbortError'));
    };
    const renew = async (): Promise<void> => {
      const lost = await this.take(spacing).then(
        (mine) => (mine ? undefined : { reason: 'another host has it' }),
        (err: unknown) => ({ err, reason: errorText(err) }),
      );
      // The time may be up, or the run over, before the registry responds.
      if (isOver) return;
      if (lost === undefined) hold();
      else lose(lost);
    };
    const hold = (): void => {
      for (const cancel of timers) cancel();
      const late = (): void => lose({ reason: 'the registry has not renewed it in time' });
      timers = [
        clock.after(spacing * 1000, () => void renew(), { unref: true }),
        clock.after(this.#until - clock.now(), late, { unref: true }),
      ];
    };
    hold();
    return stop;
  }
}
