/** The state machine behind start, stop and wait, shared by all services. */
import { PorticoError } from '../errors/index.js';
import type { Clock } from '../tasks/index.js';
import { deferred, ownLimitMs, systemClock } from '../tasks/internal.js';
import type { Awaitable, StopOptions } from './service.js';

/** State of a service. `failed`: its start failed. */
export type LifecycleState = 'new' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

/** The start and stop steps of a service. */
export interface LifecycleSteps {
  /**
   * Acquires resources; on failure it has released them. `signal` is aborted when a stop is requested before the start ends: to end
   * early, throw the signal's reason. `over` is aborted when that stop has no time left either.
   */
  start(signal: AbortSignal, over: AbortSignal): Awaitable<void>;
  /**
   * Drains and releases; called once for each successful start. `options.signal` is aborted when there is no time left: at the deadline,
   * when a caller's signal is aborted, or when a later caller requests a stop that is not graceful.
   */
  stop(options: StopOptions & { readonly signal: AbortSignal }): Awaitable<void>;
}

/** Milliseconds after which a call that waits because it came out of order is logged. */
const EARLY_MS = 30_000;

/** Default limit of a stop that is not graceful. */
export const FORCED_STOP_MS = 10_000;

/**
 * Orders the calls of a service: `start` and `stop` may be called twice, concurrently and in any state, and concurrent callers share one
 * completion. A stop during the start waits until the start settles, then releases. A service can be started again after a stop.
 */
export class Lifecycle {
  readonly #name: string;
  readonly #steps: LifecycleSteps;
  readonly #clock: Clock;
  readonly #warn: ((text: string) => void) | undefined;
  #state: LifecycleState = 'new';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #startCut = new AbortController();
  #stopCut = new AbortController();
  #ended = deferred();

  /** `name` is the service's name in errors. `warn` is called for a call that waits long because it came out of order. */
  constructor(name: string, steps: LifecycleSteps, clock: Clock = systemClock, warn?: (text: string) => void) {
    this.#name = name;
    this.#steps = steps;
    this.#clock = clock;
    this.#warn = warn;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Rejects with the error of the start step, or with `PORTICO_SERVICE_STOPPED` if a stop is requested before it ends. */
  start(): Promise<void> {
    if (this.#state === 'running' && this.#stopping === undefined) return Promise.resolve();
    if (this.#starting === undefined) {
      this.#startCut = new AbortController();
      this.#starting = this.#start(this.#startCut.signal).finally(() => {
        this.#starting = undefined;
      });
    }
    return this.#stopping === undefined ? this.#starting : this.#told(this.#starting, 'start() waits for a stop');
  }

  /** Settles when everything is released. Rejects with the error of the stop step; even then the service counts as stopped. */
  stop(options: StopOptions = {}): Promise<void> {
    const pending = this.#starting !== undefined || this.#stopping !== undefined;
    if (this.#state !== 'running' && !pending) {
      if (this.#state === 'new') this.#finish();
      return Promise.resolve();
    }
    const release = this.#shorten(options);
    this.#startCut.abort();
    this.#stopping ??= this.#stop(options).finally(() => {
      this.#stopping = undefined;
    });
    // A start in progress settles first; a start that waits for an earlier stop is cancelled.
    const started = this.#starting?.catch(() => {});
    const ended = Promise.all([this.#stopping, started])
      .then(() => {})
      .finally(release);
    return started === undefined ? ended : this.#told(ended, 'stop() waits for a start');
  }

  /** Settles when the service has stopped; rejects with the error of its failure. Before the first start, waits for that run. */
  wait(): Promise<void> {
    return this.#state === 'new' ? this.#told(this.#ended.promise, 'wait() waits for a start') : this.#ended.promise;
  }

  /** Logs a warning if a call waits long: it came out of order and would otherwise hang silently. */
  #told(done: Promise<void>, what: string): Promise<void> {
    const warn = this.#warn;
    if (warn === undefined) return done;
    const tell = (): void => warn(`${this.#name}: ${what} that has not ended for ${EARLY_MS / 1000} s`);
    const cancel = this.#clock.after(EARLY_MS, tell, { unref: true });
    return done.finally(cancel);
  }

  /** Reports that the service failed while running: `wait()` rejects with `error`, and `stop()` still releases the rest. */
  fail(error: unknown): void {
    if (this.#state === 'running') this.#ended.reject(error);
  }

  async #start(signal: AbortSignal): Promise<void> {
    if (this.#stopping !== undefined) {
      // A start during a stop begins when that stop has ended; its outcome is reported to its own callers.
      await this.#stopping.catch(() => {});
      if (signal.aborted) throw this.#calledOff();
    }
    if (this.#state !== 'new') this.#ended = deferred();
    this.#state = 'starting';
    this.#stopCut = new AbortController();
    try {
      await this.#steps.start(signal, this.#stopCut.signal);
    } catch (error) {
      if (signal.aborted && error === signal.reason) {
        // The start step has released its resources, as the stop requires.
        this.#finish();
        throw this.#calledOff();
      }
      this.#state = 'failed';
      this.#ended.reject(error);
      throw error;
    }
    this.#state = 'running';
    if (signal.aborted) throw this.#calledOff();
  }

  #calledOff(): PorticoError {
    return new PorticoError('PORTICO_SERVICE_STOPPED', { message: `${this.#name} was stopped while it was starting` });
  }

  async #stop(options: StopOptions): Promise<void> {
    if (this.#starting !== undefined) await this.#starting.catch(() => {});
    if (this.#state !== 'running') return;
    this.#state = 'stopping';
    try {
      await this.#steps.stop({ ...options, signal: this.#stopCut.signal });
    } finally {
      this.#finish();
    }
  }

  #finish(): void {
    this.#state = 'stopped';
    this.#ended.resolve();
  }

  /** Applies this caller's limits to the stop; returns a function that removes them. */
  #shorten(options: StopOptions): () => void {
    const cut = (): void => this.#stopCut.abort();
    const underWay = this.#stopping !== undefined;
    if (options.signal?.aborted === true || (underWay && options.graceful !== true)) cut();
    options.signal?.addEventListener('abort', cut, { once: true });
    const deadlineMs = options.deadlineMs || (options.graceful === true ? 0 : FORCED_STOP_MS);
    const cancel = deadlineMs > 0 ? this.#clock.after(ownLimitMs(deadlineMs, options.signal), cut) : undefined;
    return () => {
      cancel?.();
      options.signal?.removeEventListener('abort', cut);
    };
  }
}
