/**
 * A function that is called again and again, never twice at a time: the engine behind the four kinds of looping calls,
 * which differ only in how long they idle between two calls.
 */
import { PorticoError, whatItIs } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, pause, systemClock } from './clock.js';

/** Last argument of a repeated function or a task. */
export interface TaskContext {
  /** Aborted when the work should end: the loop or its group is stopping. Nothing kills a function that ignores it. */
  readonly signal: AbortSignal;
}

/**
 * A function's own arguments with the context behind them. A conditional type, so that the compiler takes `A` from the
 * arguments that are given and not from the function's parameters, the last of which it could not tell from a context.
 */
export type WithContext<A extends unknown[]> = A extends unknown[] ? [...A, TaskContext] : never;

/** Arguments of a function, with its context. */
export function withContext<A extends unknown[]>(args: A, context: TaskContext): WithContext<A> {
  return [...args, context] as WithContext<A>;
}

/** A function to repeat: sync or async; the next cycle begins after it settled. */
export type Repeated<A extends unknown[]> = (...args: WithContext<A>) => unknown;

/** Options of `start` that every kind of looping call has. Times are in seconds, fractions allowed. */
export interface LoopOptions {
  /** Seconds before the first call. Default 0: at once. */
  readonly initialDelay?: number | null;
  /** False: the loop does not keep the process alive. Default: it does. */
  readonly unref?: boolean;
  /** Stops the loop when aborted, as `stop()` does. */
  readonly signal?: AbortSignal;
  /** Default: standard error, under the name `tasks`. */
  readonly log?: Logger;
  /** Times and timers. Default: those of the system. */
  readonly clock?: Clock;
}

/** Of the kinds that can go on after a failure. */
export interface StoppingOptions extends LoopOptions {
  /** Default true: an error of the function ends the loop and is given by `wait()`. False: logged, the loop goes on. */
  readonly stopOnException?: boolean;
}

/** A started loop: its end. */
export interface StartedLoop {
  /** As `wait()`: the value of `LoopingCallDone`, true after `stop()`; rejects with what ended the loop. */
  readonly done: Promise<unknown>;
}

/** Thrown by a repeated function to end its loop normally; `wait()` gives `retvalue` (false and null are values too). */
export class LoopingCallDone extends Error {
  readonly retvalue: unknown;

  constructor(retvalue: unknown = true) {
    super('the looping call is done');
    this.name = 'LoopingCallDone';
    this.retvalue = retvalue;
  }
}

/** A loop that was given a time limit and passed it. Code `PORTICO_LOOPING_CALL_TIMEOUT`. */
export class LoopingCallTimeOut extends PorticoError {
  constructor(seconds: number) {
    super('PORTICO_LOOPING_CALL_TIMEOUT', { message: `Looping call timed out after ${seconds.toFixed(2)} seconds` });
  }
}

/** How one kind of loop behaves during one run; made afresh by each `start`, so state never outlives a run. */
export interface LoopKind {
  /** Begins the message about a failed function: `Fixed interval looping call`. */
  readonly kind: string;
  /** Message of the error that a second `start` throws while the loop runs. */
  readonly alreadyRunning: string;
  /** Seconds to idle after a call that gave `result`, began at `beganMs` and took `elapsed` seconds; may throw. */
  idle(result: unknown, elapsed: number, beganMs: number): number;
}

/** Stands for the result of a call that threw, where the loop goes on. */
export const failed: unique symbol = Symbol('failed');

/** One function and its arguments. The kinds extend this with a `start` of their own. */
export class LoopingCall<A extends unknown[]> {
  readonly #fn: Repeated<A>;
  readonly #args: A;
  #stopping: AbortController | undefined;
  #done: Promise<unknown> | undefined;

  /** Throws `PORTICO_NOT_A_FUNCTION` for what cannot be called. */
  constructor(fn: Repeated<A>, ...args: A) {
    checkFunction(fn, 'the function of a looping call');
    this.#fn = fn;
    this.#args = args;
  }

