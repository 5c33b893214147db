/**
 * Token buckets shared by the workers of one service: they live in the parent, and outlive workers and reloads.
 *
 * A worker has one question in flight; takes that arrive meanwhile go into the next one. So a busy worker sends larger
 * questions, not more of them.
 */
import { createHash } from 'node:crypto';
import { type SharedBuckets, type SharedRule, type Taken, TokenBuckets } from '../service/internal.js';
import type { Loan, Settled, TakenOf, TokenQuestion, ToParent, Used } from './worker-message.js';

/**
 * Most buckets of all rules together; 60 MB. Beyond that, the longest idle bucket of the longest idle rule is dropped.
 */
const MOST_KEYS = 300_000;
/** Fewest tokens that are lent: smaller bursts are counted token by token, so that each caller gets all of them at once. */
const LEAST_LENT = 4;
/** Most rules; beyond that, the longest idle one is dropped. */
const MOST_RULES = 1000;

interface RuleBuckets {
  readonly buckets: TokenBuckets;
  /** Time at which all buckets are full unless a token is taken: a full bucket has no more information than none. */
  fullAt: number;
}

interface Lent extends Pick<Loan, 'tokens'> {
  readonly rule: SharedRule;
  readonly key: string;
  readonly overdueAt: number;
}

/** The parent's end. */
export class ServiceBuckets {
  /** Buckets by the rule's id, in the order of use. */
  readonly #rules = new Map<string, RuleBuckets>();
  #keys = 0;
  /** By id, in the order in which they are overdue. */
  readonly #loans = new Map<number, Lent>();
  #lastLoan = 0;

  /**
   * Applies what a worker has taken by itself, then takes a token for each take. The only worker gets what is left, which it takes
   * by itself from then on; one of several borrows a part of it. `now` in milliseconds.
   */
  exchange(
    { takes, used, settled }: TokenQuestion,
    now: number,
    workers: number,
  ): { readonly taken: TakenOf[]; readonly isAlone: boolean } {
    for (const [rule, key, tokens] of used) this.#change(rule, now, (buckets) => buckets.spend(key, tokens, now));
    for (const [id, unused] of settled) this.#settle(id, unused, now);
    for (const [id, { overdueAt }] of this.#loans) {
      if (overdueAt > now) break;
      this.#settle(id, 0, overdueAt);
    }
    const isAlone = workers === 1;
    const lentTo = new Set<string>();
    const taken = takes.map(([rule, key, patienceMs]): TakenOf => {
      const { waitMs, left, resetMs } = this.#change(rule, now, (buckets) => buckets.take(key, now, patienceMs));
      const name = `${key} ${rule.id}`;
      if (isAlone || left < LEAST_LENT || lentTo.has(name)) return [waitMs, left, resetMs];
      const loan = this.#lend(rule, key, now, workers);
      if (loan === undefined) return [waitMs, left, resetMs];
      lentTo.add(name);
      return [waitMs, left, resetMs, loan];
    });
    return { taken, isAlone };
  }

