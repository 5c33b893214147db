/** The metrics that serving processes count, and that the scraped process adds up for `GET /metrics`. */
import { boolean, defineOptions, oneOf } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';

/** The options in `[metrics]`. */
export const metricsOptions = defineOptions('metrics', {
  enabled: boolean({
    default: false,
    help: 'Count and time requests by method, route and status, for Prometheus at GET /metrics.',
  }),
  status: oneOf(['exact', 'class'], {
    default: 'exact',
    help: 'Status label: exact, such as 404, or class, such as 4xx.',
    advanced: true,
  }),
  filters: boolean({
    default: false,
    help: 'Also time each filter, and show the filter that a request is in. Needs enabled.',
  }),
});
const LISTENER = 'Prometheus reads /metrics of the admin listener: write [admin] listen = 127.0.0.1:9100';
writtenElsewhere(metricsOptions, {
  meant: { port: LISTENER, listen: LISTENER, host: LISTENER },
  removed: { buckets: 'durations of requests and calls have the bounds of prom-client, 5 ms to 10 s.' },
});

/** Maximum length of a label value. */
export const LABEL_CHARACTERS = 200;

/** A metric: a histogram if it has bounds, else a counter. */
export interface CountedMetric {
  readonly name: string;
  readonly help: string;
  /** Label names, without `api`, which the scraped process adds. */
  readonly labels: readonly string[];
  /** `durations`: those of {@link BUCKETS}. */
  readonly bounds?: readonly number[] | 'durations';
}

export type MetricKey =
  | 'answered'
  | 'durations'
  | 'received'
  | 'sent'
  | 'rejected'
  | 'closed'
  | 'filters'
  | 'filterErrors'
  | 'application'
  | 'logLinesLost'
  | 'callsMade'
  | 'callsServed'
  | 'callsDropped'
  | 'callsRedelivered'
  | 'callsDead'
  | 'repliesLost'
  | 'jobs';

/** Bounds for the durations of requests and calls, in seconds: those of prom-client. */
export const BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Bounds for sizes: 256 bytes to 16 MiB. */
const SIZES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** Bounds for jobs: 10 ms to an hour. */
const JOBS = [0.01, 0.1, 1, 10, 60, 300, 900, 3600];

export const COUNTED: Readonly<Record<MetricKey, CountedMetric>> = {
  answered: {
    name: 'portico_http_requests_total',
    help: 'Requests that got a response, or whose client disconnected.',
    labels: ['method', 'route', 'status'],
  },
  durations: {
    name: 'portico_http_request_duration_seconds',
    help: 'Time from before the first filter until the response begins, in seconds: a body that streams is not included.',
    labels: ['method', 'route'],
    bounds: 'durations',
  },
  received: {
    name: 'portico_http_request_bytes',
    help: 'Bytes received of request bodies.',
    labels: [],
    bounds: SIZES,
  },
  sent: {
    name: 'portico_http_response_bytes',
    help: 'Bytes sent of response bodies.',
    labels: [],
    bounds: SIZES,
  },
  rejected: {
    name: 'portico_http_rejected_requests_total',
    help: 'Requests refused before they reached an application, or because of a rate limit.',
    labels: ['reason'],
  },
  closed: {
    name: 'portico_connections_closed_total',
    help: 'Connections that the server closed without a request in progress.',
    labels: ['reason'],
  },
  filters: {
    name: 'portico_filter_duration_seconds',
    help: 'Time spent in a filter itself, before and after the inner app, in seconds.',
    labels: ['pipeline', 'filter', 'direction'],
    bounds: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  },
  filterErrors: {
    name: 'portico_filter_errors_total',
    help: 'Errors thrown by a filter itself, including those that refuse a request.',
    labels: ['pipeline', 'filter'],
  },
  application: {
    name: 'portico_application_duration_seconds',
    help: 'Time until the application of a pipeline began its response, in seconds, without the wait for the concurrency limit.',
    labels: ['pipeline'],
    bounds: 'durations',
  },
  logLinesLost: {
    name: 'portico_log_lines_lost_total',
    help: 'Log lines that could not be written.',
    labels: [],
  },
  callsMade: {
    name: 'portico_rpc_client_duration_seconds',
    help: 'Time until a remote call received its result or error, or until the broker accepted a cast, in seconds.',
    labels: ['kind', 'topic', 'method', 'outcome'],
    bounds: 'durations',
  },
  callsServed: {
    name: 'portico_rpc_server_duration_seconds',
    help: 'Run time of the method of a remote call or cast, in seconds.',
    labels: ['kind', 'topic', 'method', 'outcome'],
    bounds: 'durations',
  },
  callsDropped: {
    name: 'portico_rpc_dropped_total',
    help: 'Messages that were not processed: duplicates, calls that nothing waits for any more, or messages received while the service stopped.',
    labels: ['topic', 'reason'],
  },
  callsRedelivered: {
    name: 'portico_rpc_redelivered_total',
    help: 'Redelivered messages.',
    labels: ['topic'],
  },
  callsDead: {
    name: 'portico_rpc_dead_letters_total',
    help: 'Messages that became dead letters because they could not be read, or because a method that acknowledges late failed.',
    labels: ['topic', 'reason'],
  },
  repliesLost: {
    name: 'portico_rpc_replies_lost_total',
    help: 'Replies that were dropped because the caller was gone, the broker refused them, or too many were waiting.',
    labels: ['topic'],
  },
  jobs: {
    name: 'portico_job_duration_seconds',
    help: 'Duration of the runs of periodic jobs, in seconds.',
    labels: ['name', 'outcome'],
    bounds: JOBS,
  },
};

/** Metrics of the parent process under the names that all Prometheus clients use. */
const PROCESS_METRICS: ReadonlySet<string> = new Set([
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_open_fds',
  'process_max_fds',
]);

/** Reports whether Portico has, or may have, a metric of that name. */
export function isShippedMetric(name: string): boolean {
  return name.startsWith('portico_') || PROCESS_METRICS.has(name);
}

/** Returns the bounds of a metric; none for a counter. `buckets`: those of durations, which another version may have otherwise. */
export function boundsOf(metric: MetricKey, buckets: readonly number[]): readonly number[] {
  const { bounds = [] } = COUNTED[metric];
  return bounds === 'durations' ? buckets : bounds;
}
