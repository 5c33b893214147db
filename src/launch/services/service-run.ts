/**
 * Life of one service in this process: start, watch, and stop within its deadline.
 */

import type { Config } from '../../config/index.js';
import { chosenStatus, describeError, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { Telling } from '../../operating/internal.js';
import type { ServiceBase, StopOptions, StopReason } from '../../service/index.js';
import { within } from '../../tasks/internal.js';
import { isRefusal } from '../exit-status.js';
import { Deadline, settled, unlessAborted } from '../waiting.js';

/** Time that a service past its deadline, and cancelled work at the end of a stop, have to release their resources. */
export const LETTING_GO_MS = 500;

/** Listener of a {@link ServiceRun}. */
export interface RunListener {
  /** Called when the service's `wait()` rejected: the service died by itself. */
  died(error: unknown): void;
  /** Called when the service's `wait()` settled without a stop. */
  finished(): void;
}

/** Reason and deadline of a stop. */
export interface StopRequest {
  readonly reason: StopReason;
  /** Deadline of the launcher in milliseconds; the service's own deadline takes precedence. 0: no limit. */
  readonly timeoutMs: number;
  /** Upper limit in milliseconds for every service, whatever its own deadline. */
  readonly limitMs?: number;
  /** Milliseconds of the deadline that have passed already. Default 0. */
  readonly spentMs?: number;
  /** For a reload: milliseconds that new requests may wait for the next start. */
  readonly pauseMs?: number;
}

export class ServiceRun {
  readonly service: ServiceBase;
  readonly name: string;
  #state: 'new' | 'starting' | 'started' | 'stopped' = 'new';
  #starting: Promise<void> = Promise.resolve();
  #deadline: Deadline | undefined;
  #life = 0;
  #startedAt = performance.now();
  #dead = false;
  /** True if the service has logged which work it cut off at the deadline. */
  #overran = false;
  /** True if it is stopping, or stopped, for good. */
  #ends = false;
  readonly #listener: RunListener;
  readonly #log: Logger;

  constructor(service: ServiceBase, name: string, given: { log: Logger; listener: RunListener }) {
    this.service = service;
    this.name = name;
    this.#log = given.log;
    this.#listener = given.listener;
    const { tasks } = service as { readonly tasks?: { onExit?: unknown } };
    if (typeof tasks === 'object' && 'onExit' in tasks) tasks.onExit = (error: unknown) => this.#exits(error);
  }

  /** True if a stop for good was requested: it is not started again. */
  get ends(): boolean {
    return this.#ends;
  }

  get started(): boolean {
    return this.#state === 'started';
  }

  /** Work that continues after the deadline of a stop; settles when it has ended. */
  goesOn: Promise<unknown> | undefined;
  /** Exit status that it chose by a `ServiceExit` while it stopped. */
  exitStatus: number | undefined;
  /** True once it was ready, and so may have been announced as ready. */
  wasReady = false;
  /** True if its `wait()` settled without a stop from here. */
  finished = false;
  /** Announces a service that a reload adds, with its first start: it may start only when it is tried again. */
  announce: (() => void) | undefined;
  /** Error of its last start, until it starts. */
  failure: unknown;

  /** State for the status. `reloading`: a reload has stopped it, and it has not started again. */
  get state(): 'starting' | 'ready' | 'reloading' | 'draining' {
    if (this.#state === 'started') return 'ready';
    if (this.wasReady && !this.#ends) return 'reloading';
    return this.#state === 'stopped' ? 'draining' : 'starting';
  }

  /** True from the request for a start until it has ended. */
  get isStarting(): boolean {
    return this.#state === 'starting';
  }

  /** True for a service that a reload starts again: it runs, or would run if its last start had not failed. */
  get isWanted(): boolean {
    return this.#state === 'started' || this.failure !== undefined;
  }

  /** Milliseconds since its last start. */
  get uptimeMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Number of requests that it has cut off at a deadline. */
  get cutOffRequests(): number {
    const { meter, cutOffRequests } = this.service as Telling & { readonly cutOffRequests?: number };
    return meter?.cutOffRequests ?? cutOffRequests ?? 0;
  }

  /** Remaining time of the stop in progress, as text. */
  get remaining(): string {
    return this.#deadline?.describe() ?? 'no limit';
  }

  /** Settles when the service is ready. Rejects with the service's error. */
  start(): Promise<void> {
    this.#state = 'starting';
    this.#dead = false;
    this.#startedAt = performance.now();
    this.#starting = (async () => {
      try {
        await this.service.start();
      } catch (error) {
        this.#dead = true;
        this.failure = error;
        // In a reload it is not a failed start.
        if (this.wasReady && chosenStatus(error) !== undefined) this.#exits(error);
        throw error;
      }
      this.wasReady = true;
      this.failure = undefined;
      if (this.#state === 'starting') {
        this.#state = 'started';
        this.#watch();
      }
    })();
    return this.#starting;
  }

  /** Stops and waits. Returns true if all requests in progress ended, false if any was cut off or failed. */
  async stop(request: StopRequest): Promise<boolean> {
    this.#ends = request.reason !== 'reload';
    const wasStarting = this.#state === 'starting';
    let starting = wasStarting;
    if (wasStarting) void settled(this.#starting).then(() => (starting = false));
    this.#state = 'stopped';
    this.#life += 1;
    this.#deadline?.clear();
    this.#overran = false;
    const timeoutMs = this.timeoutMs(request);
    const deadline = new Deadline(timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (request.spentMs ?? 0)));
    this.#deadline = deadline;
    let busy: readonly string[] | undefined;
    // First among the listeners: after the service is notified, no request is in progress.
    const look = (): void => {
      busy ??= starting ? ['its start'] : (this.service.describeWork?.() ?? ['(the service does not say)']);
    };
    deadline.signal.addEventListener('abort', look);
    const ended = this.#end(request, deadline, wasStarting);
    // Decided when it ends: later work of the event loop does not count.
    let late = false;
    void ended.then(() => (late = deadline.passed));
    const inTime = await unlessAborted(ended, deadline.signal);
    if (late || inTime === undefined) look();
    deadline.clear();
    if (busy === undefined && inTime !== undefined && !this.#overran) return inTime;
    return this.#cutOff(ended, busy ?? []);
  }

  /** Stops at once, without waiting for requests in progress. */
  async abandon(): Promise<void> {
    this.#ends = true;
    this.#state = 'stopped';
    this.#life += 1;
    await within(
      this.#attempt(() => this.service.stop({ graceful: false })),
      LETTING_GO_MS / 2,
    );
  }

  /** Passes a new configuration to it. Returns false if the service refused it and keeps the old one. */
  async reset(next: Config | undefined): Promise<boolean> {
    try {
      await this.service.reset(next);
      return true;
    } catch (error) {
      if (chosenStatus(error) !== undefined) {
        this.#exits(error);
        return true;
      }
      const text = isRefusal(error) ? `: ${describeError(error)}` : '';
      this.#log.error(
        {
          service: this.name,
          ...(isRefusal(error) ? {} : { err: error }),
        },
        `service ${this.name} refused the new configuration and keeps the old one${text}`,
      );
      return false;
    }
  }

  /** Milliseconds that this service has to stop; 0: no limit. */
  timeoutMs({ timeoutMs: inherited, limitMs }: Pick<StopRequest, 'timeoutMs' | 'limitMs'>): number {
    const own = this.service.gracefulShutdownTimeout;
    const wanted = own === undefined || own === null ? inherited : own * 1000;
    return limitMs === undefined ? wanted : Math.min(wanted || limitMs, limitMs);
  }

  /** Handles a request to end the process, which a stop for good does already. */
  #exits(error: unknown): void {
    this.#dead = true;
    if (this.#ends) this.exitStatus ??= chosenStatus(error);
    else this.#listener.died(error);
  }

  #watch(): void {
    this.finished = false;
    const life = this.#life;
    const current = (): boolean => this.#life === life && this.#state === 'started';
    Promise.resolve()
      .then(() => this.service.wait())
      .then(
        () => {
          if (!current()) return;
          this.finished = true;
          this.#listener.finished();
        },
        (error: unknown) => {
          if (!current()) return;
          this.#dead = true;
          this.#listener.died(error);
        },
      );
  }

  /** The ordinary end: stop, then wait. A start in progress is stopped again after it has succeeded. */
  async #end({ reason, pauseMs }: StopRequest, deadline: Deadline, wasStarting: boolean): Promise<boolean> {
    const options = (): StopOptions => ({
      graceful: true,
      signal: deadline.signal,
      deadlineMs: deadline.deadlineMs,
      reason,
      ...(pauseMs !== undefined && { pauseMs }),
    });
    const asked = this.#attempt(() => this.service.stop(options()));
    // After a start has begun to acquire resources, only its end shows which ones to release.
    if (wasStarting) await settled(this.#starting);
    let clean = await asked;
    if (wasStarting) {
      clean = (await this.#attempt(() => this.service.stop(options()))) && clean;
    }
    // The log has the cause of a death already; and waiting for a service whose stop failed would be in vain.
    if (this.#dead || (!clean && !this.#overran)) return clean;
    return (await this.#attempt(() => this.service.wait())) && clean;
  }

  async #cutOff(ended: Promise<boolean>, busy: readonly string[]): Promise<boolean> {
    const late = await within(ended, LETTING_GO_MS);
    if (late === undefined) this.goesOn = ended;
    if (busy.length === 0 && late === true) return true;
    const named = busy.length === 0 && this.#overran;
    this.#log.error({ service: this.name, ...(named ? {} : { busy }) }, 'Graceful shutdown timeout exceeded');
    return false;
  }

  async #attempt(work: () => unknown): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof PorticoError && error.code === 'PORTICO_STOP_DEADLINE') {
        this.#overran = true;
        return false;
      }
      if (chosenStatus(error) !== undefined) {
        this.#exits(error);
        return true;
      }
      this.#log.error({ service: this.name, err: error }, `Error stopping service ${this.name}`);
      return false;
    }
  }
}

