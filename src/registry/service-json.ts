/**
 * A service as JSON, for operators: the admin listener, the command line.
 */
import type { ServiceView } from './service-registry.js';

/** What operators are shown of a service. `updated_at` is the last change, `last_seen_up` the last heartbeat. */
export interface ServiceJson {
  readonly id: string;
  readonly host: string;
  readonly binary: string;
  readonly topic: string | null;
  readonly zone: string | null;
  readonly version: number;
  readonly status: 'enabled' | 'disabled';
  readonly disabled_reason: string | null;
  readonly state: 'up' | 'down' | 'unknown';
  readonly lifecycle: string;
  readonly forced_down: boolean;
  readonly last_seen_up: string | null;
  readonly updated_at: string | null;
  readonly report_count: number;
  readonly workers: readonly {
    readonly worker: number;
    readonly pid: number;
    readonly state: 'up' | 'down';
    readonly last_seen_up: string;
    readonly in_flight: number;
  }[];
}

export function serviceJson({ record, state, workers }: ServiceView): ServiceJson {
  return {
    id: record.uuid,
    host: record.host,
    binary: record.binary,
    topic: record.topic,
    zone: record.zone,
    version: record.version,
    status: record.disabled ? 'disabled' : 'enabled',
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
      state: up ? 'up' : 'down',
      last_seen_up: lastSeenUp.toISOString(),
      in_flight: inFlight,
    })),
  };
}
