/**
 * View of a service, for others and for operators: whether it is up, and its whole record.
 */
import type { ServiceRecord } from '../service/index.js';
import type { RecordFilter, WorkerRow } from './service-store.js';

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

/** A service as operators see it: the record, its workers, and whether it is up. */
export interface ServiceView {
  readonly record: ServiceRecord;
  readonly state: Liveness;
  readonly workers: readonly (WorkerRow & { readonly up: boolean })[];
}

/** Selection of views. */
export interface ViewFilter extends RecordFilter {
  readonly state?: Liveness;
  readonly status?: 'enabled' | 'disabled';
}

/** JSON of a service for operators. */
export type ServiceJson = ReturnType<typeof serviceJson>;

/** A service as JSON, for operators. `updated_at` is the last change, `last_seen_up` the last heartbeat. */
export function serviceJson({ record, state, workers }: ServiceView) {
  return {
    id: record.uuid,
    host: record.host,
    binary: record.binary,
    topic: record.topic,
    zone: record.zone,
    version: record.version,
    status: record.disabled ? ('disabled' as const) : ('enabled' as const),
    disabled_reason: record.disabledReason,
    state,
    lifecycle: record.state,
    forced_down: record.forcedDown,
    last_seen_up: record.lastSeenUp?.toISOString() ?? null,
    updated_at: record.updatedAt?.toISOString() ?? null,
    report_count: record.reportCount,
    workers: workers.map(({ worker, pid, up, lastSeenUp, inFlight }) => ({
      worker,
      pid,
      state: up ? ('up' as const) : ('down' as const),
      last_seen_up: lastSeenUp.toISOString(),
      in_flight: inFlight,
    })),
  };
}