  /** True between `start` and the end of the loop. */
  get running(): boolean {
    return this.#stopping !== undefined;
  }

  /** The repeated function's name, for logs and reports. */
  get functionName(): string {
    return this.#fn.name === '' ? 'anonymous' : this.#fn.name;
  }

  /**
   * Ends the loop: a sleeping one at once, a running call is let finish and its result dropped; the loop's result is
   * then true. Harmless before `start` and twice.
   */
  stop(reason: unknown = 'stopped'): void {
    this.#stopping?.abort(reason);
  }

  /** Settles when the loop ended, as `start().done`. Rejects with `PORTICO_NOT_STARTED` before the first `start`. */
  wait(): Promise<unknown> {
    if (this.#done !== undefined) return this.#done;
    return Promise.reject(
      new PorticoError('PORTICO_NOT_STARTED', { message: `wait() before start(): '${this.functionName}' never ran` }),
    );
  }

  protected begin(kind: LoopKind, options: StoppingOptions): StartedLoop {
    if (this.#stopping !== undefined)
      throw new PorticoError('PORTICO_ALREADY_RUNNING', { message: kind.alreadyRunning });
    const stopping = new AbortController();
    const follow = (): void => stopping.abort(options.signal?.reason);
    if (options.signal?.aborted === true) follow();
    else options.signal?.addEventListener('abort', follow, { once: true });
    this.#stopping = stopping;
    const done = this.#loop(kind, options, stopping.signal).finally(() => {
      options.signal?.removeEventListener('abort', follow);
      this.#stopping = undefined;
    });
    // The failure is logged where it happens: without a caller that waits it is no unhandled rejection.
    done.catch(() => {});
    this.#done = done;
    return { done };
  }

  async #loop(kind: LoopKind, options: StoppingOptions, signal: AbortSignal): Promise<unknown> {
    const { clock = systemClock, unref = false, initialDelay } = options;
    const idle = (seconds: number): Promise<boolean> => pause(seconds * 1000, { clock, signal, unref });
    // Never inside start() itself: the caller has not got its handle yet.
    await Promise.resolve();
    if ((initialDelay ?? 0) > 0) await idle(initialDelay!);
    try {
      while (!signal.aborted) {
        const began = clock.now();
        const result = await this.#call(kind, options, signal);
        if (signal.aborted) break;
        await idle(kind.idle(result, (clock.now() - began) / 1000, began));
      }
      return true;
    } catch (error) {
      if (error instanceof LoopingCallDone) return error.retvalue;
      if (endedBy(signal, error)) return true;
      loggerOf(options).error(`${kind.kind} '${this.functionName}' failed`, { err: error });
      throw error;
    }
  }

  async #call(kind: LoopKind, options: StoppingOptions, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#fn(...withContext(this.#args, { signal }));
    } catch (error) {
      const ends =
        (options.stopOnException ?? true) || error instanceof LoopingCallDone || error instanceof LoopingCallTimeOut;
      if (ends || endedBy(signal, error)) throw error;
      loggerOf(options).error(`${kind.kind} '${this.functionName}' failed`, { err: error });
      return failed;
    }
  }
}

/** True for the error of work that ended because it was told to. */
export function endedBy(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

/** Made only when there is something to say. */
function loggerOf(options: { readonly log?: Logger }): Logger {
  return options.log ?? createLogger({ base: { name: 'tasks' } });
}

/**
 * Throws `PORTICO_NOT_A_FUNCTION` for what cannot be called; `what` is how the message calls it. A function that runs later is
 * checked now, where the mistake is.
 */
export function checkFunction(fn: unknown, what: string): void {
  if (typeof fn === 'function') return;
  throw new PorticoError('PORTICO_NOT_A_FUNCTION', { message: `${what} must be a function, not ${whatItIs(fn)}` });
}
