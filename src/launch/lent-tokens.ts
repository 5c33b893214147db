/**
 * Tokens that the parent lends to one of several workers. Lent tokens have left the bucket, which refills only up to its burst without
 * them: all workers together never grant more than the rule allows.
 */
import type { SharedRule, Taken } from '../service/internal.js';
import type { Loan } from './assignment.js';
import type { Settled } from './worker-message.js';

/** Time for which a worker uses lent tokens. */
const LENT_MS = 1000;
/** Time after which the parent counts a loan that was not settled, because its worker is slow or has ended, as used. */
export const OVERDUE_MS = 3000;

interface Lent {
  readonly id: number;
  /** Tokens that the parent has left, and the time when the bucket is full. */
  readonly left: number;
  readonly fullAt: number;
  readonly until: number;
  readonly tokens: number;
  used: number;
}

/** The loans of a worker. All times in milliseconds. */
export class LentTokens {
  /** In the order in which they end. */
  readonly #lent = new Map<string, Lent>();
  #settled: Settled[] = [];

  get size(): number {
    return this.#lent.size;
  }

  /** Takes a lent token; undefined if there is none. `left` and `resetMs` leave out what other workers take meanwhile. */
  take({ id, rate }: SharedRule, key: string, now: number): Taken | undefined {
    const name = `${key} ${id}`;
    const lent = this.#lent.get(name);
    if (lent === undefined) return undefined;
    if (now >= lent.until) {
      this.#settle(name, lent);
      return undefined;
    }
    lent.used += 1;
    const { used, tokens, left, fullAt } = lent;
    if (used === tokens) this.#settle(name, lent);
    return { granted: true, waitMs: 0, left: left - used, resetMs: Math.max(0, fullAt + (used / rate) * 1000 - now) };
  }

  /** `asked`: the time of the question that this loan answers; `taken` is the rest of its answer. */
  add({ id: rule }: SharedRule, key: string, { id, tokens }: Loan, asked: number, { left, resetMs }: Taken): void {
    const name = `${key} ${rule}`;
    const before = this.#lent.get(name);
    if (before !== undefined) this.#settle(name, before);
    const lent = { id, left, fullAt: asked + resetMs, until: asked + LENT_MS, tokens, used: 0 };
    this.#lent.set(name, lent);
  }

  /** Returns at most `most` loans that are over, with their unused tokens. */
  settled(most: number, now: number): readonly Settled[] {
    for (const [name, lent] of this.#lent) {
      if (lent.until > now) break;
      this.#settle(name, lent);
    }
    return this.#settled.splice(0, most);
  }

  #settle(name: string, { id, tokens, used }: Lent): void {
    this.#lent.delete(name);
    this.#settled.push([id, tokens - used]);
  }
}
