/**
 * Heartbeat of one worker: a timer in its own event loop, so that a blocked worker sends none.
 */
import { errorText, formatDuration, type Logger } from 'portico/extension';
import { type Clock, DynamicLoopingCall, within } from 'portico/tasks';
import { RegistryUnavailable } from './service-store.js';

/** Times of heartbeats, in seconds. */
export interface HeartbeatTimes {
  /** Seconds between two heartbeats; 0: none. Default: `[DEFAULT] report_interval`, 10. */
  readonly reportInterval: number;
  /** Seconds from the start to the first heartbeat. Default: `reportInterval`, at most 5. */
  readonly initialDelay: number;
  /** Share of `reportInterval` by which the interval varies, 0 to 0.5. */
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
  /** Seconds without a heartbeat after which other services consider this one down. */
  readonly downTime: number;
}

/** A heartbeat must take less than the interval. */
const TIMEOUT_PART = 0.8;
/** Seconds between two attempts to reach the registry for a service that sends no heartbeats. */
const RETRY_S = 10;
/** Pause after a heartbeat that took longer, as part of the interval: a slow registry is not asked without end. */
const PAUSE_PART = 0.1;

export class Heartbeat {
  /** Milliseconds by which the last heartbeat was late: the delay of the event loop at that time. */
  lateMs = 0;
  readonly #options: HeartbeatOptions;
  /** Undefined from a stop on: a heartbeat that is still under way then changes nothing. */
  #loop: DynamicLoopingCall<[]> | undefined;
  #lostAt: number | undefined;
  #lostWhy = '';
  /** Planned time of the next heartbeat. */
  #due = 0;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Seconds between two heartbeats, or two attempts. */
  get #interval(): number {
    return this.#options.reportInterval || RETRY_S;
  }

  /** True while the registry is not available: other services may consider this one down. */
  get disconnected(): boolean {
    return this.#lostAt !== undefined;
  }

  /** Milliseconds since the registry was last available; 0 while it is. */
  get outageMs(): number {
    return this.#lostAt === undefined ? 0 : this.#options.clock.now() - this.#lostAt;
  }

  /** Why it fails; undefined while it does not. */
  get why(): string | undefined {
    return this.#lostAt === undefined ? undefined : this.#lostWhy;
  }

  /** Notes that the service begins to serve while the registry is not available. Its heartbeats find out when it is. */
  beginWithout(error: RegistryUnavailable): void {
    this.#lose(error, 'This service serves, and registers when the service registry is back');
  }

  start(): void {
    const { reportInterval, initialDelay, clock, log } = this.#options;
    // Without heartbeats it waits for the registry only.
    if ((reportInterval === 0 && !this.disconnected) || this.#loop?.running === true) return;
    this.#due = clock.now() + initialDelay * 1000;
    const loop: DynamicLoopingCall<[]> = new DynamicLoopingCall(() => this.#beat(loop));
    this.#loop = loop;
    // Heartbeats continue whatever happens, and do not keep the process alive.
    loop.start({
      initialDelay,
      stopOnException: false,
      unref: true,
      periodicIntervalMax: 2 * this.#interval,
      clock,
      log,
    });
  }

  /** Settles when no heartbeat is in progress. */
  async stop(): Promise<void> {
    const loop = this.#loop;
    if (loop === undefined) return;
    this.#loop = undefined;
    loop.stop();
    // One that waits for a registry that is away must not delay a stop.
    if (this.disconnected) return;
    await loop.wait().catch(() => {});
  }

  async #beat(loop: DynamicLoopingCall<[]>): Promise<number> {
    const { reportInterval, jitter, clock, random } = this.#options;
    const interval = this.#interval;
    const began = clock.now();
    this.#noteLateness(began);
    try {
      await this.#limited();
      if (loop === this.#loop) this.#recovered();
      if (reportInterval === 0) loop.stop();
    } catch (error) {
      if (loop === this.#loop) this.#failed(error);
    }
    const took = (clock.now() - began) / 1000;
    const idle = Math.max(PAUSE_PART * interval, interval * (1 + jitter * (2 * random() - 1)) - took);
    this.#due = clock.now() + idle * 1000;
    return idle;
  }

  /** The timer runs in the event loop that serves requests: if it is a whole interval late, so are they. */
  #noteLateness(began: number): void {
    const { downTime, log } = this.#options;
    const interval = this.#interval;
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
    const { beat, clock } = this.#options;
    const limit = TIMEOUT_PART * this.#interval;
    await within(beat(), { ms: limit * 1000, clock, unref: true }, () => {
      throw new RegistryUnavailable(new Error(`a heartbeat took more than ${formatDuration(limit)}`));
    });
  }

  #recovered(): void {
    if (this.#lostAt === undefined) return;
    const outage = formatDuration(this.outageMs / 1000);
    this.#options.log.info(`Recovered from being unable to report status, after ${outage}.`);
    this.#lostAt = undefined;
  }

  #failed(error: unknown): void {
    const { log } = this.#options;
    if (!(error instanceof RegistryUnavailable)) {
      log.error({ err: error }, 'Unexpected error while reporting service status');
      if (this.#lostAt !== undefined) this.#lostWhy = errorText(error);
      return;
    }
    this.#lose(error, 'Lost connection to the service registry; this service continues');
  }

  /** Notes an outage, and logs its beginning. */
  #lose({ message }: RegistryUnavailable, text: string): void {
    const { clock, log } = this.#options;
    this.#lostWhy = message;
    if (this.#lostAt !== undefined) return;
    this.#lostAt = clock.now();
    log.warn(`${text}: ${message}`);
  }
}
