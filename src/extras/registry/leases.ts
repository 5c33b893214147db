/** The leases of a process in a registry. */
import type { ServiceStore } from 'portico/extension';
import type { Clock } from 'portico/tasks';

/** The process that has the leases. */
export interface LeaseHolder {
  readonly host: string;
  readonly worker: number;
  readonly pid: number;
  readonly configGeneration: number;
}

/** The leases of a process: only its holder runs a task of the fleet. */
export class Leases {
  readonly #store: ServiceStore;
  /** The process and its configuration, because in a reload its predecessor may run beside it. */
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #asked = new Set<string>();

  constructor(store: ServiceStore, { host, worker, pid, configGeneration }: LeaseHolder, clock: Clock) {
    this.#store = store;
    this.#owner = `${host}/${worker}/${pid}/${configGeneration}`;
    this.#clock = clock;
  }

  /** Acquires or renews the lease of a task. False if it has ended before the response came. */
  async take(task: string, seconds: number): Promise<boolean> {
    const askedAt = this.#clock.now();
    this.#asked.add(task);
    const isHeld = await this.#store.lease(task, this.#owner, seconds);
    return isHeld && this.#clock.now() - askedAt < seconds * 1000;
  }

  /** Ends all leases, so that another process may run the tasks at once. */
  async release(): Promise<void> {
    for (const task of this.#asked) await this.#store.lease(task, this.#owner, 0);
  }
}
