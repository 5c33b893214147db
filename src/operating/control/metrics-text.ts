/**
 * Response to `GET /metrics`: totals of the serving processes, and metrics of the launcher: workers, reloads. Computed on
 * request from existing counters.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  COUNTED,
  type CountedMetric,
  type Distribution,
  type MetricKey,
  MOST_SERIES,
  metricsOptions,
  type OwnTotal,
  ownValue,
  type Totals,
} from '../../counts/index.js';
import { type ReloadReport, type ServiceStatus, type WorkerStatus, withOtherNode } from '../status.js';
import { ControlAnswer, ControlRefused } from './control-server.js';
import type { Controlled } from './controlled.js';
import { jobMetrics } from './jobs.js';
import {
  bySlot,
  counter,
  descriptorMetrics,
  gauge,
  type Metric,
  type NumberValue,
  processMetrics,
  type Value,
  valueIf,
} from './process-metrics.js';
import type { RegisteredServices } from './registered-services.js';
import { CONNECTION_STATES } from './status-document.js';

/** Returns the text. `registered`: services of all launchers, of which one at a time reports whether they are up. */
export async function metricsAnswer(controlled: Controlled, registered: RegisteredServices): Promise<ControlAnswer> {
  const { config, log, runner, version } = controlled;
  if (!config.group('metrics', metricsOptions).enabled) {
    const hint = 'Set enabled = true in [metrics].';
    throw new ControlRefused(404, 'PORTICO_METRICS_OFF', { message: 'metrics are disabled', hint });
  }
  const gauges = (await runner.ownGauges?.()) ?? [];
  const { services, generation, reloads } = controlled.status();
  const metrics: Metric[] = [
    ...countedMetrics(runner.counted(), log.lost?.() ?? 0),
    ...serviceMetrics(services, runner.counted()),
    counter(
      'portico_reloads_total',
      'Reloads by outcome. A refused reload had an invalid configuration.',
      Object.entries(controlled.reloaded()).map(([result, value]) => ({ labels: { result }, value })),
    ),
    gauge(
      'portico_configuration_generation',
      'The configuration that applies, counted from 1.',
      valueIf({}, generation),
    ),
    gauge(
      'portico_configuration_last_reload_successful',
      'Whether the last reload was accepted: 1 before the first reload, 0 while the files on disk do not apply.',
      valueIf({}, isLastReloadGood(reloads) ? 1 : 0),
    ),
    ...(await processMetrics(version)),
    ...workerMetrics(services),
    ...jobMetrics(services),
    ...(await descriptorMetrics(services)),
    gauge(
      'portico_service_up',
      'Whether a registered service is up; only one process reports this.',
      (await registered.up()).map(({ binary, host, up }) => ({ labels: { binary, host }, value: up ? 1 : 0 })),
    ),
  ];
  const names = new Set(metrics.map(({ name }) => name));
  for (const own of runner.counted().own.with(gauges)) {
    if (!names.has(own.name)) metrics.push({ ...own, values: ownValues(own) });
    names.add(own.name);
  }
  return new ControlAnswer(200, exposition(metrics), { 'content-type': EXPOSITION_TYPE });
}

function* ownValues(metric: OwnTotal): Generator<Value> {
  for (const series of metric.series.values()) {
    const labels: Record<string, string> = {};
    for (let at = 0; at < series.labels.length; at += 2) labels[series.labels[at]!] = series.labels[at + 1]!;
    yield { labels, value: ownValue(metric, series) };
  }
}

/** A reload that a stop cut off has changed nothing. */
function isLastReloadGood(reloads: readonly ReloadReport[]): boolean {
  const last = reloads.findLast(({ outcome }) => outcome !== 'abandoned');
  return last === undefined || last.outcome === 'accepted';
}

