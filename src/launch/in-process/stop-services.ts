/**
 * The graceful stop of the services of one process.
 */
import { Worker } from 'node:worker_threads';
import { STATUS_FAILED, STATUS_STOPPED } from '../exit-status.js';
import { pause } from '../waiting.js';
import type { ServiceRun, StopRequest } from './service-run.js';

/** What a stop depends on. */
export interface StopCircumstances {
  /** How long the services say that they are not ready any more, before they stop accepting. Part of the deadline. */
  readonly drainDelayMs: number;
  /** No supervisor ends this process should its event loop be stuck. */
  readonly alone: boolean;
  /** Raised when another stop, which has less time, takes this one's place. */
  readonly superseded: AbortSignal;
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
  { drainDelayMs, alone, superseded, leaveBehind }: StopCircumstances,
): Promise<boolean> {
  // A supervisor does this for its workers.
  const spare = alone ? killAfter(longest(runs, request)) : () => undefined;
  const began = performance.now();
  // A crash does not wait, and a service that never served is in no load balancer's list.
  const known = runs.some(({ wasReady }) => wasReady);
  if (known && request.reason === 'stop' && request.limitMs === undefined && drainDelayMs > 0) {
    for (const run of runs) run.service.markDraining?.();
    await pause(request.timeoutMs === 0 ? drainDelayMs : Math.min(drainDelayMs, request.timeoutMs), superseded);
    if (superseded.aborted) {
      spare();
      return true;
    }
  }
  const spentMs = performance.now() - began;
  const stops = runs.map((run) => run.stop({ ...request, spentMs }));
  const clean = (await Promise.all(stops)).every(Boolean);
  spare();
  for (const { hung } of runs) if (hung !== undefined) leaveBehind(hung);
  return clean;
}

/** The status of a process whose services were stopped: what one of them chose, else whether all ended `clean`. */
export function statusOfStop(runs: readonly ServiceRun[], clean: boolean): number {
  const chosen = runs.find(({ exitStatus }) => exitStatus !== undefined)?.exitStatus;
  return chosen ?? (clean ? STATUS_STOPPED : STATUS_FAILED);
}

/** The longest that any service may take to stop; 0: one may take for ever. */
function longest(runs: readonly ServiceRun[], request: StopRequest): number {
  const all = runs.map((run) => run.timeoutMs(request));
  return all.includes(0) ? 0 : Math.max(request.limitMs ?? request.timeoutMs, ...all);
}

/** After the deadline the process has so much more to end by itself. */
const GRACE_MS = 1000;

/**
 * Kills the process a second after `timeoutMs`, unless the function it gives is called first: by a thread, which needs no
 * event loop of its own, should that of the process be stuck. 0: never.
 */
function killAfter(timeoutMs: number): () => void {
  if (timeoutMs === 0) return () => undefined;
  const thread = new Worker(THREAD, {
    eval: true,
    workerData: timeoutMs + GRACE_MS,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 },
  });
  thread.on('error', () => undefined);
  thread.unref();
  return () => void thread.terminate();
}

const THREAD = `const { workerData } = require('node:worker_threads');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, workerData);
process.kill(process.pid, 'SIGKILL');`;
