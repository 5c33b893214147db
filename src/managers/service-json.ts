/** A registered service, as operators see it. */
import type { ServiceView } from '../service/internal.js';

/** JSON of a service for operators. */
export type ServiceJson = ReturnType<typeof serviceJson>;

/** Returns a service as JSON for operators. `updated_at` is the last change, `last_seen_up` the last heartbeat. */
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
