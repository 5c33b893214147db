/**
 * What `GET /metrics` gives: what the processes that serve have counted, and what the launcher knows of them, as prom-client
 * writes it. Made when it is asked for, from numbers that are there anyway.
 */
import { COUNTED, type CountedMetric, type Distribution, type MetricKey, type Totals } from '../../metrics/index.js';
import type { ServiceStatus, WorkerStatus } from '../launcher-status.js';
import type { ServiceUp } from './registered-services.js';

/** What the launcher knows. */
export interface Known {
  readonly services: readonly ServiceStatus[];
  readonly generation: number;
  readonly totals: Totals;
  /** Reloads, by what came of them. */
  readonly reloads: Readonly<Record<string, number>>;
  /** Lines of the log of this process that could not be written. */
  readonly logLinesLost: number;
  /** Services of the registry, where this process is the one that tells of them. */
  readonly registered: readonly ServiceUp[];
}

/** A metric as prom-client's `getMetricsAsJSON()` gives it, and its aggregation takes it. */
interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly Value[];
}

interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly metricName?: string;
}

const DAY_MS = 86_400_000;

/** Text, and its media type. prom-client is loaded with the first. */
export async function metricsText(known: Known): Promise<{ readonly type: string; readonly text: string }> {
  const { AggregatorRegistry } = await import('prom-client');
  const registry = AggregatorRegistry.aggregate([metricsOf(known)]);
  return { type: registry.contentType, text: await registry.metrics() };
}

function metricsOf(known: Known): Metric[] {
  return [...countedMetrics(known), ...serviceMetrics(known), ...workerMetrics(known), registeredMetric(known)];
}

function countedMetrics({ totals, logLinesLost }: Known): Metric[] {
  const metrics = Object.entries(COUNTED).map(([key, metric]: [string, CountedMetric]): Metric => {
    const all = totals.of(key as MetricKey).map(({ api, labels, values }) => ({
      labels: Object.fromEntries([['api', api], ...metric.labels.map((name, at) => [name, labels[at]!])]),
      values,
    }));
    const values = all.flatMap(({ labels, values }) =>
      metric.bounds === undefined ? [{ labels, value: values.sum }] : histogram(metric.name, labels, values),
    );
    const { name, help } = metric;
    return { name, help, type: metric.bounds === undefined ? 'counter' : 'histogram', aggregator: 'sum', values };
  });
  const requests = totals.of('requests').map(({ api, labels: [method, route, status], values }) => ({
    labels: { api, method: method!, route: route!, status: status! },
    value: values.counts.reduce((sum, count) => sum + count, 0),
  }));
  return [
    counter('portico_http_requests_total', 'Requests that were answered, or whose client has left.', requests),
    // What this process itself could not write belongs to no API.
    ...metrics.map((metric) =>
      metric.name === COUNTED.logLinesLost.name
        ? { ...metric, values: [...metric.values, { labels: { api: '-' }, value: logLinesLost }] }
        : metric,
    ),
  ];
}

function histogram(name: string, labels: Value['labels'], { bounds, counts, sum }: Distribution): Value[] {
  let below = 0;
  const buckets = counts.map((count, at) => {
    below += count;
    const le = bounds[at] === undefined ? '+Inf' : String(bounds[at]);
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: below },
  ];
}

function serviceMetrics({ services, generation, reloads }: Known): Metric[] {
  const each = (value: (service: ServiceStatus) => number | undefined): Value[] =>
    services.flatMap((service) => valueIf({ api: service.name }, value(service)));
  return [
    gauge(
      'portico_workers_wanted',
      'Workers that there are to be.',
      each(({ wanted }) => wanted),
    ),
    gauge(
      'portico_workers_ready',
      'Workers that serve.',
      each(({ ready }) => ready),
    ),
    counter(
      'portico_worker_starts_total',
      'Workers that were started, by why: launch, scale, death, stuck, recycle, reload, restart.',
      services.flatMap(({ name: api, starts }) =>
        Object.entries(starts).map(([reason, value]) => ({ labels: { api, reason }, value })),
      ),
    ),
    gauge(
      'portico_tls_certificate_days_left',
      'Days until the certificate ends; negative once it has.',
      each(({ certificateEnds }) =>
        certificateEnds === undefined ? undefined : (Date.parse(certificateEnds) - Date.now()) / DAY_MS,
      ),
    ),
    counter(
      'portico_reloads_total',
      'Reloads by what came of them; one that is refused had a configuration that could not be.',
      Object.entries(reloads).map(([result, value]) => ({ labels: { result }, value })),
    ),
    gauge('portico_configuration_generation', 'The configuration in force, counted from 1.', valueIf({}, generation)),
    gauge(
      'process_resident_memory_bytes',
      'Memory of the process that is asked: the parent of workers, or the single process.',
      valueIf({}, process.memoryUsage.rss()),
    ),
  ];
}

function workerMetrics({ services }: Known): Metric[] {
  const each = (value: (worker: WorkerStatus) => number | undefined): Value[] =>
    services.flatMap(({ name: api, workers }) => {
      // In a reload a slot has two: the newer one counts.
      const bySlot = new Map(workers.map((worker) => [worker.id, worker]));
      return [...bySlot].flatMap(([id, worker]) => valueIf({ api, worker: String(id) }, value(worker)));
    });
  const fact = (name: string, factor = 1): Value[] =>
    each(({ facts: { [name]: value } }) => (typeof value === 'number' ? value * factor : undefined));
  return [
    gauge('portico_http_requests_in_flight', 'Requests that are not answered.', fact('inFlight')),
    gauge('portico_http_requests_queued', 'Of these, requests that wait for their turn.', fact('queued')),
    gauge('portico_rpc_calls_running', 'Remote calls and casts whose method runs.', fact('callsRunning')),
    gauge('portico_rpc_calls_pending', 'Remote calls that wait for their results.', fact('callsPending')),
    gauge(
      'portico_worker_event_loop_utilization',
      'The part of the last second in which the event loop was at work, 0 to 1.',
      fact('utilization'),
    ),
    gauge('portico_worker_event_loop_lag_seconds', 'By how much the last timer was late.', fact('lagMs', 0.001)),
    gauge('portico_worker_resident_memory_bytes', 'Memory of the worker.', fact('rss')),
    gauge(
      'portico_worker_silent_seconds',
      'Since the last sign of life, of which there is one each second.',
      each(({ silentMs }) => silentMs / 1000),
    ),
  ];
}

function registeredMetric({ registered }: Known): Metric {
  const values = registered.map(({ binary, host, up }) => ({ labels: { binary, host }, value: up ? 1 : 0 }));
  return gauge('portico_service_up', 'Whether a service of the registry is up; one process of all tells.', values);
}

const counter = (name: string, help: string, values: readonly Value[]): Metric => ({
  name,
  help,
  type: 'counter',
  aggregator: 'sum',
  values,
});

const gauge = (name: string, help: string, values: readonly Value[]): Metric => ({
  ...counter(name, help, values),
  type: 'gauge',
});

function valueIf(labels: Value['labels'], value: number | undefined): Value[] {
  return value === undefined ? [] : [{ labels, value }];
}
