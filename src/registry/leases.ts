/** The leases of a process: only its holder runs a task of the fleet. */
import type { Clock } from '../tasks/index.js';
import type { ServiceStore } from './service-store.js';

export class Leases {
  readonly #store: ServiceStore;
  /** The process, because in a rolling reload its predecessor runs beside it. */
  readonly #owner: string;
  readonly #clock: Clock;
  readonly #asked = new Set<string>();

  constructor(
    store: ServiceStore,
    { host, worker, pid }: Readonly<{ host: string; worker: number; pid: number }>,
    clock: Clock,
  ) {
    this.#store = store;
    this.#owner = `${host}/${worker}/${pid}`;
    this.#clock = clock;
  }

  /** Acquires or renews the lease of a task. False if it has ended before the answer came. */
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
