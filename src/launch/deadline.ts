/**
 * The one clock of a graceful stop: it starts at the request and is shared by every step.
 */

/** Counts down from its construction, on the monotonic clock. Whoever made it calls {@link clear} when all is done. */
export class Deadline {
  /** Aborted when the time is up; never, when the deadline is endless. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #endsAt: number;
  #timer: NodeJS.Timeout | undefined;

  /** `ms` 0 is endless. */
  constructor(ms: number) {
    this.signal = this.#controller.signal;
    this.#endsAt = ms === 0 ? Number.POSITIVE_INFINITY : performance.now() + ms;
    this.#arm();
  }

  /** Milliseconds left, at least 1 unless it passed; 0 when endless: the form `StopOptions.deadlineMs` takes. */
  get deadlineMs(): number {
    return this.#endsAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(this.#endsAt - performance.now()));
  }

  get passed(): boolean {
    return this.signal.aborted;
  }

  /** Ends it now: whoever drains is to cut off what is left. */
  expire(): void {
    this.clear();
    this.#controller.abort(new Error('Graceful shutdown timeout exceeded'));
  }

  /** Forgets the timer; the deadline never passes any more. */
  clear(): void {
    clearTimeout(this.#timer);
  }

  /** The time left as a person reads it: `12.5 s`, or `no limit`. */
  describe(): string {
    if (this.#endsAt === Number.POSITIVE_INFINITY) return 'no limit';
    return `${Math.max(0, (this.#endsAt - performance.now()) / 1000).toFixed(1)} s`;
  }

  #arm(): void {
    if (this.#endsAt === Number.POSITIVE_INFINITY) return;
    // Node turns a delay above 2^31 - 1 ms into 1 ms: wait in pieces.
    const piece = Math.min(this.#endsAt - performance.now(), 2 ** 31 - 1);
    this.#timer = setTimeout(
      () => {
        if (performance.now() >= this.#endsAt) this.expire();
        else this.#arm();
      },
      Math.max(0, piece),
    );
  }
}
