/**
 * Recent keys: messages that were begun, which a broker may deliver twice, and addresses that were given up.
 */
import type { Clock } from 'portico/tasks';

/** Time for which begun messages are remembered, and their number. */
const SEEN_MS = 600_000;
const SEEN_MESSAGES = 10_000;

/** Returns the memory of the messages that a consumer has begun. */
export function seenMessages(clock: Clock): RecentKeys {
  return new RecentKeys({ clock, keepMs: SEEN_MS, most: SEEN_MESSAGES });
}

/** Remembers each key for `keepMs`, and at most the newest `most` of them. */
export class RecentKeys {
  readonly #limits: { readonly clock: Clock; readonly keepMs: number; readonly most: number };
  /** Time of each key, in that order. */
  readonly #keys = new Map<string, number>();

  constructor(limits: { readonly clock: Clock; readonly keepMs: number; readonly most: number }) {
    this.#limits = limits;
  }

  has(key: string): boolean {
    const at = this.#keys.get(key);
    return at !== undefined && this.#limits.clock.now() - at < this.#limits.keepMs;
  }

  add(key: string): void {
    const { clock, keepMs, most } = this.#limits;
    const now = clock.now();
    this.#keys.delete(key);
    this.#keys.set(key, now);
    for (const [oldest, at] of this.#keys) {
      if (now - at < keepMs && this.#keys.size <= most) break;
      this.#keys.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#keys.delete(key);
  }
}
