/**
 * Waits: until a deadline, until a signal is aborted, one task after another.
 */
import { setLongTimeout } from '../process/index.js';
import { within } from '../tasks/internal.js';

/** Returns true once `promise` is settled, either way. */
export function settled(promise: Promise<unknown>): Promise<true> {
  return promise.then(
    () => true,
    () => true,
  );
}

/** Returns the result of `promise`, or undefined when the signal is aborted. Removes its listener afterwards. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  return within(promise, { ms: Number.POSITIVE_INFINITY, signal, unref: true });
}

/** Counts down from its construction, on the monotonic clock. Its owner calls {@link clear} when all is done. */
export class Deadline {
  /** Aborted when the time is up; never for a deadline without limit. */
  readonly signal: AbortSignal;
  readonly #endsAt: number;
  readonly #forget: (() => void) | undefined;

  /** `ms` 0: no limit. */
  constructor(ms: number) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#endsAt = ms === 0 ? Number.POSITIVE_INFINITY : performance.now() + ms;
    const pass = (): void => controller.abort(new Error('Graceful shutdown timeout exceeded'));
    this.#forget = ms === 0 ? undefined : setLongTimeout(pass, ms);
  }

  /** Milliseconds left, at least 1 before the deadline; 0 without a limit: the form of `StopOptions.deadlineMs`. */
  get deadlineMs(): number {
    return this.#endsAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(this.#endsAt - performance.now()));
  }

  /** True if the time is up, even if the event loop was too busy to abort the signal yet. */
  get passed(): boolean {
    return this.signal.aborted || performance.now() >= this.#endsAt;
  }

  /** Clears the timer; the deadline never passes. */
  clear(): void {
    this.#forget?.();
  }

  /** Describes the time left: `12.5 s`, or `no limit`. */
  describe(): string {
    if (this.#endsAt === Number.POSITIVE_INFINITY) return 'no limit';
    return `${Math.max(0, (this.#endsAt - performance.now()) / 1000).toFixed(1)} s`;
  }
}

/** Runs tasks one after another, in the order of the calls. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    this.#last = settled(run);
    return run;
  }

  /** Settles when all tasks so far have ended; never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
