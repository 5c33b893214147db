/** The metrics that processes which serve count, and the process that is asked adds up for `GET /metrics`. */
import { boolean, type Config, defineOptions, float, list, oneOf } from '../config/index.js';

/** `[metrics]`. */
export const metricsOptions = defineOptions({
  enabled: boolean({
    default: false,
    help: 'Counts requests and how long they take, by method, route and status; GET /metrics of the admin listener and the control socket has them in the format of Prometheus.',
  }),
  status: oneOf(['exact', 'class'], {
    default: 'exact',
    help: 'The label status of requests: 404, or with class 4xx, which takes fewer series.',
  }),
  filters: boolean({
    default: false,
    help: 'With enabled: measures the time that each filter takes by itself too, and shows which filter a request is in.',
  }),
  buckets: list({
    item: float({ min: 0 }),
    default: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    restart: true,
    help: 'The upper bounds of the histogram of durations, in seconds.',
  }),
});

/** The longest value of a label. */
export const LABEL_CHARACTERS = 200;

/** A metric: a counter, or a histogram where it has bounds. */
export interface CountedMetric {
  readonly name: string;
  readonly help: string;
  /** Beside `api`, which the process that is asked knows by itself. */
  readonly labels: readonly string[];
  /** `option`: those of `[metrics] buckets`. */
  readonly bounds?: readonly number[] | 'option';
}

export type MetricKey =
  | 'requests'
  | 'requestBytes'
  | 'responseBytes'
  | 'rejected'
  | 'filters'
  | 'filterErrors'
  | 'application'
  | 'logLinesLost'
  | 'callsMade'
  | 'callsServed'
  | 'callsDropped'
  | 'callsRedelivered'
  | 'callsDead'
  | 'repliesLost';

/** 256 bytes to 16 MiB. */
const SIZES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

export const COUNTED: Readonly<Record<MetricKey, CountedMetric>> = {
  requests: {
    name: 'portico_http_request_duration_seconds',
    help: 'Time from before the first filter until the answer has left, in seconds.',
    labels: ['method', 'route', 'status'],
    bounds: 'option',
  },
  requestBytes: {
    name: 'portico_http_request_bytes',
    help: 'Bytes of the body of a request that have come.',
    labels: ['method', 'route', 'status'],
    bounds: SIZES,
  },
  responseBytes: {
    name: 'portico_http_response_bytes',
    help: 'Bytes of the body of a response that were sent.',
    labels: ['method', 'route', 'status'],
    bounds: SIZES,
  },
  rejected: {
    name: 'portico_http_rejected_requests_total',
    help: 'Requests that were refused before an application saw them, or for a rate limit.',
    labels: ['reason'],
  },
  filters: {
    name: 'portico_filter_duration_seconds',
    help: 'Time that a filter took by itself, on the way in and on the way out, in seconds.',
    labels: ['pipeline', 'filter', 'direction'],
    bounds: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1],
  },
  filterErrors: {
    name: 'portico_filter_errors_total',
    help: 'Errors that a filter threw by itself, those that refuse a request included.',
    labels: ['pipeline', 'filter'],
  },
  application: {
    name: 'portico_application_duration_seconds',
    help: 'Time that the application of a pipeline took, until it had settled, in seconds.',
    labels: ['pipeline'],
    bounds: 'option',
  },
  logLinesLost: {
    name: 'portico_log_lines_lost_total',
    help: 'Lines of the log that could not be written.',
    labels: [],
  },
  callsMade: {
    name: 'portico_rpc_client_duration_seconds',
    help: 'Time of a remote call until its result or error was there, of a cast until the broker had it, in seconds.',
    labels: ['kind', 'topic', 'method', 'outcome'],
    bounds: 'option',
  },
  callsServed: {
    name: 'portico_rpc_server_duration_seconds',
    help: 'Time that the method of a remote call or cast ran, in seconds.',
    labels: ['kind', 'topic', 'method', 'outcome'],
    bounds: 'option',
  },
  callsDropped: {
    name: 'portico_rpc_dropped_total',
    help: 'Messages that were not begun: they had come before, nothing waited for them any more, or the service stopped.',
    labels: ['topic', 'reason'],
  },
  callsRedelivered: {
    name: 'portico_rpc_redelivered_total',
    help: 'Messages that came again.',
    labels: ['topic'],
  },
  callsDead: {
    name: 'portico_rpc_dead_letters_total',
    help: 'Messages of which a service made dead letters: they could not be read, or failed and are acknowledged late.',
    labels: ['topic', 'reason'],
  },
  repliesLost: {
    name: 'portico_rpc_replies_lost_total',
    help: 'Replies that were given up: their callers were gone, the broker did not take them, or too many waited.',
    labels: ['topic'],
  },
};

/** `buckets`: the bounds of `[metrics] buckets`. A counter has none. */
export function boundsOf(metric: MetricKey, buckets: readonly number[]): readonly number[] {
  const { bounds = [] } = COUNTED[metric];
  return bounds === 'option' ? buckets : bounds;
}

/** The bounds of `[metrics] buckets`, each once and ascending. */
export function bucketsOf(config: Config): readonly number[] {
  return [...new Set(config.group('metrics', metricsOptions).buckets)].sort((a, b) => a - b);
}
