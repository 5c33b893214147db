/**
 * Buckets that a worker has itself while it is the only one of its service: it tells the parent what it has taken, and few requests wait.
 */
import type { SharedRule, Taken } from '../service/internal.js';
import type { Used } from './worker-message.js';

/** Most callers whose tokens a worker has; beyond that, the one that was idle longest is asked about again. */
const MOST_LOTS = 50_000;

interface Lot {
  readonly rule: SharedRule;
  readonly key: string;
  tokens: number;
  at: number;
  /** Tokens that the parent does not know of. */
  used: number;
}

/** A worker's tokens. All times in milliseconds. */
export class TokenLots {
  /** In order of use. */
  readonly #lots = new Map<string, Lot>();
  #owed: Used[] = [];

  /** Takes a token, as {@link TokenBuckets.take} does; undefined if the parent has to be asked. */
  take(rule: SharedRule, key: string, now: number, patienceMs: number): Taken | undefined {
    const name = `${key} ${rule.id}`;
    const lot = this.#lots.get(name);
    if (lot === undefined) return undefined;
    const { rate, burst } = rule;
    lot.tokens = Math.min(burst, lot.tokens + ((now - lot.at) / 1000) * rate);
    lot.at = now;
    const waitMs = lot.tokens >= 1 ? 0 : ((1 - lot.tokens) / rate) * 1000;
    const granted = waitMs <= patienceMs;
    if (granted) {
      lot.tokens -= 1;
      lot.used += 1;
    }
    this.#lots.delete(name);
    this.#lots.set(name, lot);
    const { tokens } = lot;
    return { granted, waitMs, left: Math.max(0, Math.floor(tokens)), resetMs: ((burst - tokens) / rate) * 1000 };
  }

  /** Takes over a bucket as the parent has it. */
  add(rule: SharedRule, key: string, tokens: number, now: number): void {
    const name = `${key} ${rule.id}`;
    const before = this.#lots.get(name);
    if (before !== undefined) this.#settle(name, before);
    this.#lots.set(name, { rule, key, tokens, at: now, used: 0 });
    const [oldest] = this.#lots;
    if (this.#lots.size > MOST_LOTS) this.#settle(...oldest!);
  }

  /** Called when the worker is not the only one any more. */
  share(): void {
    for (const [name, lot] of this.#lots) this.#settle(name, lot);
  }

  /** Returns at most `most` numbers of taken tokens that the parent does not know of. */
  changes(most: number): readonly Used[] {
    for (const lot of this.#lots.values()) {
      if (lot.used > 0) {
        this.#owed.push([lot.rule, lot.key, lot.used]);
        lot.used = 0;
      }
    }
    return this.#owed.splice(0, most);
  }

  /** True if the parent has to learn of buckets that the worker had. */
  get owes(): boolean {
    return this.#owed.length > 0;
  }

  #settle(name: string, { rule, key, used }: Lot): void {
    this.#lots.delete(name);
    if (used > 0) this.#owed.push([rule, key, used]);
  }
}
