/** Values that the processes of a service leave to those that replace them. */
import type { LastRuns } from '../tasks/internal.js';
import { workerLink } from './worker-link.js';

/** Values by key, which outlive a worker and a reload, and end with the application. In workers they are copied: plain data and dates. */
export interface KeptValues {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

/** Key of the service's record in the registry. */
export const RECORD_KEY = 'record';

/** Returns the schedules of a worker's periodic tasks in the values of its service. */
export function lastRunsIn(kept: KeptValues, workerId: number): LastRuns {
  const keyOf = (task: string): string => `task ${workerId} ${task}`;
  return {
    now: () => Date.now(),
    get: (task) => kept.get(keyOf(task)) as number | undefined,
    set: (task, at) => kept.set(keyOf(task), at),
  };
}

/** Returns the values of this worker's service, which its parent keeps; undefined in a process that is not a worker of a launcher. */
export function keptByParent(): KeptValues | undefined {
  return workerLink<{ readonly kept?: KeptValues }>()?.kept;
}
