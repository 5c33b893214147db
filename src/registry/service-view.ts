/**
 * View of a service for other services and for operators: whether it is up, and its whole record.
 */

import type { Liveness, ServiceView } from '../managers/index.js';
import type { ServiceRecord } from '../service/index.js';

type HeartbeatFields = Pick<
  ServiceRecord,
  'forcedDown' | 'state' | 'reportInterval' | 'lastSeenUp' | 'createdAt' | 'downTime'
>;

/**
 * Returns whether a service is up at `now` by the registry's clock. A forced state and a sign-off apply at once;
 * otherwise the last heartbeat, or the creation of the record, must be at most `downTime` away, in either direction.
 */
export function liveness(record: HeartbeatFields, now: Date): Liveness {
  if (record.forcedDown || record.state === 'stopped') return 'down';
  if (record.reportInterval === 0) return 'unknown';
  return Math.abs(heartbeatAge(record, now)) <= record.downTime * 1000 ? 'up' : 'down';
}

/** Reports whether a service is not down. */
export function isUp(record: HeartbeatFields, now: Date): boolean {
  return liveness(record, now) !== 'down';
}

/** Reports whether the last heartbeat is so far in the future that a clock must be wrong. */
export function isFromTheFuture(record: HeartbeatFields, now: Date): boolean {
  return record.reportInterval !== 0 && heartbeatAge(record, now) < -record.downTime * 1000;
}

/**
 * Returns the seconds after which a service with this `reportInterval` counts as down: at least one heartbeat may be
 * missed.
 */
export function correctedDownTime(downTime: number, reportInterval: number): number {
  return downTime <= reportInterval ? Math.floor(reportInterval * 2.5) : downTime;
}

function heartbeatAge(record: HeartbeatFields, now: Date): number {
  return now.getTime() - (record.lastSeenUp ?? record.createdAt).getTime();
}

/**
 * Returns the workers without those that a killed process has left: their rows stay for a day, and one without heartbeats is down. A worker
 * that is down beside others of the same process, or beside none that is up, is kept.
 */
export function withoutLeftOver<T extends Pick<ServiceView['workers'][number], 'instanceId' | 'up'>>(
  workers: readonly T[],
): readonly T[] {
  const serving = new Set(workers.filter(({ up }) => up).map(({ instanceId }) => instanceId));
  return serving.size === 0 ? workers : workers.filter(({ instanceId }) => serving.has(instanceId));
}
