/**
 * Functions of the application that run at a turning point of a launcher.
 */
import type { Logger } from '../../log.js';
import type { Awaitable } from '../../service/index.js';

/** Runs in the order of registration. One that fails is logged, and those after it are skipped, for that event only. */
export class HookList<A extends unknown[]> {
  readonly #event: string;
  readonly #log: Logger;
  #hooks: readonly ((...args: A) => Awaitable<unknown>)[] = [];

  constructor(event: string, log: Logger) {
    this.#event = event;
    this.#log = log;
  }

  /** Adds a hook; the function it gives takes it away. */
  add(hook: (...args: A) => Awaitable<unknown>): () => void {
    const own = (...args: A): Awaitable<unknown> => hook(...args);
    this.#hooks = [...this.#hooks, own];
    return () => {
      this.#hooks = this.#hooks.filter((other) => other !== own);
    };
  }

  /** Never rejects. */
  async run(...args: A): Promise<void> {
    try {
      for (const hook of this.#hooks) await hook(...args);
    } catch (error) {
      this.#log.error(`a hook for ${this.#event} failed`, { err: error });
    }
  }
}