/** `lost`: log lines of this process itself, which belong to no API. */
export function countedMetrics(totals: Totals, lost: number): Metric[] {
  const runs = [...totals.of('jobs')].map(({ api, labels: [name, outcome], values }) => ({
    labels: { api, name: name!, outcome: outcome! },
    value: values.counts.reduce((sum, count) => sum + count, 0),
  }));
  return [
    ...Object.entries(COUNTED).map(([key, metric]: [string, CountedMetric]): Metric => {
      const { name, help, bounds } = metric;
      const own = metric === COUNTED.logLinesLost ? [{ labels: { api: '-' }, value: lost }] : [];
      const type = bounds === undefined ? 'counter' : 'histogram';
      return { name, help, type, values: valuesOf(totals, key as MetricKey, own) };
    }),
    counter('portico_job_runs_total', 'Runs of periodic jobs that have ended, by outcome: ok, failed.', runs),
    gauge(
      'portico_metric_series',
      `Series that are counted for an API; above ${MOST_SERIES} further ones are counted as route="other".`,
      [...totals.sizes].map(([api, value]) => ({ labels: { api }, value })),
    ),
  ];
}

/** Made while the text is written, because there may be thousands. */
function* valuesOf(totals: Totals, key: MetricKey, own: readonly Value[]): Generator<Value> {
  const { labels: names, bounds } = COUNTED[key];
  for (const { api, labels, values } of totals.of(key)) {
    const named: Record<string, string> = { api };
    for (const [at, name] of names.entries()) named[name] = labels[at]!;
    yield { labels: named, value: bounds === undefined ? values.sum : values };
  }
  yield* own;
}

function serviceMetrics(services: readonly ServiceStatus[], totals: Totals): Metric[] {
  const lostByApi = new Map([...totals.lost, ...services.map(({ name, lost }) => [name, lost] as const)]);
  const each = (value: (service: ServiceStatus) => number | undefined): NumberValue[] =>
    services.flatMap((service) => valueIf({ api: service.name }, value(service)));
  return [
    gauge(
      'portico_workers_wanted',
      'Desired number of workers.',
      each(({ wanted }) => wanted),
    ),
    gauge(
      'portico_workers_ready',
      'Workers that are ready.',
      each(({ ready }) => ready),
    ),
    gauge(
      'portico_workers_other_node',
      'Workers that run another version of Node than their parent.',
      each(({ workers }) => withOtherNode(workers).length),
    ),
    counter(
      'portico_worker_starts_total',
      'Workers started, by reason: launch, scale, death, stuck, recycle, memory, reload, restart.',
      services.flatMap(({ name: api, starts }) =>
        Object.entries(starts).map(([reason, value]) => ({ labels: { api, reason }, value })),
      ),
    ),
    counter(
      'portico_requests_lost_total',
      'Requests lost with a worker, by how it ended: start, stuck, heap, oom, error, signal, exit; deadline: cut off at drain_timeout or graceful_shutdown_timeout.',
      [...lostByApi].flatMap(([api, lost]) =>
        Object.entries(lost).map(([reason, value]) => ({ labels: { api, reason }, value })),
      ),
    ),
    gauge(
      'portico_tls_certificate_expiry_timestamp_seconds',
      'Time at which the certificate expires, in seconds since 1970.',
      each(({ certificateEnds: ends }) => (ends === undefined ? undefined : Date.parse(ends) / 1000)),
    ),
  ];
}

