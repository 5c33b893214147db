/**
 * Waiting: for a limited time, until a deadline, until a signal is raised, one run behind another.
 */

/** Node turns a longer delay into 1 ms. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** What `promise` gives, or undefined when that takes longer than `ms`. The timer goes with the answer. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(ms, LONGEST_DELAY_MS));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** True once `promise` is settled, either way. */
export function settled(promise: Promise<unknown>): Promise<true> {
  return promise.then(
    () => true,
    () => true,
  );
}

/** Settles after `ms`, or as soon as the signal is raised. Never rejects. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, LONGEST_DELAY_MS));
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** What `promise` gives, or undefined as soon as the signal is raised. Afterwards nothing listens to it. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  if (signal.aborted) return undefined;
  const aborted = deferred<undefined>();
  const raised = (): void => aborted.resolve(undefined);
  signal.addEventListener('abort', raised);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', raised);
  }
}

/** A promise with its two handles. A rejection without a handler is not reported as unhandled. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

/** Makes one. (`Promise.withResolvers` needs Node 22.) */
export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil;
    reject = refuse;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** Counts down from its construction, on the monotonic clock. Its owner calls {@link clear} when all is done. */
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

  /** Ends it now: a drain that waits for it cuts off what is left. */
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
    // Waits in pieces.
    const piece = Math.min(this.#endsAt - performance.now(), LONGEST_DELAY_MS);
    this.#timer = setTimeout(
      () => {
        if (performance.now() >= this.#endsAt) this.expire();
        else this.#arm();
      },
      Math.max(0, piece),
    );
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

/**
 * Runs `work` one at a time. Asking while it runs means exactly one more run afterwards, however often it was asked;
 * every caller gets a run that began after its call.
 */
export class Coalesced {
  readonly #work: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Another run was asked for while one is under way. */
  get pending(): boolean {
    return this.#next !== undefined;
  }

  /** Settles when nothing is under way any more; never rejects. */
  async idle(): Promise<void> {
    for (let run = this.#next ?? this.#running; run !== undefined; run = this.#next ?? this.#running) {
      await run.catch(() => undefined);
    }
  }

  run(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#begin();
    this.#next = this.#running.catch(() => undefined).then(() => this.#begin());
    return this.#next;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const run = this.#work().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }
}
