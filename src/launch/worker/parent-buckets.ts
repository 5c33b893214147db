/**
 * The worker's end of the token buckets that its parent has for all workers of its service.
 *
 * A worker asks one question at a time: what comes meanwhile is in the next. So a busy worker asks larger questions, not
 * more of them, and its parent can take one that does otherwise for a hostile one.
 */
import { createHash } from 'node:crypto';
import type { SharedBuckets, SharedRule, Taken } from '../../service/internal.js';
import { TAKE_ID, TAKE_KEY, TAKES, type TakenOf, type ToParent } from '../assignment.js';

/** After so long a question is no longer waited for. */
const ANSWER_MS = 100;
/** So many takes wait for the next questions: a parent that is this far behind is not asked more. */
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
  /** Its takes are settled; the answer is still waited for. */
  late: boolean;
}

export class ParentBuckets implements SharedBuckets {
  readonly #send: (message: ToParent) => void;
  #waiting: Waiting[] = [];
  #asked: Asked | undefined;
  #planned = false;

  constructor(send: (message: ToParent) => void) {
    this.#send = send;
  }

  take(rule: SharedRule, key: string, patienceMs: number): Promise<Taken | undefined> | undefined {
    if (this.#asked?.late === true || this.#waiting.length >= MOST_WAITING) return undefined;
    return new Promise((resolve) => {
      this.#waiting.push({ rule, key: short(key, TAKE_KEY), patienceMs, resolve });
      if (this.#asked === undefined) this.#plan();
    });
  }

  /** The answer of the parent: for each take the time to wait, the tokens left and the time until the bucket is full. */
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

  /** At the end of this turn of the event loop: what its other requests ask goes along. */
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
    const rules = [...new Set(takes.map(({ rule }) => rule))];
    const numbers = new Map(rules.map((rule, at) => [rule, at]));
    // An answer that came while this process was busy is read in the turn before.
    const timer = setTimeout(() => setImmediate(() => this.#giveUp(asked)), ANSWER_MS).unref();
    const asked: Asked = { takes, late: false, timer };
    this.#asked = asked;
    this.#send({
      kind: 'take',
      question: {
        rules: rules.map(({ id, rate, burst, maxKeys }) => ({ id: short(id, TAKE_ID), rate, burst, maxKeys })),
        takes: takes.map(({ rule, key, patienceMs }) => [numbers.get(rule)!, key, patienceMs]),
      },
    });
  }

  /** They are counted elsewhere then, and so is what comes until the answer is there. */
  #giveUp(asked: Asked): void {
    if (this.#asked !== asked) return;
    asked.late = true;
    for (const { resolve } of [...asked.takes, ...this.#waiting.splice(0)]) resolve(undefined);
  }
}

/** As one byte a character, and no longer than the parent takes it. */
function short(text: string, length: number): string {
  if (text.length <= length && /^[\x20-\x7e]*$/.test(text)) return text;
  return createHash('sha256').update(text).digest('base64url');
}
