/**
 * Token buckets shared by the workers of one service: they live in the parent, and outlive workers and reloads.
 *
 * A worker has one question in flight; takes that arrive meanwhile go into the next one. So a busy worker sends larger
 * questions, not more of them.
 */
import { createHash } from 'node:crypto';
import { type SharedBuckets, type SharedRule, type Taken, TokenBuckets } from '../service/internal.js';
import type { TakenOf } from './assignment.js';
import { TAKES, type Take, type ToParent } from './worker-message.js';

/**
 * Most buckets of all rules together; 60 MB. Beyond that, the longest idle bucket of the longest idle rule is dropped.
 */
const MOST_KEYS = 300_000;
/** Most rules; beyond that, the longest idle one is dropped. */
const MOST_RULES = 1000;

interface RuleBuckets {
  readonly buckets: TokenBuckets;
  /** Time at which all buckets are full unless a token is taken: a full bucket has no more information than none. */
  fullAt: number;
}

/** The parent's end. */
export class ServiceBuckets {
  /** Buckets by the rule's id, in the order of use. */
  readonly #rules = new Map<string, RuleBuckets>();
  #keys = 0;

  /**
   * Takes a token for each take; returns the time to wait, the tokens left and the time until the bucket is full. `now`
   * in milliseconds.
   */
  take(takes: readonly Take[], now: number): TakenOf[] {
    return takes.map(([rule, key, patienceMs]) => {
      const of = this.#bucketsOf(rule);
      const before = of.buckets.size;
      const { waitMs, left, resetMs } = of.buckets.take(key, now, patienceMs);
      this.#keys += of.buckets.size - before;
      if (this.#keys > MOST_KEYS) this.#forgetOne();
      of.fullAt = Math.max(of.fullAt, now + resetMs);
      return [waitMs, left, resetMs];
    });
  }

  /** Number of buckets. */
  get size(): number {
    return this.#keys;
  }

  /** Drops rules whose buckets are full: nothing is lost. */
  sweep(now: number): void {
    for (const [id, { fullAt }] of this.#rules) {
      if (fullAt <= now) this.#forget(id);
    }
  }

  #bucketsOf({ id, ...options }: SharedRule): RuleBuckets {
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

/** Longest key, and longest name of a rule, as they are sent. */
const TAKE_KEY = 64;
const TAKE_ID = 256;
/** Time after which the answer to a question is not awaited. */
const ANSWER_MS = 100;
/** Most takes that wait for the next question: if the parent is that late, further takes are not sent. */
const MOST_WAITING = 10 * TAKES;

interface Waiting {
  readonly rule: SharedRule;
  readonly key: string;
  readonly patienceMs: number;
  readonly resolve: (taken: Taken | undefined) => void;
}

interface Asked {
  readonly takes: readonly Waiting[];
  readonly timer: NodeJS.Timeout;
  /** True if its takes are settled; the answer is still expected. */
  late: boolean;
}

/** The worker's end. */
export class ParentBuckets implements SharedBuckets {
  readonly #send: (message: ToParent) => void;
  #waiting: Waiting[] = [];
  #asked: Asked | undefined;
  #planned = false;
  /** Each rule as sent to the parent: the same object each time, so that a question contains it once. */
  readonly #rules = new WeakMap<SharedRule, SharedRule>();

  constructor(send: (message: ToParent) => void) {
    this.#send = send;
  }

  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken | undefined> | undefined {
    if (this.#asked?.late === true || this.#waiting.length >= MOST_WAITING) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ rule: this.#told(rule), key: short(key, TAKE_KEY), patienceMs, resolve });
      if (this.#asked === undefined) this.#plan();
    });
  }

  /**
   * Handles the parent's answer: for each take the time to wait, the tokens left and the time until the bucket is full.
   */
  answered(taken: readonly TakenOf[]): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    this.#asked = undefined;
    for (const [at, { patienceMs, resolve }] of asked.takes.entries()) {
      const [waitMs, left, resetMs] = taken[at]!;
      resolve({ granted: waitMs <= patienceMs, waitMs, left, resetMs });
    }
    if (this.#waiting.length > 0) this.#plan();
  }

  /** Sends at the end of this turn of the event loop, together with takes of its other requests. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      this.#ask();
    });
  }

  #ask(): void {
    const takes = this.#waiting.splice(0, TAKES);
    // An answer that arrived while this process was busy is read before that.
    const timer = setTimeout(() => setImmediate(() => this.#giveUp(asked)), ANSWER_MS).unref();
    const asked: Asked = { takes, late: false, timer };
    this.#asked = asked;
    this.#send({ kind: 'take', takes: takes.map(({ rule, key, patienceMs }) => [rule, key, patienceMs]) });
  }

  #told(rule: SharedRule): SharedRule {
    const { id, rate, burst, maxKeys } = rule;
    const told = this.#rules.get(rule) ?? { id: short(id, TAKE_ID), rate, burst, maxKeys };
    this.#rules.set(rule, told);
    return told;
  }

  /** Settles the takes without the parent; so are those until the answer arrives. */
  #giveUp(asked: Asked): void {
    if (this.#asked !== asked) return;
    asked.late = true;
    for (const { resolve } of [...asked.takes, ...this.#waiting.splice(0)]) resolve(undefined);
  }
}

/** Returns the text as one byte for each character, cut to a length. */
function short(text: string, length: number): string {
  if (text.length <= length && /^[\x20-\x7e]*$/.test(text)) return text;
  return createHash('sha256').update(text).digest('base64url');
}
