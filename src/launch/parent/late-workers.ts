/** Workers that are late with a heartbeat or with their start, by the seconds that their supervisor has counted. */
import { readFileSync } from 'node:fs';
import { ignoreErrors } from '../../errors/index.js';
import type { Fault } from '../exit-status.js';
import type { WorkerHandle } from './worker-handle.js';
import { isStarting } from './worker-state.js';

/** Reports whether a worker is idle, and its next heartbeat is not late. */
export function isAtRest({ beat, serving }: WorkerHandle): boolean {
  return beat.rests && serving && beat.silentSeconds <= 0;
}

/** Counts the seconds since the last look. */
export function countSeconds(worker: WorkerHandle, seconds: number): void {
  if (worker.state !== 'waiting') worker.ageSeconds += seconds;
  worker.beat.count(seconds);
}

/** Returns the reason to kill a worker that is silent, or starts too slowly. `timeoutMs`: `worker_timeout`; 0: no limit. */
export function faultOf(worker: WorkerHandle, timeoutMs: number): Fault | undefined {
  return hungFault(worker, timeoutMs) ?? lateFault(worker);
}

/** Reads the state of a process, which follows its name in parentheses: proc_pid_stat(5). */
export function isSuspended(pid: number | undefined): boolean {
  const stat = ignoreErrors(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

function hungFault({ pid, beat: { silentSeconds } }: WorkerHandle, timeoutMs: number): Fault | undefined {
  if (timeoutMs === 0 || silentSeconds * 1000 <= timeoutMs) return undefined;
  const why = isSuspended(pid) ? ' (stopped by SIGSTOP)' : '';
  return { reason: 'stuck', what: `sent no heartbeat for ${timeoutMs / 1000} s${why}` };
}

/** A start is limited by the configuration that it proves or serves. One that is called off has its own limit. */
function lateFault({ state, ageSeconds, startTimeoutMs }: WorkerHandle): Fault | undefined {
  if (!isStarting(state) || startTimeoutMs === 0 || ageSeconds * 1000 <= startTimeoutMs) return undefined;
  const hint = 'If it needs that long, increase worker_start_timeout.';
  return { reason: 'start', what: `did not start within ${startTimeoutMs / 1000} s`, hint };
}
