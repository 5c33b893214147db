/**
 * Stop of all services of this process, concurrently, with one deadline.
 */
import { pause } from '../../tasks/internal.js';
import type { ServiceRun, StopRequest } from './service-run.js';

/** Circumstances of the stop. */
interface StopCircumstances {
  /**
   * Time for which services report that they are not ready before they stop accepting connections. Part of the
   * deadline.
   */
  readonly drainDelayMs: number;
  /** Aborted when another stop with less time replaces this one. */
  readonly superseded: AbortSignal;
  /** Ends a process with a stuck event loop shortly after this time; 0 cancels. */
  killAfter(ms: number): void;
  /** Called with work that continues after the deadline. */
  leaveBehind(work: Promise<unknown>): void;
}

/**
 * Stops all services concurrently, in the order of their launch, so that none continues to accept while another drains.
 * One deadline applies to all. Returns true if all requests in progress ended, or another stop has replaced this one.
 */
export async function stopServices(
  runs: readonly ServiceRun[],
  request: StopRequest,
  { drainDelayMs, superseded, killAfter, leaveBehind }: StopCircumstances,
): Promise<boolean> {
  const limits = runs.map((run) => run.timeoutMs(request));
  // A service may have no limit.
  const longestMs = limits.includes(0) ? 0 : Math.max(request.limitMs ?? request.timeoutMs, ...limits);
  killAfter(longestMs);
  const began = performance.now();
  // After a crash there is no delay, and a service that never served is in no load balancer's list.
  const known = runs.some(({ wasReady }) => wasReady);
  if (known && request.reason === 'stop' && request.limitMs === undefined && drainDelayMs > 0) {
    for (const run of runs) run.service.markDraining?.();
    await pause(request.timeoutMs === 0 ? drainDelayMs : Math.min(drainDelayMs, request.timeoutMs), {
      signal: superseded,
    });
    if (superseded.aborted) return true;
  }
  const spentMs = performance.now() - began;
  const stops = runs.map((run) => run.stop({ ...request, spentMs }));
  const clean = (await Promise.all(stops)).every(Boolean);
  if (!superseded.aborted) killAfter(0);
  for (const { goesOn } of runs) if (goesOn !== undefined) leaveBehind(goesOn);
  return clean;
}
