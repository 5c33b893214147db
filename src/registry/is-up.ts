/**
 * Who counts as up.
 */
import type { ServiceRecord } from '../service/index.js';

/** `unknown`: it promised no heartbeats, so this cannot be told; it is never called down for their absence. */
export type Liveness = 'up' | 'down' | 'unknown';

type Judged = Pick<ServiceRecord, 'forcedDown' | 'state' | 'reportInterval' | 'lastSeenUp' | 'createdAt' | 'downTime'>;

/**
 * Whether a service is up, at `now` by the registry's clock. An operator's word and the service's own goodbye count at
 * once; else the last heartbeat, or the record's making, is at most `downTime` away, in either direction.
 */
export function liveness(record: Judged, now: Date): Liveness {
  if (record.forcedDown || record.state === 'stopped') return 'down';
  if (record.reportInterval === 0) return 'unknown';
  return Math.abs(heartbeatAge(record, now)) <= record.downTime * 1000 ? 'up' : 'down';
}

/** True for a service that is not down. */
export function isUp(record: Judged, now: Date): boolean {
  return liveness(record, now) !== 'down';
}

/** True when the last heartbeat lies so far ahead that a clock must be wrong. */
export function isFromTheFuture(record: Judged, now: Date): boolean {
  return record.reportInterval !== 0 && heartbeatAge(record, now) < -record.downTime * 1000;
}

/** Seconds after which a service that beats every `reportInterval` counts as down: at least one beat may be missed. */
export function correctedDownTime(downTime: number, reportInterval: number): number {
  return downTime <= reportInterval ? Math.floor(reportInterval * 2.5) : downTime;
}

function heartbeatAge(record: Judged, now: Date): number {
  return now.getTime() - (record.lastSeenUp ?? record.createdAt).getTime();
}