/** Reasons of a stop; each leaves less time to idle connections than those before it. */
const URGENCY: readonly StopReason[] = ['replaced', 'hurried', 'reload', 'stop'];

/** Reason and deadline of a stop over all requests for it: a later request can only leave less time. */
export class StopTerms {
  reason: StopReason | undefined;
  /** Option that sets the deadline. */
  limit: 'drain_timeout' | 'graceful_shutdown_timeout' = 'graceful_shutdown_timeout';
  /** On the monotonic clock. */
  #endsAt = Number.POSITIVE_INFINITY;

  /** Milliseconds until the deadline; undefined without one. */
  get leftMs(): number | undefined {
    return this.#endsAt === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.#endsAt - performance.now());
  }

  /**
   * Adds a request, whose deadline the option `limit` sets; 0 milliseconds: no limit. Returns the terms from now on;
   * undefined if nothing changes.
   */
  tighten(
    reason: StopReason,
    timeoutMs: number,
    limit: StopTerms['limit'] = 'graceful_shutdown_timeout',
  ): { reason: StopReason; timeoutMs: number } | undefined {
    const now = performance.now();
    const endsAt = timeoutMs === 0 ? Number.POSITIVE_INFINITY : now + timeoutMs;
    const sooner = endsAt < this.#endsAt;
    const before = this.reason;
    if (sooner) [this.#endsAt, this.limit] = [endsAt, limit];
    if (before === undefined || URGENCY.indexOf(reason) > URGENCY.indexOf(before)) this.reason = reason;
    if (!sooner && before === this.reason) return undefined;
    const leftMs = this.#endsAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.round(this.#endsAt - now));
    return { reason: this.reason ?? reason, timeoutMs: leftMs };
  }
}
