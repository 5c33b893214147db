/** Reason and deadline of a stop over all requests for it: a later request can only leave less time. */
import type { StopReason } from '../../service/index.js';

/** Reasons of a stop; each leaves less time to idle connections than those before it. */
const URGENCY: readonly StopReason[] = ['replaced', 'hurried', 'reload', 'stop'];

export class StopTerms {
  reason: StopReason | undefined;
  /** Option that sets the deadline. */
  limit: 'drain_timeout' | 'graceful_shutdown_timeout' = 'graceful_shutdown_timeout';
  /** On the monotonic clock. */
  #endsAt = Number.POSITIVE_INFINITY;

  /** Milliseconds until the deadline; undefined without one. */
  get leftMs(): number | undefined {
    return this.#endsAt === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.#endsAt - performance.now());
  }

  /**
   * Adds a request, whose deadline the option `limit` sets; 0 milliseconds: no limit. Returns the terms from now on;
   * undefined if nothing changes.
   */
  tighten(
    reason: StopReason,
    timeoutMs: number,
    limit: StopTerms['limit'] = 'graceful_shutdown_timeout',
  ): { reason: StopReason; timeoutMs: number } | undefined {
    const now = performance.now();
    const endsAt = timeoutMs === 0 ? Number.POSITIVE_INFINITY : now + timeoutMs;
    const sooner = endsAt < this.#endsAt;
    const before = this.reason;
    if (sooner) [this.#endsAt, this.limit] = [endsAt, limit];
    if (before === undefined || URGENCY.indexOf(reason) > URGENCY.indexOf(before)) this.reason = reason;
    if (!sooner && before === this.reason) return undefined;
    const leftMs = this.#endsAt === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.round(this.#endsAt - now));
    return { reason: this.reason ?? reason, timeoutMs: leftMs };
  }
}
