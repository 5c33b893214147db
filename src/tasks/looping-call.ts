/**
 * A function that is called repeatedly, never twice at a time: the base of the four kinds of looping calls, which differ only in the
 * idle time between two calls.
 */
import { PorticoError, whatItIs } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { type Clock, pause, systemClock } from './clock.js';

/** The last argument of a repeated function or a task. */
export interface TaskContext {
  /** Aborted when the work should end, because the loop or its group is stopping. A function that ignores it continues. */
  readonly signal: AbortSignal;
}

/**
 * The arguments of a function, followed by the context. A conditional type, so that the compiler infers `A` from the passed arguments
 * and not from the function's parameters, whose last it could not distinguish from the context.
 */
export type WithContext<A extends unknown[]> = A extends unknown[] ? [...A, TaskContext] : never;

/** Returns the arguments, followed by the context. */
export function withContext<A extends unknown[]>(args: A, context: TaskContext): WithContext<A> {
  return [...args, context] as WithContext<A>;
}

/** A function to repeat, sync or async; the next cycle begins after it settles. */
export type Repeated<A extends unknown[]> = (...args: WithContext<A>) => unknown;

/** Options of `start` of all kinds of looping calls. Times are in seconds, with fractions. */
export interface LoopOptions {
  /** Seconds before the first call. Default 0. */
  readonly initialDelay?: number | null;
  /** True: the loop does not keep the process alive. Default false. */
  readonly unref?: boolean;
  /** Stops the loop when aborted, like `stop()`. */
  readonly signal?: AbortSignal;
  /** Default: standard error, with the name `tasks`. */
  readonly log?: Logger;
  /** The clock for times and timers. Default: the system's. */
  readonly clock?: Clock;
}

/** Options of the kinds that can continue after a failure. */
export interface StoppingOptions extends LoopOptions {
  /** Default true: an error of the function ends the loop and rejects `wait()`. False: it is logged, and the loop continues. */
  readonly stopOnException?: boolean;
}

/** A started loop. */
export interface StartedLoop {
  /**
   * Resolves with the value of `LoopingCallDone`, or with true after `stop()`; rejects with the error that ended the loop. Like
   * `wait()`.
   */
  readonly done: Promise<unknown>;
}

/** Thrown by a repeated function to end its loop normally; `wait()` resolves with `retvalue`, which may be false or null. */
export class LoopingCallDone extends Error {
  readonly retvalue: unknown;

  constructor(retvalue: unknown = true) {
    super('the looping call is done');
    this.name = 'LoopingCallDone';
    this.retvalue = retvalue;
  }
}

/** The error of a loop that passed its timeout. Code `PORTICO_LOOPING_CALL_TIMEOUT`. */
export class LoopingCallTimeOut extends PorticoError {
  constructor(seconds: number) {
    super('PORTICO_LOOPING_CALL_TIMEOUT', { message: `Looping call timed out after ${seconds.toFixed(2)} seconds` });
  }
}

/** Behavior of one kind of loop in one run. Created at each `start`, so that no state survives a run. */
export interface LoopKind {
  /** Beginning of the message about a failed function, such as `Fixed interval looping call`. */
  readonly kind: string;
  /** Message of the error of a second `start` while the loop runs. */
  readonly alreadyRunning: string;
  /** Returns the seconds to idle after a call that returned `result`, began at `beganMs` and took `elapsed` seconds; may throw. */
  idle(result: unknown, elapsed: number, beganMs: number): number;
}

/** Result for a call that threw, if the loop continues. */
export const failed: unique symbol = Symbol('failed');

/** A function with its arguments. Each kind adds a `start` method. */
export class LoopingCall<A extends unknown[]> {
  readonly #fn: Repeated<A>;
  readonly #args: A;
  #stopping: AbortController | undefined;
  #done: Promise<unknown> | undefined;

  /** Throws `PORTICO_NOT_A_FUNCTION` if `fn` is not a function. */
  constructor(fn: Repeated<A>, ...args: A) {
    checkFunction(fn, 'the function of a looping call');
    this.#fn = fn;
    this.#args = args;
  }

  /** True between `start` and the end of the loop. */
  get running(): boolean {
    return this.#stopping !== undefined;
  }

  /** The function's name, for logs and reports. */
  get functionName(): string {
    return this.#fn.name === '' ? 'anonymous' : this.#fn.name;
  }

  /**
   * Ends the loop: at once if idle, else after the current call, whose result is dropped. The loop then resolves with true. Has no
   * effect before `start` or if repeated.
   */
  stop(reason: unknown = 'stopped'): void {
    this.#stopping?.abort(reason);
  }

  /** Settles when the loop ends, like `start().done`. Rejects with `PORTICO_NOT_STARTED` before the first `start`. */
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
    // The failure is already logged: without a caller of wait() it must not count as an unhandled rejection.
    done.catch(() => {});
    this.#done = done;
    return { done };
  }

  async #loop(kind: LoopKind, options: StoppingOptions, signal: AbortSignal): Promise<unknown> {
    const { clock = systemClock, unref = false, initialDelay } = options;
    const idle = (seconds: number): Promise<boolean> => pause(seconds * 1000, { clock, signal, unref });
    // Never calls the function inside start(), because the caller does not have its return value yet.
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
      loggerOf(options).error({ err: error }, `${kind.kind} '${this.functionName}' failed`);
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
      loggerOf(options).error({ err: error }, `${kind.kind} '${this.functionName}' failed`);
      return failed;
    }
  }
}

/** Reports whether work ended with this error because its signal was aborted. */
export function endedBy(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

/** Returns the log; creates the default one only when a line is written. */
function loggerOf(options: { readonly log?: Logger }): Logger {
  return options.log ?? createLogger({ base: { name: 'tasks' } });
}

/**
 * Throws `PORTICO_NOT_A_FUNCTION` if `fn` is not a function; `what` names it in the message. Checked early, so that the error appears at
 * the cause and not when the function is called.
 */
export function checkFunction(fn: unknown, what: string): void {
  if (typeof fn === 'function') return;
  throw new PorticoError('PORTICO_NOT_A_FUNCTION', { message: `${what} must be a function, not ${whatItIs(fn)}` });
}
