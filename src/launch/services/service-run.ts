/**
 * One service's life in this process: started, watched, renewed, stopped within its deadline.
 */

import { chosenStatus, describeError, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ConfigChanges, ServiceBase, StopOptions, StopReason } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import { within } from '../../tasks/internal.js';
import { isRefusal } from '../exit-status.js';
import { Deadline, settled, unlessAborted } from '../waiting.js';

/** How long a service whose deadline has passed, and at the end of a stop what has been called off, may take to let go. */
export const LETTING_GO_MS = 500;

/** Listener of a {@link ServiceRun}. */
export interface RunListener {
  /** The service's `wait()` rejected: it died by itself. */
  died(error: unknown): void;
  /** The service's `wait()` settled without anybody having stopped it. */
  finished(): void;
}

/** Reasons of a stop; each leaves less time to idle connections than those before it. */
const URGENCY: readonly StopReason[] = ['replaced', 'hurried', 'stop'];

/** Whether `reason` leaves less time to idle connections than `before`. Default of `before`: `stop`. */
export function isMoreUrgent(reason: StopReason, before: StopReason = 'stop'): boolean {
  return URGENCY.indexOf(reason) > URGENCY.indexOf(before);
}

/** Why and until when a service is stopped. */
export interface StopRequest {
  readonly reason: StopReason;
  /** The launcher's deadline in milliseconds; the service's own wins. 0: endless. */
  readonly timeoutMs: number;
  /** No service has longer than so many milliseconds, whatever its own deadline. */
  readonly limitMs?: number;
  /** Milliseconds of it that have passed already. Default 0. */
  readonly spentMs?: number;
  /** It is to be started again. */
  readonly restarts?: true;
}

/** How a service takes a new configuration up. */
export interface RenewTerms {
  /** Milliseconds that work under way has. 0: endless. */
  readonly timeoutMs: number;
  /** Starts it again, where it was stopped. A failure does not reject. */
  readonly start: () => Promise<unknown>;
  /** Raised when a stop was asked for: it is not started any more. */
  readonly stopped: AbortSignal;
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
  /** The service has said by itself which work it cut off at the deadline. */
  #overran = false;
  /** It is being stopped, or was, not to be started again. */
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

  get started(): boolean {
    return this.#state === 'started';
  }

  /** Work that goes on in spite of a stop whose deadline has passed; settles when it has ended after all. */
  goesOn: Promise<unknown> | undefined;
  /** The status it chose by a `ServiceExit` while it was being stopped. */
  exitStatus: number | undefined;
  /** It was ready at some time, and may have been announced as ready. */
  wasReady = false;
  /** Its `wait()` settled though it was not stopped here. */
  finished = false;

