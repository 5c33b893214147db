/**
 * Changes that accepted reloads have left for a restart, for `status()`: the report of the reload may no longer be
 * kept.
 */
import type { ReloadChange } from '../../operating/index.js';

/** Changes that wait for a restart. */
export class LeftChanges {
  all: readonly ReloadChange[] = [];
  /** Changes whose new values the configuration already has: the next reload does not report them again. */
  #kept: ReadonlySet<ReloadChange> = new Set();

  /**
   * Adds the changes of an accepted reload. `kept`: options whose old values a service of this process, or a worker,
   * keeps.
   */
  accepted(changes: readonly ReloadChange[], kept: ReadonlySet<string>): void {
    const told = new Set(changes.map(({ option }) => option));
    const earlier = new Map([...this.#kept].map(({ option, old }) => [option, old]));
    const still = [...this.#kept].filter(({ option }) => !told.has(option));
    const now = changes.flatMap((change): ReloadChange[] => {
      if (change.effect !== 'needs a restart') return [];
      const old = earlier.get(change.option) ?? change.old;
      // The change was reverted; the values of secrets are masked and cannot be compared.
      if (old === change.new && change.old !== change.new) return [];
      return [{ ...change, old }];
    });
    this.all = [...still, ...now];
    this.#kept = new Set([...still, ...now.filter(({ option }) => kept.has(option))]);
  }
}
