/**
 * The stop of all services of this process, side by side, on one clock.
 */
import { pause } from '../../tasks/internal.js';
import type { ServiceRun, StopRequest } from './service-run.js';

/** Circumstances that the stop of all services depends on. */
interface StopCircumstances {
  /** How long the services say that they are not ready any more, before they stop accepting. Part of the deadline. */
  readonly drainDelayMs: number;
  /** Raised when another stop, which has less time, takes this one's place. */
  readonly superseded: AbortSignal;
  /** Ends a process whose event loop is stuck soon after so many milliseconds; 0: it need not any more. */
  killAfter(ms: number): void;
  /** Told of what goes on in spite of the deadline. */
  leaveBehind(work: Promise<unknown>): void;
}

/**
 * Stops all of them: asked in the order they were launched, they drain side by side, so that none goes on accepting behind
 * another. One clock for all of it. True when everything under way came to its end, or it is another stop's affair by now.
 */
export async function stopServices(
  runs: readonly ServiceRun[],
  request: StopRequest,
  { drainDelayMs, superseded, killAfter, leaveBehind }: StopCircumstances,
): Promise<boolean> {
  const limits = runs.map((run) => run.timeoutMs(request));
  // One may take for ever.
  const longestMs = limits.includes(0) ? 0 : Math.max(request.limitMs ?? request.timeoutMs, ...limits);
  killAfter(longestMs);
  const began = performance.now();
  // A crash does not wait, and a service that never served is in no load balancer's list.
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