  #lend(rule: SharedRule, key: string, now: number, workers: number): Loan | undefined {
    const tokens = this.#change(rule, now, (buckets) => buckets.lend(key, workers, LEAST_LENT, now));
    if (tokens === 0) return undefined;
    const id = ++this.#lastLoan;
    this.#loans.set(id, { rule, key, tokens, overdueAt: now + OVERDUE_MS });
    // A rule with a loan is not dropped: its buckets are full only together with that.
    const of = this.#bucketsOf(rule);
    of.fullAt = Math.max(of.fullAt, now + OVERDUE_MS);
    return { id, tokens };
  }

  /** A loan that is overdue was used. */
  #settle(id: number, unused: number, now: number): void {
    const loan = this.#loans.get(id);
    if (loan === undefined) return;
    this.#loans.delete(id);
    const { rule, key, tokens } = loan;
    this.#change(rule, now, (buckets) => buckets.settle(key, tokens, Math.min(tokens, Math.max(0, unused)), now));
  }

  /** Changes buckets of a rule within the limits of all. */
  #change<T>(rule: SharedRule, now: number, change: (buckets: TokenBuckets) => T): T {
    const of = this.#bucketsOf(rule);
    const before = of.buckets.size;
    const result = change(of.buckets);
    this.#keys += of.buckets.size - before;
    if (this.#keys > MOST_KEYS) this.#forgetOne();
    of.fullAt = Math.max(of.fullAt, now + of.buckets.resetMs);
    return result;
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

/** Time without a response after which the parent counts as silent. Requests wait for it that long. */
const SILENT_MS = 1000;
/** Result of a take that only the parent could grant, while it is silent: a worker does not know what others have taken. */
const REFUSED: Taken = Object.freeze({ granted: false, waitMs: SILENT_MS, left: 0, resetMs: SILENT_MS });
/** Time after which the parent knows of tokens that a worker has taken by itself. */
const REPORT_MS = 250;
/** Most takes of one question. */
const TAKES = 1000;
/** Longest id of a rule, and longest key, in characters. */
const KEY_CHARACTERS = 64;
/** Most takes that wait for the next question: if the parent is that late, further takes are refused. */
const MOST_WAITING = 10 * TAKES;

interface Waiting {
  readonly rule: SharedRule;
  readonly key: string;
  readonly patienceMs: number;
  readonly resolve: (taken: Taken) => void;
}

interface Asked {
  readonly takes: readonly Waiting[];
  readonly timer: NodeJS.Timeout;
  /** By `performance.now()`. */
  readonly at: number;
  /** True if its takes were refused; the response is still expected. */
  late: boolean;
}

/** The worker's end. */
export class ParentBuckets implements SharedBuckets {
  readonly #send: (message: ToParent) => void;
  #waiting: Waiting[] = [];
  #asked: Asked | undefined;
  #planned = false;
  #reporting: NodeJS.Timeout | undefined;
  readonly #lots = new TokenLots();
  readonly #lent = new LentTokens();
  /** Each rule as sent to the parent: the same object each time, so that a question contains it once. */
  readonly #rules = new WeakMap<SharedRule, SharedRule>();

  constructor(send: (message: ToParent) => void) {
    this.#send = send;
  }

  get isSilent(): boolean {
    return this.#asked !== undefined && performance.now() - this.#asked.at >= SILENT_MS;
  }

  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken> | Taken {
    const [told, name, now] = [this.#told(rule), short(key), performance.now()];
    const own = this.#own(told, name, now, patienceMs);
    if (own !== undefined) {
      this.#report();
      return own;
    }
    if (this.#asked?.late === true || this.#waiting.length >= MOST_WAITING) return REFUSED;
    return new Promise((resolve) => {
      this.#waiting.push({ rule: told, key: name, patienceMs, resolve });
      if (this.#asked === undefined) this.#plan();
    });
  }

  #own(rule: SharedRule, key: string, now: number, patienceMs: number): Taken | undefined {
    return this.#lots.take(rule, key, now, patienceMs) ?? this.#lent.take(rule, key, now);
  }

  /** Handles the parent's response; `isAlone`: this is the only worker, which has whole buckets. */
  answered(taken: readonly TakenOf[], isAlone: boolean): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    this.#asked = undefined;
    if (!isAlone) this.#lots.share();
    const now = performance.now();
    for (const [at, { rule, key, patienceMs, resolve }] of asked.takes.entries()) {
      const [waitMs, left, resetMs, loan] = taken[at]!;
      const result = { granted: waitMs <= patienceMs, waitMs, left, resetMs };
      // The request was refused meanwhile: the parent has its token back before it is asked again.
      if (asked.late && result.granted) this.#lots.giveBack(rule, key);
      if (isAlone && !asked.late) this.#lots.add(rule, key, left, now);
      else if (loan !== undefined) this.#lent.add(rule, key, loan, asked.at, result);
      resolve(result);
    }
    if (this.#waiting.length > 0 || this.#lots.owes) this.#plan();
    else this.#report();
  }

  /** Called when another worker starts: from now on the parent has the buckets. */
  share(): void {
    this.#lots.share();
    if (this.#asked === undefined) this.#ask();
  }

  /** Sends at the end of this turn of the event loop, together with takes of its other requests. */
  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => {
      this.#planned = false;
      // The timer of reports may have asked meanwhile; the response to it plans the next question.
      if (this.#asked === undefined) this.#ask();
    });
  }

  /** Soon tells the parent what this process has taken by itself. */
  #report(): void {
    if (this.#reporting !== undefined) return;
    this.#reporting = setTimeout(() => {
      this.#reporting = undefined;
      if (this.#asked === undefined) this.#ask();
    }, REPORT_MS).unref();
  }

  #ask(): void {
    const now = performance.now();
    // The response for others may have brought a bucket: the parent, which does not know its present state, must not grant from it too.
    const takes = this.#waiting.splice(0, TAKES).filter(({ rule, key, patienceMs, resolve }) => {
      const own = this.#own(rule, key, now, patienceMs);
      if (own !== undefined) resolve(own);
      return own === undefined;
    });
    const used = this.#lots.changes(TAKES);
    const settled = this.#lent.settled(TAKES, now);
    if (used.length === 0 && settled.length === 0 && takes.length === 0) {
      if (this.#waiting.length > 0) this.#plan();
      else if (this.#lent.size > 0) this.#report();
      return;
    }
    // A response that arrived while this process was busy is read before that.
    const timer = setTimeout(() => setImmediate(() => this.#giveUp(asked)), SILENT_MS).unref();
    const asked: Asked = { takes, late: false, timer, at: now };
    this.#asked = asked;
    this.#send({
      kind: 'take',
      takes: takes.map(({ rule, key, patienceMs }) => [rule, key, patienceMs]),
      used,
      settled,
    });
  }

  #told(rule: SharedRule): SharedRule {
    const { id, rate, burst, maxKeys } = rule;
    const told = this.#rules.get(rule) ?? { id: short(id), rate, burst, maxKeys };
    this.#rules.set(rule, told);
    return told;
  }

  /** Refuses the takes, and those until the response arrives. */
  #giveUp(asked: Asked): void {
    if (this.#asked !== asked) return;
    asked.late = true;
    for (const { resolve } of [...asked.takes, ...this.#waiting.splice(0)]) resolve(REFUSED);
  }
}

/** Returns the text as one byte for each character; the digest of a long one. */
function short(text: string): string {
  if (text.length <= KEY_CHARACTERS && /^[\x20-\x7e]*$/.test(text)) return text;
  return createHash('sha256').update(text).digest('base64url');
}

// Buckets that a worker has itself while it is the only one of its service: it tells the parent what it has taken, and few requests wait.

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

  /** Returns a token that the parent granted too late. */
  giveBack(rule: SharedRule, key: string): void {
    this.#owed.push([rule, key, -1]);
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

/** Time for which a worker uses lent tokens. */
const LENT_MS = 1000;
/** Time after which the parent counts a loan that was not settled, because its worker is slow or has ended, as used. */
const OVERDUE_MS = 3000;

interface LentTake {
  readonly id: number;
  /** Tokens that the parent has left, and the time when the bucket is full. */
  readonly left: number;
  readonly fullAt: number;
  readonly until: number;
  readonly tokens: number;
  used: number;
}

/**
 * Tokens that the parent lends to one of several workers. Lent tokens have left the bucket, which refills only up to its burst without
 * them: all workers together never grant more than the rule allows. All times in milliseconds.
 */
export class LentTokens {
  /** In the order in which they end. */
  readonly #lent = new Map<string, LentTake>();
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

  /** `asked`: the time of the question to which this loan is a response; `taken` is the rest of that response. */
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

  #settle(name: string, { id, tokens, used }: LentTake): void {
    this.#lent.delete(name);
    this.#settled.push([id, tokens - used]);
  }
}
