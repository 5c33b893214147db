/**
 * Waiting: until a deadline, until a signal is raised, one run behind another.
 */
import { setLongTimeout } from '../process/index.js';
import { within } from '../tasks/internal.js';

/** True once `promise` is settled, either way. */
export function settled(promise: Promise<unknown>): Promise<true> {
  return promise.then(
    () => true,
    () => true,
  );
}

/** The result of `promise`, or undefined as soon as the signal is raised. Afterwards nothing listens to it. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  return within(promise, { ms: Number.POSITIVE_INFINITY, signal, unref: true });
}

/** Counts down from its construction, on the monotonic clock. Its owner calls {@link clear} when all is done. */
export class Deadline {
  /** Aborted when the time is up; never, when the deadline is endless. */
  readonly signal: AbortSignal;
  readonly #endsAt: number;
  readonly #forget: (() => void) | undefined;

  /** `ms` 0 is endless. */
  constructor(ms: number) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#endsAt = ms === 0 ? Number.POSITIVE_INFINITY : performance.now() + ms;
    const pass = (): void => controller.abort(new Error('Graceful shutdown timeout exceeded'));
    this.#forget = ms === 0 ? undefined : setLongTimeout(pass, ms);
  }

  /** Milliseconds left, at least 1 unless it passed; 0 when endless: the form `StopOptions.deadlineMs` takes. */
  get deadlineMs(): number {
    return this.#endsAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(this.#endsAt - performance.now()));
  }

  /** The time is up, also where the event loop is too busy to have raised the signal yet. */
  get passed(): boolean {
    return this.signal.aborted || performance.now() >= this.#endsAt;
  }

  /** Forgets the timer; the deadline never passes any more. */
  clear(): void {
    this.#forget?.();
  }

  /** The time left as a person reads it: `12.5 s`, or `no limit`. */
  describe(): string {
    if (this.#endsAt === Number.POSITIVE_INFINITY) return 'no limit';
    return `${Math.max(0, (this.#endsAt - performance.now()) / 1000).toFixed(1)} s`;
  }
}

/** Runs what it is given one after another, in the order in which it was asked for. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#last.then(work);
    this.#last = settled(run);
    return run;
  }

  /** Settles when all that was asked for so far has ended; never rejects. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
