/**
 * Code that wants to know when the configuration changed in this process.
 */
import { setTimeout as later } from 'node:timers/promises';
import type { Logger } from '../../log/index.js';
import type { Config } from '../config.js';
import type { ConfigChanges } from './changes.js';

/** Told of an accepted change: `changes` has the real values, secrets included. */
export type MutateHook = (config: Config, changes: ConfigChanges) => void | Promise<void>;

/** How long one hook may take before the next one is run, in milliseconds. */
const hookTimeoutMs = 5000;

/** Hooks, in the order of registration. One that throws or hangs is logged and does not keep the others waiting. */
export class ChangeHooks {
  readonly #hooks = new Set<MutateHook>();

  /** Adds a hook; the function returned takes it away again. */
  add(hook: MutateHook): () => void {
    this.#hooks.add(hook);
    return () => this.#hooks.delete(hook);
  }

  /** Runs all hooks, one after another. Never rejects. */
  async run(config: Config, changes: ConfigChanges, log: Logger | undefined): Promise<void> {
    if (changes.size === 0) return;
    for (const hook of this.#hooks) {
      const waiting = new AbortController();
      const tooLate = later(hookTimeoutMs, 'late', { signal: waiting.signal, ref: false }).catch(() => 'done');
      try {
        const ended = await Promise.race([tooLate, (async () => hook(config, changes))()]);
        if (ended === 'late') log?.warn('a hook for configuration changes takes too long', { hookTimeoutMs });
      } catch (error) {
        log?.error('a hook for configuration changes failed', { err: error });
      } finally {
        waiting.abort();
      }
    }
  }
}