  /** For status pages. */
  get state(): 'starting' | 'ready' | 'draining' {
    // A service that a reload stops and starts again is no reason to take the process from a load balancer.
    if (this.#state === 'started' || (this.wasReady && !this.#ends)) return 'ready';
    return this.#state === 'stopped' ? 'draining' : 'starting';
  }

  /** Milliseconds since it was last started. */
  get uptimeMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Time left of a stop that is under way, for people. */
  get remaining(): string {
    return this.#deadline?.describe() ?? 'no limit';
  }

  /** Settles when the service is ready. A rejection is the service's. */
  start(): Promise<void> {
    this.#state = 'starting';
    this.#startedAt = performance.now();
    this.#starting = (async () => {
      try {
        await this.service.start();
      } catch (error) {
        this.#dead = true;
        // At a reload it is no failed start.
        if (this.wasReady && chosenStatus(error) !== undefined) this.#exits(error);
        throw error;
      }
      if (this.#state === 'starting') {
        this.#state = 'started';
        this.wasReady = true;
        this.#watch();
      }
    })();
    return this.#starting;
  }

  /** Stops and waits. True when everything under way came to its end; false when it was cut off or failed. */
  async stop(request: StopRequest): Promise<boolean> {
    this.#ends = request.restarts !== true;
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
    // First among the listeners: once the service hears of it, nothing is under way any more.
    const look = (): void => {
      busy ??= starting ? ['its start'] : (this.service.describeWork?.() ?? ['(the service does not say)']);
    };
    deadline.signal.addEventListener('abort', look);
    const ended = this.#end(request.reason, deadline, wasStarting);
    // Judged as it ends: what else the loop does until this goes on is no part of it.
    let late = false;
    void ended.then(() => (late = deadline.passed));
    const inTime = await unlessAborted(ended, deadline.signal);
    if (late || inTime === undefined) look();
    deadline.clear();
    if (busy === undefined && inTime !== undefined && !this.#overran) return inTime;
    return this.#cutOff(ended, busy ?? []);
  }

  /** Stops what can be stopped at once, without waiting for anything under way. */
  async abandon(): Promise<void> {
    this.#ends = true;
    this.#state = 'stopped';
    this.#life += 1;
    await within(
      this.#attempt(() => this.service.stop({ graceful: false })),
      LETTING_GO_MS / 2,
    );
  }

  /** Takes new configuration in place, without a stop. False: the service refused it and continues with the old one. */
  reset(changes: ConfigChanges): Promise<boolean> {
    return this.#take(() => this.service.reset(changes));
  }

  async #take(work: () => unknown, stopped?: AbortSignal): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (chosenStatus(error) !== undefined) {
        this.#exits(error);
        return true;
      }
      // A renewal that a stop has called off was not refused.
      if (stopped?.aborted === true) return true;
      const text = isRefusal(error) ? `: ${describeError(error)}` : '';
      this.#log.error(`service ${this.name} refused the new configuration and keeps the old one${text}`, {
        service: this.name,
        ...(isRefusal(error) ? {} : { err: error }),
      });
      return false;
    }
  }

  /**
   * Takes a new configuration up that is in force: by its `renew`; without one by `reset`, where it listens; or else stopped, reset and
   * started again (oslo.service). False: it refused it and continues with the old one.
   */
  async renew(changes: ConfigChanges, { timeoutMs, start, stopped }: RenewTerms): Promise<boolean> {
    const { service } = this;
    if (service.renew !== undefined) {
      const taken = await this.#take(
        () => service.renew!(changes, { deadlineMs: this.timeoutMs({ timeoutMs }) }),
        stopped,
      );
      // One that had ended by itself may run again.
      if (taken && this.finished && this.started) this.#watch();
      return taken;
    }
    if (isListening(service)) return this.reset(changes);
    await this.stop({ reason: 'stop', timeoutMs, restarts: true });
    if (stopped.aborted) return true;
    const taken = await this.reset(changes);
    if (!stopped.aborted) await start();
    return taken;
  }

  /** Milliseconds this service may take to stop; 0: endless. */
  timeoutMs({ timeoutMs: inherited, limitMs }: Pick<StopRequest, 'timeoutMs' | 'limitMs'>): number {
    const own = this.service.gracefulShutdownTimeout;
    const wanted = own === undefined || own === null ? inherited : own * 1000;
    return limitMs === undefined ? wanted : Math.min(wanted || limitMs, limitMs);
  }

  /** It asks the process to end, which a stop for good does already. */
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

  /** The ordinary way out: stop, then wait. A start under way is stopped again once it ended, should it have succeeded. */
  async #end(reason: StopRequest['reason'], deadline: Deadline, wasStarting: boolean): Promise<boolean> {
    const options = (): StopOptions => ({
      graceful: true,
      signal: deadline.signal,
      deadlineMs: deadline.deadlineMs,
      reason,
    });
    const asked = this.#attempt(() => this.service.stop(options()));
    // Once it has begun to acquire, only its own end tells what is to be released.
    if (wasStarting) await settled(this.#starting);
    let clean = await asked;
    if (wasStarting) {
      clean = (await this.#attempt(() => this.service.stop(options()))) && clean;
    }
    // The log has the cause of a death already; and a service whose stop failed would be waited for in vain.
    if (this.#dead || (!clean && !this.#overran)) return clean;
    return (await this.#attempt(() => this.service.wait())) && clean;
  }

  async #cutOff(ended: Promise<boolean>, busy: readonly string[]): Promise<boolean> {
    const late = await within(ended, LETTING_GO_MS);
    if (late === undefined) this.goesOn = ended;
    if (busy.length === 0 && late === true) return true;
    const named = busy.length === 0 && this.#overran;
    this.#log.error('Graceful shutdown timeout exceeded', { service: this.name, ...(named ? {} : { busy }) });
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
      this.#log.error(`Error stopping service ${this.name}`, { service: this.name, err: error });
      return false;
    }
  }
}
