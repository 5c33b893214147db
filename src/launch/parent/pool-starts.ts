/**
 * When one more process of a service may be started: not while too many of them drain, and not too often.
 */
import type { Logger } from '../../log/index.js';
import { pause } from '../within.js';
import { makeRoom, type RoomTerms } from './pool-room.js';
import { StartThrottle } from './start-throttle.js';
import type { WorkerHandle } from './worker-handle.js';

/** What the starts of one service depend on. */
export interface PoolStartsOptions {
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
