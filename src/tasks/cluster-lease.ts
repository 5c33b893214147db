/** The lease of a periodic task that runs on one host at a time. */
import { errorText } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Cancel, Clock } from './clock.js';

/** Parts of a {@link ClusterLease}. */
export interface LeaseSpec {
  /** `Class.name` of the task, for leases and logs. */
  readonly fullName: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** Takes or renews the lease; false if another host holds it. Undefined without a registry. */
  readonly lease: ((task: string, seconds: number) => Promise<boolean>) | undefined;
}

/** Spacings that a lease lasts in the registry, and after which its run must end: the difference is the time for the run to stop. */
const LASTS = 2;
const HOLDS = 1.5;

/** A lease that lasts two spacings of its task. */
export class ClusterLease {
  readonly #spec: LeaseSpec;
  /** Time by the clock at which a run must end. It counts from the request, so that the lease ends later in the registry. */
  #until = 0;
  #warned = false;

  constructor(spec: LeaseSpec) {
    this.#spec = spec;
  }

  /** Takes or renews the lease; resolves with false if another host holds it. Without a registry always true, with a warning once. */
  async take(spacing: number): Promise<boolean> {
    const { lease, fullName, log, clock } = this.#spec;
    if (lease !== undefined) {
      const until = clock.now() + HOLDS * spacing * 1000;
      const isMine = (await lease(fullName, LASTS * spacing)) && clock.now() < until;
      if (isMine) this.#until = until;
      return isMine;
    }
    if (!this.#warned) {
      this.#warned = true;
      const text = `Periodic task ${fullName} is exclusive in the cluster, and there is no registry: it runs on every host`;
      log.warn(`${text}. Name one in [servicegroup].`);
    }
    return true;
  }

  /**
   * Renews the lease of a run at half of its time. If that fails, or nothing is known by the time that the run must end, aborts the run's
   * signal. The returned function ends the renewals.
   */
  keep(spacing: number, run: AbortController): Cancel | undefined {
    const { lease, fullName, log, clock } = this.#spec;
    if (lease === undefined) return undefined;
    let isOver = false;
    let timers: readonly Cancel[] = [];
    const stop = (): void => {
      isOver = true;
      for (const cancel of timers) cancel();
    };
    const lose = (lost: { readonly err?: unknown; readonly reason: string }): void => {
      stop();
      log.error(lost, `Periodic task ${fullName} has lost its lease during a run, whose signal is aborted`);
      run.abort(new DOMException(`the periodic task has lost its lease: ${lost.reason}`, 'AbortError'));
    };
    const renew = async (): Promise<void> => {
      const lost = await this.take(spacing).then(
        (mine) => (mine ? undefined : { reason: 'another host has it' }),
        (err: unknown) => ({ err, reason: errorText(err) }),
      );
      // The time may be up, or the run over, before the registry responds.
      if (isOver) return;
      if (lost === undefined) hold();
      else lose(lost);
    };
    const hold = (): void => {
      for (const cancel of timers) cancel();
      const late = (): void => lose({ reason: 'the registry has not renewed it in time' });
      timers = [
        clock.after(spacing * 1000, () => void renew(), { unref: true }),
        clock.after(this.#until - clock.now(), late, { unref: true }),
      ];
    };
    hold();
    return stop;
  }
}
