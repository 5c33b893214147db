/**
 * How long messages waited in their queues, by what their senders say of when they were sent: clocks of two hosts differ, and the
 * difference is no wait.
 */
import type { Clock } from '../../tasks/index.js';
import type { RequestEnvelope } from '../message/envelope.js';

/** The least age of a sender's messages counts for so long: clocks drift. */
const KEEP_MS = 300_000;
/** Senders that are known at a time. */
const MOST = 1000;

interface Ages {
  /** The least of the last period, and of this one. */
  before: number;
  least: number;
  since: number;
}

/**
 * Knows of each sender the least age that a message of its had: that one did not wait, and the rest of its age is the difference of
 * the clocks and the way. A sender's first message is taken as one that did not wait.
 */
export class SenderClocks {
  readonly #clock: Clock;
  /** By where replies go, those heard of last at the end. */
  readonly #ages = new Map<string, Ages>();
  /** The wall clock of this process, once it began: setting it is no wait either. */
  readonly #began: number;

  constructor(clock: Clock, wallMs: number = Date.now()) {
    this.#clock = clock;
    this.#began = wallMs - clock.now();
  }

  /** When the caller stops waiting, by the clock. It says how long it waits; its message may have waited a part of that. */
  deadlineOf({ deadline, sent, reply }: RequestEnvelope, now: number): number | undefined {
    if (deadline === undefined) return undefined;
    const waited = sent === undefined || reply === undefined ? 0 : this.#waitedMs(reply.to, sent);
    // The broker delivers nothing that waited for longer: the sender's clock was set.
    return now + deadline - (waited <= deadline ? waited : 0);
  }

  /** `sent`: in milliseconds since 1970, by the sender's clock. */
  #waitedMs(sender: string, sent: number): number {
    const now = this.#clock.now();
    const age = this.#began + now - sent;
    const ages = this.#ages.get(sender) ?? { before: age, least: age, since: now };
    this.#ages.delete(sender);
    this.#ages.set(sender, ages);
    if (this.#ages.size > MOST) this.#ages.delete(this.#ages.keys().next().value!);
    if (now - ages.since > KEEP_MS) {
      ages.before = ages.least;
      ages.least = age;
      ages.since = now;
    }
    ages.least = Math.min(ages.least, age);
    return age - Math.min(ages.least, ages.before);
  }
}
