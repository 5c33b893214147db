/**
 * Hooks of the application that run at an event of a launcher.
 */

import type { Logger } from '../../log/index.js';
import type { Awaitable } from '../../service/index.js';
import { within } from '../../tasks/internal.js';

/**
 * Runs hooks in the order of registration. A failure is logged, and the hooks after it are skipped for that event only.
 */
export class HookList<A extends unknown[]> {
  readonly #event: string;
  readonly #log: Logger;
  #hooks: readonly { readonly name: string; call(...args: A): Awaitable<unknown> }[] = [];

  constructor(event: string, log: Logger) {
    this.#event = event;
    this.#log = log;
  }

  /** Adds a hook; the returned function removes it. */
  add(hook: (...args: A) => Awaitable<unknown>): () => void {
    const own = { name: hook.name || '(anonymous)', call: hook };
    this.#hooks = [...this.#hooks, own];
    return () => {
      this.#hooks = this.#hooks.filter((other) => other !== own);
    };
  }

  /** Runs the hooks. Never rejects. */
  async run(...args: A): Promise<void> {
    await this.runWithin(0, ...args);
  }

  /**
   * Runs all hooks for at most `ms` together (0: no limit). Returns a description of the hook that had not ended by
   * then, or undefined if all did: that hook goes on, and those after it are skipped. Never rejects.
   */
  async runWithin(ms: number, ...args: A): Promise<string | undefined> {
    let current = '';
    let over = false;
    const run = async (): Promise<true> => {
      try {
        for (const { name, call } of this.#hooks) {
          if (over) break;
          current = name;
          await call(...args);
        }
      } catch (error) {
        this.#log.error({ hook: current, err: error }, `a hook for ${this.#event} failed`);
      }
      return true;
    };
    if ((await within(run(), ms || Number.POSITIVE_INFINITY)) === true) return undefined;
    over = true;
    return `the hook ${current} for ${this.#event} did not end within ${Math.round(ms) / 1000} s`;
  }
}
