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

/** A lease that lasts two spacings of its task. */
export class ClusterLease {
  readonly #spec: LeaseSpec;
  #warned = false;

  constructor(spec: LeaseSpec) {
    this.#spec = spec;
  }

  /** Takes the lease; resolves with false if another host holds it. Without a registry always true, with a warning once. */
  async take(spacing: number): Promise<boolean> {
    const { lease, fullName, log } = this.#spec;
    if (lease !== undefined) return lease(fullName, 2 * spacing);
    if (!this.#warned) {
      this.#warned = true;
      const text = `Periodic task ${fullName} is exclusive in the cluster, and there is no registry: it runs on every host`;
      log.warn(`${text}. Name one in [servicegroup].`);
    }
    return true;
  }

  /** Renews the lease of a run at half of its time. If that fails, aborts the run's signal. The returned function ends the renewals. */
  keep(spacing: number, run: AbortController): Cancel | undefined {
    const { lease, fullName, log, clock } = this.#spec;
    if (lease === undefined) return undefined;
    let isOver = false;
    let cancel: Cancel;
    const renew = async (): Promise<void> => {
      const lost = await lease(fullName, 2 * spacing).then(
        (mine) => (mine ? undefined : { reason: 'another host has it' }),
        (err: unknown) => ({ err, reason: errorText(err) }),
      );
      if (isOver) return;
      if (lost === undefined) return later();
      log.error(lost, `Periodic task ${fullName} has lost its lease during a run, whose signal is aborted`);
      run.abort(new DOMException(`the periodic task has lost its lease: ${lost.reason}`, 'AbortError'));
    };
    const later = (): void => {
      cancel = clock.after(spacing * 1000, () => void renew(), { unref: true });
    };
    later();
    return () => {
      isOver = true;
      cancel();
    };
  }
}
