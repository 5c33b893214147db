/**
 * Heartbeat of one worker: a timer in its own event loop, so that a blocked worker sends none. It decides when the registry is lost, for
 * `on_registry_loss`.
 */
import type { Logger } from '../log/index.js';
import { type Clock, DynamicLoopingCall, within } from '../tasks/index.js';
import { formatDuration } from '../text/index.js';
import { RegistryUnavailable } from './service-store.js';

/** Times of heartbeats, in seconds. */
export interface HeartbeatTimes {
  /** Seconds between two heartbeats; 0: none. Default: `[DEFAULT] report_interval`, 10. */
  readonly reportInterval: number;
  /** Seconds from the start to the first heartbeat. Default: `[servicegroup] initial_delay_s`, 5. */
  readonly initialDelay: number;
  /** Share of `reportInterval` by which the interval varies, 0 to 0.5. Default: `[servicegroup] jitter`, 0.1. */
  readonly jitter: number;
  /** The log of the service. */
  readonly log: Logger;
  /** Clock and timers. Default: those of the system. */
  readonly clock: Clock;
  /** Random number from 0 to 1, for `jitter`. Default `Math.random`. */
  readonly random: () => number;
}

interface HeartbeatOptions extends HeartbeatTimes {
  /** Sends one heartbeat. */
  readonly beat: () => Promise<void>;
  /** Time without the registry after which {@link onLost} is called. */
  readonly downTime: number;
  /** Called once for each outage when other services consider this one down. */
  readonly onLost: () => void;
}

/** A heartbeat must take less than the interval. */
const TIMEOUT_PART = 0.8;
/** Pause after a heartbeat that took longer, as part of the interval: a slow registry is not asked without end. */
const PAUSE_PART = 0.1;

export class Heartbeat {
  /** Milliseconds by which the last heartbeat was late: the delay of the event loop at that time. */
  lateMs = 0;
  readonly #options: HeartbeatOptions;
  #loop: DynamicLoopingCall<[]> | undefined;
  #lostAt: number | undefined;
  #lostTold = false;
  #lostWhy = '';
  /** Planned time of the next heartbeat. */
  #due = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** True while the registry is not available: other services may consider this one down. */
  get disconnected(): boolean {
    return this.#lostAt !== undefined;
  }

  /** Milliseconds since the registry was last available; 0 while it is. */
  get outageMs(): number {
    return this.#lostAt === undefined ? 0 : this.#options.clock.now() - this.#lostAt;
  }

  /** Why it fails, without a time, so that the workers of a service say the same; undefined while it does not. */
  get trouble(): string | undefined {
    if (this.#lostAt === undefined) return undefined;
    const seen = this.outageMs > this.#options.downTime * 1000 ? ', and other services count this one as down' : '';
    return `its record cannot be written${seen}: ${this.#lostWhy}`;
  }

  start(): void {
    const { reportInterval: interval, initialDelay, clock, log } = this.#options;
    if (interval === 0 || this.#loop?.running === true) return;
    this.#due = clock.now() + initialDelay * 1000;
    this.#loop = new DynamicLoopingCall(() => this.#beat());
    // Heartbeats continue whatever happens, and do not keep the process alive.
    this.#loop.start({
      initialDelay,
      stopOnException: false,
      unref: true,
      periodicIntervalMax: 2 * interval,
      clock,
      log,
    });
  }

  /** Settles when no heartbeat is in progress. */
  async stop(): Promise<void> {
    if (this.#loop === undefined) return;
    this.#loop.stop();
    await this.#loop.wait().catch(() => {});
  }

  async #beat(): Promise<number> {
    const { reportInterval: interval, jitter, clock, random } = this.#options;
    const began = clock.now();
    this.#noteLateness(began);
    try {
      await this.#limited();
      this.#recovered();
    } catch (error) {
      this.#failed(error);
    }
    const took = (clock.now() - began) / 1000;
    const idle = Math.max(PAUSE_PART * interval, interval * (1 + jitter * (2 * random() - 1)) - took);
    this.#due = clock.now() + idle * 1000;
    return idle;
  }

  /** The timer runs in the event loop that serves requests: if it is a whole interval late, so are they. */
  #noteLateness(began: number): void {
    const { reportInterval: interval, downTime, log } = this.#options;
    this.lateMs = Math.max(0, began - this.#due);
    if (this.lateMs < interval * 1000) return;
    const seen =
      this.lateMs + interval * 1000 > downTime * 1000
        ? 'other services saw this one as down'
        : 'other services did not see this one as down';
    log.warn(
      {
        lateMs: Math.round(this.lateMs),
      },
      `The event loop was blocked: a heartbeat was ${formatDuration(this.lateMs / 1000)} late, ${seen}`,
    );
  }

  async #limited(): Promise<void> {
    const { beat, reportInterval, clock } = this.#options;
    const limit = TIMEOUT_PART * reportInterval;
    await within(beat(), { ms: limit * 1000, clock, unref: true }, () => {
      throw new RegistryUnavailable(new Error(`a heartbeat took more than ${formatDuration(limit)}`));
    });
  }

  #recovered(): void {
    if (this.#lostAt === undefined) return;
    const outage = formatDuration(this.outageMs / 1000);
    this.#options.log.info(`Recovered from being unable to report status, after ${outage}.`);
    this.#lostAt = undefined;
    this.#lostTold = false;
  }

  #failed(error: unknown): void {
    const { log, downTime, onLost, clock } = this.#options;
    if (!(error instanceof RegistryUnavailable)) {
      log.error({ err: error }, 'Unexpected error while reporting service status');
      return;
    }
    this.#lostWhy = error.message;
    if (this.#lostAt === undefined) {
      this.#lostAt = clock.now();
      log.warn(`Lost connection to the service registry; this service continues: ${error.message}`);
    } else if (!this.#lostTold && this.outageMs > downTime * 1000) {
      this.#lostTold = true;
      onLost();
    }
  }
}
