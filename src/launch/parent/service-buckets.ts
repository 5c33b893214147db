/**
 * The parent's end of the token buckets that the workers of one service share. They outlive workers and reloads.
 */
import { TokenBuckets } from '../../service/internal.js';
import type { Question, TakenOf, TakeRule } from '../assignment.js';

/** Of all rules together; 60 MB. Beyond that the longest idle bucket of the longest idle rule goes. */
const MOST_KEYS = 300_000;
/** So many rules; beyond that the longest idle goes. */
const MOST_RULES = 1000;

interface RuleBuckets {
  readonly buckets: TokenBuckets;
  /** When all are full, unless one more token is taken: full buckets say no more than none. */
  fullAt: number;
}

export class ServiceBuckets {
  /** By the rule's id, in the order of use. */
  readonly #rules = new Map<string, RuleBuckets>();
  #keys = 0;

  /** Takes a token for each; gives the time to wait, the tokens left and the time until the bucket is full. `now` in milliseconds. */
  take({ rules, takes }: Question, now: number): TakenOf[] {
    const asked = rules.map((rule) => this.#bucketsOf(rule));
    return takes.map(([rule, key, patienceMs]) => {
      const of = asked[rule]!;
      const before = of.buckets.size;
      const { waitMs, left, resetMs } = of.buckets.take(key, now, patienceMs);
      this.#keys += of.buckets.size - before;
      if (this.#keys > MOST_KEYS) this.#forgetOne();
      of.fullAt = Math.max(of.fullAt, now + resetMs);
      return [waitMs, left, resetMs];
    });
  }

  /** How many there are. */
  get size(): number {
    return this.#keys;
  }

  /** Lets go of rules that are no longer there: of those that are idle nothing is lost. */
  sweep(now: number): void {
    for (const [id, { fullAt }] of this.#rules) {
      if (fullAt <= now) this.#forget(id);
    }
  }

  #bucketsOf({ id, ...options }: TakeRule): RuleBuckets {
    const found = this.#rules.get(id) ?? { buckets: new TokenBuckets(options), fullAt: 0 };
    this.#rules.delete(id);
    this.#rules.set(id, found);
    if (this.#rules.size > MOST_RULES) this.#forget(this.#rules.keys().next().value!);
    return found;
  }

  #forget(id: string): void {
    this.#keys -= this.#rules.get(id)?.buckets.size ?? 0;
    this.#rules.delete(id);
  }

  #forgetOne(): void {
    for (const { buckets } of this.#rules.values()) {
      if (!buckets.forgetOldest()) continue;
      this.#keys -= 1;
      return;
    }
  }
}