function workerMetrics(services: readonly ServiceStatus[]): Metric[] {
  const each = (value: (worker: WorkerStatus) => number | undefined): NumberValue[] =>
    bySlot(services).flatMap(([labels, worker]) => valueIf(labels, value(worker)));
  const fact = (name: string, factor = 1): NumberValue[] =>
    each(({ facts: { [name]: value } }) => (typeof value === 'number' ? value * factor : undefined));
  return [
    gauge('portico_http_requests_in_flight', 'Open requests.', fact('inFlight')),
    gauge('portico_http_requests_queued', 'Open requests that wait for the concurrency limit.', fact('queued')),
    gauge('portico_connections_open', 'Open client connections, including idle ones.', fact('connections')),
    gauge(
      'portico_connections_by_state',
      'Open client connections that are idle, receive a request, or linger: their input after a response is discarded.',
      Object.entries(CONNECTION_STATES).flatMap(([state, name]) =>
        fact(name).map(({ labels, value }) => ({ labels: { ...labels, state }, value })),
      ),
    ),
    gauge('portico_connections_limit', 'Most open client connections; 0: no limit.', fact('connectionLimit')),
    gauge(
      'portico_rpc_connections_lost',
      'Connections to brokers that are lost and being restored.',
      fact('brokersLost'),
    ),
    gauge('portico_rpc_calls_running', 'Remote calls and casts whose method is running.', fact('callsRunning')),
    gauge('portico_rpc_calls_pending', 'Remote calls waiting for their results.', fact('callsPending')),
    gauge(
      'portico_worker_event_loop_utilization',
      'Fraction of the last second in which the event loop was busy, 0 to 1.',
      fact('utilization'),
    ),
    gauge(
      'portico_worker_event_loop_lag_max_seconds',
      'Longest delay of the event loop in the last half to whole minute.',
      fact('lagMaxMs', 0.001),
    ),
    gauge(
      'portico_worker_event_loop_lag_p99_seconds',
      'p99 of the delay of the event loop in the last half to whole minute.',
      fact('lagP99Ms', 0.001),
    ),
    counter('portico_worker_cpu_seconds_total', 'CPU time of the worker.', fact('cpuSeconds')),
    counter(
      'portico_worker_gc_seconds_total',
      'Time of the garbage collector in the worker, by kind: minor, major, incremental, weakcb.',
      bySlot(services).flatMap(([labels, { facts }]) =>
        Object.entries((facts.gcSeconds ?? {}) as Record<string, number>).map(([kind, value]) => ({
          labels: { ...labels, kind },
          value,
        })),
      ),
    ),
    gauge('portico_worker_resident_memory_bytes', 'Resident memory of the worker.', fact('rss')),
    gauge('portico_worker_heap_used_bytes', 'Used V8 heap.', fact('heapUsed')),
    gauge('portico_worker_heap_limit_bytes', 'Limit of the V8 heap.', fact('heapLimit')),
    gauge(
      'portico_worker_silent_seconds',
      'Time since the last heartbeat: there is one each second, and one each nine seconds without requests.',
      each(({ silentMs }) => silentMs / 1000),
    ),
  ];
}

// Prometheus' text format 0.0.4, written in pieces: between two of them the process does its other work. A parent supervises workers, and an
// API may have thousands of series.

/** The media type of the text. */
const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Characters of a piece: some 600 lines, a millisecond. */
const PIECE = 65_536;

/** Returns the text of metrics. */
export async function* exposition(metrics: Iterable<Metric>): AsyncGenerator<string> {
  let piece = '';
  for (const metric of metrics) {
    piece += headOf(metric);
    for (const value of metric.values) {
      piece += linesOf(metric, value);
      if (piece.length < PIECE) continue;
      yield piece;
      piece = '';
      await nextTurn();
    }
  }
  if (piece !== '') yield piece;
}

function headOf({ name, help, type }: Metric): string {
  return `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n`;
}

function linesOf({ name, type }: Metric, { labels, value }: Value): string {
  const text = Object.entries(labels)
    .map(([label, of]) => `${label}="${of.replace(/[\\\n"]/g, escaped)}"`)
    .join(',');
  return typeof value === 'number' ? line(name, text, value) : histogramLines(name, text, value, type === 'summary');
}

/** `isSummary`: without buckets. */
function histogramLines(
  name: string,
  labels: string,
  { bounds, counts, sum }: Distribution,
  isSummary: boolean,
): string {
  const more = labels === '' ? '' : `,${labels}`;
  let below = 0;
  let lines = '';
  for (const [at, count] of counts.entries()) {
    below += count;
    if (!isSummary) lines += line(`${name}_bucket`, `le="${bounds[at] ?? '+Inf'}"${more}`, below);
  }
  return lines + line(`${name}_sum`, labels, sum) + line(`${name}_count`, labels, below);
}

function line(name: string, labels: string, value: number): string {
  const number = Number.isFinite(value) || Number.isNaN(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
  return labels === '' ? `${name} ${number}\n` : `${name}{${labels}} ${number}\n`;
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}
