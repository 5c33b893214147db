/**
 * Time that messages spent in their queues, by the send times of their senders: clocks of two hosts differ, and the difference does not
 * count as waiting.
 */
import type { Clock } from 'portico/tasks';
import type { RequestEnvelope } from '../message/envelope.js';

/** Validity of the least age of a sender's messages: clocks drift. */
const KEEP_MS = 300_000;
/** Number of senders that are remembered. */
const MOST = 1000;

interface Ages {
  /** Least age of the last period, and of this one. */
  before: number;
  least: number;
  since: number;
}

/**
 * Records the least age of each sender's messages: such a message did not wait, so its age is the difference of the clocks plus the
 * transfer. A sender's first message counts as one that did not wait.
 */
export class SenderClocks {
  /** By reply address, the most recent at the end. */
  readonly #ages = new Map<string, Ages>();
  /** Wall clock of this process at its start: setting the clock does not count as waiting either. */
  readonly #began: number;

  constructor(clock: Clock, wallMs: number = Date.now()) {
    this.#began = wallMs - clock.now();
  }

  /**
   * Returns the time at which the caller stops waiting, by the clock. The message arrived at `now` with the caller's limit, part of which
   * may have passed.
   */
  deadlineOf({ deadline, sent, reply }: RequestEnvelope, now: number): number | undefined {
    if (deadline === undefined) return undefined;
    const waited = sent === undefined || reply === undefined ? 0 : this.#waitedMs(reply.to, sent, now);
    // The broker delivers no message that waited longer: the sender's clock was set.
    return now + deadline - (waited <= deadline ? waited : 0);
  }

  /** `sent`: in milliseconds since 1970, by the sender's clock. */
  #waitedMs(sender: string, sent: number, now: number): number {
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
