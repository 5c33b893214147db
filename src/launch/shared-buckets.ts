/**
 * Token buckets shared by the workers of one service: they live in the parent, and outlive workers and reloads. Each take is asked there, so
 * that all workers together never grant more than the rule allows.
 *
 * A worker has one question in flight; takes that arrive meanwhile go into the next one. So a busy worker sends larger
 * questions, not more of them.
 */
import { createHash } from 'node:crypto';
import type { ServiceBuckets, SharedBuckets, SharedRule, Taken } from '../service/internal.js';
import type { Take, TakenOf, ToParent } from './worker-message.js';

/** Takes a token for each take of a worker, in the parent. `now` in milliseconds. */
export function takeEach(buckets: ServiceBuckets, takes: readonly Take[], now: number): TakenOf[] {
  return takes.map(([rule, key, patienceMs]): TakenOf => {
    const { waitMs, left, resetMs } = buckets.take(rule, key, patienceMs, now);
    return [waitMs, left, resetMs];
  });
}

/** Takes back the tokens of these takes of a worker, in the parent. */
export function giveBackEach(buckets: ServiceBuckets, takes: readonly Take[]): void {
  for (const [rule, key] of takes) buckets.giveBack(rule, key);
}

/** Time without a response after which the parent counts as silent. Requests wait for it that long. */
const SILENT_MS = 1000;
/** Result of a take that only the parent could grant, while it is silent: a worker does not know what others have taken. */
const REFUSED: Taken = Object.freeze({ granted: false, waitMs: SILENT_MS, left: 0, resetMs: SILENT_MS });
/** Most takes of one question. */
const TAKES = 1000;
/** Longest id of a rule, and longest key, in characters. */
const KEY_CHARACTERS = 64;
/** Most takes that wait for the next question: if the parent is that late, further takes are refused. */
const MOST_WAITING = 10 * TAKES;

interface Waiting {
  readonly take: Take;
  readonly resolve: (taken: Taken) => void;
}

interface Asked {
  readonly takes: readonly Waiting[];
  readonly timer: NodeJS.Timeout;
  /** By `performance.now()`. */
  readonly at: number;
  /** True if its takes were refused; the response is still expected, and tokens that it brings are given back. */
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

  get isSilent(): boolean {
    return this.#asked !== undefined && performance.now() - this.#asked.at >= SILENT_MS;
  }

  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken> | Taken {
    if (this.#asked?.late === true || this.#waiting.length >= MOST_WAITING) return REFUSED;
    return new Promise((resolve) => {
      this.#waiting.push({ take: [this.#told(rule), short(key), patienceMs], resolve });
      if (this.#asked === undefined) this.#plan();
    });
  }

  /** Handles the parent's response. */
  answered(taken: readonly TakenOf[]): void {
    const asked = this.#asked;
    if (asked === undefined) return;
    clearTimeout(asked.timer);
    this.#asked = undefined;
    const unused: Take[] = [];
    for (const [at, { take, resolve }] of asked.takes.entries()) {
      const [waitMs, left, resetMs] = taken[at]!;
      const granted = waitMs <= take[2];
      if (asked.late && granted) unused.push(take);
      resolve({ granted, waitMs, left, resetMs });
    }
    if (unused.length > 0) this.#send({ kind: 'giveBack', takes: unused });
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
    // A response that arrived while this process was busy is read before that.
    const timer = setTimeout(() => setImmediate(() => this.#giveUp(asked)), SILENT_MS).unref();
    const asked: Asked = { takes, late: false, timer, at: performance.now() };
    this.#asked = asked;
    this.#send({ kind: 'take', takes: takes.map(({ take }) => take) });
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
