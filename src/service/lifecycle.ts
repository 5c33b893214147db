/**
 * The states behind start, stop and wait, written once for every service.
 */
import { PorticoError } from '../errors/index.js';
import type { Clock } from '../tasks/index.js';
import { deferred, ownLimitMs, systemClock } from '../tasks/internal.js';
import type { Awaitable, StopOptions } from './service.js';

/** State of a service. `failed`: it died by itself, or its start failed. */
export type LifecycleState = 'new' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed';

/** The two steps of a service: its start and its end. */
export interface LifecycleSteps {
  /**
   * Acquires. On failure it has released what it acquired. `signal` is raised when a stop came before it was done: to end
   * for that, it throws the signal's reason. `over` is raised when there is no more time for that stop either.
   */
  start(signal: AbortSignal, over: AbortSignal): Awaitable<void>;
  /**
   * Drains and releases; called once for each successful start. `options.signal` is raised when there is no more time:
   * at the deadline, when a caller's own signal was, or when a later caller asks for a stop that is not graceful.
   */
  stop(options: StopOptions & { readonly signal: AbortSignal }): Awaitable<void>;
}

/** Milliseconds that a verb called out of order waits before a log line reports it. */
const EARLY_MS = 30_000;

/** How long a stop that is not graceful may take where its caller does not say. */
export const FORCED_STOP_MS = 10_000;

/**
 * Keeps a service's verbs in order: `start` and `stop` may be called twice, concurrently and in any state, and callers
 * share one completion; a stop during the start lets the start settle first, then releases; a service can be started
 * again after it was stopped.
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

  /** `name` is what errors call the service. `warn` hears of a verb that waits for long because it was called out of order. */
  constructor(name: string, steps: LifecycleSteps, clock: Clock = systemClock, warn?: (text: string) => void) {
    this.#name = name;
    this.#steps = steps;
    this.#clock = clock;
    this.#warn = warn;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Rejects with what the start step threw; with `PORTICO_SERVICE_STOPPED` where a stop came before it was done. */
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

  /** Settles when all is released. Rejects with what the stop step threw; the service counts as stopped then as well. */
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
    // The start that is let settle first, or one that waited behind an earlier stop and is now called off.
    const started = this.#starting?.catch(() => {});
    const ended = Promise.all([this.#stopping, started])
      .then(() => {})
      .finally(release);
    return started === undefined ? ended : this.#told(ended, 'stop() waits for a start');
  }

  /** Settles when the service was stopped; rejects with the error it died of. Before the first start: when it ends. */
  wait(): Promise<void> {
    return this.#state === 'new' ? this.#told(this.#ended.promise, 'wait() waits for a start') : this.#ended.promise;
  }

  /** Says what a verb waits for, where that takes long: it was called out of order, and would hang in silence. */
  #told(done: Promise<void>, what: string): Promise<void> {
    const warn = this.#warn;
    if (warn === undefined) return done;
    const tell = (): void => warn(`${this.#name}: ${what} that has not ended for ${EARLY_MS / 1000} s`);
    const cancel = this.#clock.after(EARLY_MS, tell, { unref: true });
    return done.finally(cancel);
  }

  /** The service died by itself: `wait()` rejects with `error`, and `stop()` still releases what is left. */
  fail(error: unknown): void {
    if (this.#state === 'running') this.#ended.reject(error);
  }

  async #start(signal: AbortSignal): Promise<void> {
    if (this.#stopping !== undefined) {
      // A start right behind a stop begins once that one is over; how it went is told to those who called it.
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
        // It has released what it had: that is what the stop asked for.
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

  /** Lets this caller's limits cut the stop short; gives what forgets them. */
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
