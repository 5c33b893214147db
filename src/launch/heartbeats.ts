/** Times of the heartbeats that a worker sends, and that its parent expects. */

/** Interval of heartbeats in milliseconds, unless a worker announces a longer one. */
export const BEAT_MS = 1000;
/** Time without two heartbeats. */
export const SILENT_MS = 2500;
/** Longest announced interval that counts: a worker that is suspended at rest is noticed after it. */
const LONGEST_REST_MS = 10_000;

/** Returns the time by which the next heartbeat comes later than usual, in milliseconds; 0 if it does not. */
export function restMs(nextMs = BEAT_MS): number {
  return Math.min(Math.max(nextMs, BEAT_MS), LONGEST_REST_MS) - BEAT_MS;
}
