/**
 * What `GET /metrics` gives: what the processes that serve have counted, and what the launcher knows of them, as prom-client
 * writes it. Made when it is asked for, from numbers that are there anyway.
 */
import {
  COUNTED,
  type CountedMetric,
  type Distribution,
  type MetricKey,
  metricsOptions,
  type Totals,
} from '../../metrics/index.js';
import type { ServiceStatus, WorkerStatus } from '../launcher-status.js';
import { ControlAnswer, ControlRefused } from './control-server.js';
import type { Controlled } from './controlled.js';
import type { RegisteredServices } from './registered-services.js';

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

/** As text. prom-client is loaded with the first. */
export async function metricsAnswer(controlled: Controlled, registered: RegisteredServices): Promise<ControlAnswer> {
  const { config, log, runner } = controlled;
  if (!config.group('metrics', metricsOptions).enabled) {
    const hint = 'Set enabled = true in [metrics].';
    throw new ControlRefused(404, 'PORTICO_METRICS_OFF', { message: 'nothing is counted', hint });
  }
  const { services, generation } = controlled.status();
  const metrics = [
    ...countedMetrics(runner.counted(), log.lost?.() ?? 0),
    ...serviceMetrics(services),
    counter(
      'portico_reloads_total',
      'Reloads by what came of them; one that is refused had a configuration that could not be.',
      Object.entries(controlled.reloaded()).map(([result, value]) => ({ labels: { result }, value })),
    ),
    gauge('portico_configuration_generation', 'The configuration in force, counted from 1.', valueIf({}, generation)),
    gauge(
      'process_resident_memory_bytes',
      'Memory of the process that is asked: the parent of workers, or the single process.',
      valueIf({}, process.memoryUsage.rss()),
    ),
    ...workerMetrics(services),
    gauge(
      'portico_service_up',
      'Whether a service of the registry is up; one process of all tells.',
      (await registered.up()).map(({ binary, host, up }) => ({ labels: { binary, host }, value: up ? 1 : 0 })),
    ),
  ];
  const { AggregatorRegistry } = await import('prom-client');
  const registry = AggregatorRegistry.aggregate([metrics]);
  return new ControlAnswer(200, await registry.metrics(), { 'content-type': registry.contentType });
}

/** `lost`: lines of the log of this process itself, which belong to no API. */
function countedMetrics(totals: Totals, lost: number): Metric[] {
  const metrics = Object.entries(COUNTED).map(([key, metric]: [string, CountedMetric]): Metric => {
    const { name, help, bounds } = metric;
    const values = totals.of(key as MetricKey).flatMap(({ api, labels, values: counted }) => {
      const named = Object.fromEntries([['api', api], ...metric.labels.map((label, at) => [label, labels[at]!])]);
      return bounds === undefined ? [{ labels: named, value: counted.sum }] : histogram(name, named, counted);
    });
    const own = metric === COUNTED.logLinesLost ? [{ labels: { api: '-' }, value: lost }] : [];
    const type = bounds === undefined ? 'counter' : 'histogram';
    return { name, help, type, aggregator: 'sum', values: [...values, ...own] };
  });
  const requests = totals.of('requests').map(({ api, labels: [method, route, status], values }) => ({
    labels: { api, method: method!, route: route!, status: status! },
    value: values.counts.reduce((sum, count) => sum + count, 0),
  }));
  return [
    counter('portico_http_requests_total', 'Requests that were answered, or whose client has left.', requests),
    ...metrics,
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

function serviceMetrics(services: readonly ServiceStatus[]): Metric[] {
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
      'Workers that were started, by why: launch, scale, death, stuck, recycle, memory, reload, restart.',
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
  ];
}

function workerMetrics(services: readonly ServiceStatus[]): Metric[] {
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
