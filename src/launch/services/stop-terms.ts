/** Reason and deadline of a stop over all requests for it: a later request can only leave less time. */
import type { StopReason } from '../../service/index.js';

/** Reasons of a stop; each leaves less time to idle connections than those before it. */
const URGENCY: readonly StopReason[] = ['replaced', 'hurried', 'stop'];

export class StopTerms {
  reason: StopReason | undefined;
  /** On the monotonic clock. */
  #endsAt = Number.POSITIVE_INFINITY;

  /**
   * Adds a request; 0 milliseconds: no limit. Returns the terms from now on, and whether the deadline is a new one;
   * undefined if nothing changes.
   */
  tighten(
    reason: StopReason,
    timeoutMs: number,
  ): { reason: StopReason; timeoutMs: number; sooner: boolean } | undefined {
    const now = performance.now();
    const endsAt = timeoutMs === 0 ? Number.POSITIVE_INFINITY : now + timeoutMs;
    const sooner = endsAt < this.#endsAt;
    const before = this.reason;
    if (sooner) this.#endsAt = endsAt;
    if (before === undefined || URGENCY.indexOf(reason) > URGENCY.indexOf(before)) this.reason = reason;
    if (!sooner && before === this.reason) return undefined;
    const leftMs = this.#endsAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.round(this.#endsAt - now));
    return { reason: this.reason ?? reason, timeoutMs: leftMs, sooner };
  }
}
