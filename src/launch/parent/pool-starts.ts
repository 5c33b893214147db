/**
 * When one more process of a service may be started: not while too many of them drain, not too often, and not for ever.
 */
import type { Logger } from '../../log/index.js';
import { pause, unlessAborted } from '../waiting.js';
import type { WorkerHandle } from './worker-handle.js';

/** What the starts of one service depend on. */
interface PoolStartsOptions {
  readonly service: string;
  readonly log: Logger;
  /** All its processes. */
  readonly alive: ReadonlySet<WorkerHandle>;
  /** Raised when the service is being stopped. */
  readonly stopped: AbortSignal;
  readonly wanted: () => number;
  /** What a worker that is asked to make haste may still take, in milliseconds. */
  readonly drainMs: () => number;
}

export class PoolStarts {
  readonly #given: PoolStartsOptions;
  readonly #throttle = new StartThrottle();

  constructor(given: PoolStartsOptions) {
    this.#given = given;
  }

  /** Forgets how often workers were started: what follows was asked for. */
  forgive(): void {
    this.#throttle.reset();
  }

  /** Settles when it is not too soon for one more, or when that is not `needed` any more, which the caller finds out. */
  next(needed: () => boolean = () => true): Promise<void> {
    const { log, service, stopped, wanted } = this.#given;
    const wait = (ms: number): Promise<void> => {
      log.info('Forking too fast, sleeping', { service, ms });
      return pause(ms, stopped);
    };
    return this.#throttle.next(wanted(), wait, () => !stopped.aborted && needed());
  }

  /** The same, once there is room for a process beyond the number of workers; or when that is called off. */
  async nextWithRoom(calledOff?: AbortSignal, needed?: () => boolean): Promise<void> {
    const { alive, stopped } = this.#given;
    await makeRoom(alive, calledOff === undefined ? [stopped] : [stopped, calledOff], () => this.#terms());
    if (calledOff?.aborted !== true) await this.next(needed);
  }

  #terms(): RoomTerms {
    return { most: 2 * Math.max(1, this.#given.wanted()), timeoutMs: this.#given.drainMs() };
  }
}

/** Asked anew each time, because both may change meanwhile. */
interface RoomTerms {
  /** So many processes at most, with the one that room is made for. */
  readonly most: number;
  /** What a worker that is asked to make haste may still take. */
  readonly timeoutMs: number;
}

/**
 * Settles when there may be one more process: as long as there are too many, the worker that drains longest lets its idle
 * connections go now. Settles early when one of `off` is raised, and when nobody drains.
 */
async function makeRoom(
  alive: ReadonlySet<WorkerHandle>,
  off: readonly AbortSignal[],
  terms: () => RoomTerms,
): Promise<void> {
  for (;;) {
    const { most, timeoutMs } = terms();
    if (alive.size < most || off.some(({ aborted }) => aborted)) return;
    const oldest = [...alive].find((worker) => worker.stopping);
    if (oldest === undefined) return;
    oldest.drain('stop', timeoutMs);
    await unlessAborted(oldest.exited, ...off);
  }
}

/**
 * Counts the starts of one service's workers. The first `workers + 1` starts are free; a further one waits a second when
 * the oldest remembered start is less than `workers` seconds old. So does one within a second of a start that waited: by
 * the first rule alone, workers that die at once would start in pairs (one of them after no wait, because the wait before it
 * has aged the oldest), and not about one a second. {@link reset} forgets all, for restarts that were asked for.
 */
export class StartThrottle {
  #starts: number[] = [];
  /** When the last start that had to wait took place. */
  #waitedAt = Number.NEGATIVE_INFINITY;
  #turn: Promise<void> = Promise.resolve();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  reset(): void {
    this.#starts = [];
    this.#waitedAt = Number.NEGATIVE_INFINITY;
  }

  /**
   * Settles when one more worker may start; starts of one service take turns. `wait` sleeps, and may return early when
   * the caller has lost interest. One that is not `needed` any more when its turn comes neither waits nor counts.
   */
  next(workers: number, wait: (ms: number) => Promise<void>, needed: () => boolean = () => true): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (!needed()) return;
      if (this.#starts.length > workers) {
        const oldest = this.#starts[0]!;
        const now = this.#now();
        if (now - oldest < workers * 1000 || now - this.#waitedAt < 1000) {
          await wait(1000);
          this.#waitedAt = this.#now();
        }
        this.#starts.shift();
      }
      this.#starts.push(this.#now());
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** Counts unasked restarts of one service. */
export class RestartBudget {
  #spent: number[] = [];
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Counts one more. True when there were more than `max` within the last `windowMs`, or ever when that is 0; a `max` of 0
   * is no limit.
   */
  spend(max: number, windowMs: number): boolean {
    if (max === 0) return false;
    const now = this.#now();
    this.#spent = [...this.#spent, now].filter((time) => windowMs === 0 || now - time <= windowMs);
    return this.#spent.length > max;
  }
}
