/**
 * The managers of a service: their hooks, in order, around the service's own steps. The first one is the main one.
 */
import type { Logger } from '../log.js';
import type { Manager, Registration } from '../service/index.js';

/** Runs the hooks of a service's managers. Cleans up in reverse order, and only those whose `initHost` had begun. */
export class Managers {
  readonly all: readonly Manager[];
  readonly #registration: Registration | undefined;
  readonly #log: Logger;
  #begun: Manager[] = [];

  constructor(managers: readonly Manager[], registration: Registration | undefined, log: Logger) {
    this.all = managers;
    this.#registration = registration;
    this.#log = log;
  }

  /** Everything before the service listens: `initHost` before there is a record, `preStartHook` with it. */
  async prepare(): Promise<void> {
    this.#begun = [];
    const before = (await this.#registration?.read()) ?? null;
    for (const manager of this.all) {
      this.#begun.push(manager);
      await manager.initHost?.(before);
    }
    const record = (await this.#registration?.register()) ?? null;
    for (const manager of this.all) await manager.preStartHook?.(record);
  }

  /** The service listens: `postStartHook`, then the heartbeat. */
  async serving(): Promise<void> {
    for (const manager of this.all) await manager.postStartHook?.();
    await this.#registration?.join();
  }

  /** Nothing new is accepted: the record says so, and managers finish what is under way. Never rejects. */
  async shutDown(timeoutMs: number): Promise<void> {
    await this.#attempt('drain', () => this.#registration?.drain());
    const hooks = this.#begun.map((manager) =>
      this.#attempt('gracefulShutdown', () => manager.gracefulShutdown?.(timeoutMs)),
    );
    await within(timeoutMs, Promise.all(hooks));
  }

  /** After the last request: `cleanupHost` in reverse order, and the record says that the service is gone. Never rejects. */
  async release(): Promise<void> {
    for (const manager of this.#begun.toReversed()) {
      await this.#attempt('cleanupHost', () => manager.cleanupHost?.());
    }
    this.#begun = [];
    await this.#attempt('leave', () => this.#registration?.leave());
  }

  /** A new configuration was accepted. A manager that fails keeps what it has. */
  async reset(): Promise<void> {
    for (const manager of this.all) await this.#attempt('reset', () => manager.reset?.());
  }

  async #attempt(hook: string, run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      this.#log.error(`${hook} failed`, { err: error });
    }
  }
}

/** Waits for work, but no longer than the time given; 0 is no limit. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  if (timeoutMs === 0) {
    await work;
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
