/**
 * Keys of a short past: messages that were begun, of which a broker may deliver one twice, and addresses that were given up.
 */
import type { Clock } from '../../tasks/index.js';

/** Remembers each key for `keepMs`, and the newest `most` of them. */
export class RecentKeys {
  readonly #limits: { readonly clock: Clock; readonly keepMs: number; readonly most: number };
  /** When each came, in that order. */
  readonly #keys = new Map<string, number>();

  constructor(limits: { readonly clock: Clock; readonly keepMs: number; readonly most: number }) {
    this.#limits = limits;
  }

  has(key: string): boolean {
    const at = this.#keys.get(key);
    return at !== undefined && this.#limits.clock.now() - at < this.#limits.keepMs;
  }

  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.set(key, this.#limits.clock.now());
    if (this.#keys.size > this.#limits.most) this.#keys.delete(this.#keys.keys().next().value!);
  }

  forget(key: string): void {
    this.#keys.delete(key);
  }
}
