/**
 * Metrics of processes: those of this process under the names that all Prometheus clients use, and descriptors of
 * workers.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { Distribution } from '../../counts/index.js';
import type { ServiceStatus, WorkerStatus } from '../status.js';

/** `version`: that of the application. */
export async function processMetrics(version: string | undefined): Promise<Metric[]> {
  const { user, system } = process.cpuUsage();
  const { open, limit } = await descriptorsOf('self');
  return [
    gauge('portico_build_info', 'The version of the application, and of Node; always 1.', [
      { labels: { version: version ?? '', node: process.versions.node }, value: 1 },
    ]),
    gauge(
      'process_resident_memory_bytes',
      'Resident memory of the process that responds: the parent of workers, or the single process.',
      valueIf({}, process.memoryUsage.rss()),
    ),
    counter('process_cpu_seconds_total', 'CPU time of that process.', valueIf({}, (user + system) / 1e6)),
    gauge(
      'process_start_time_seconds',
      'Start time of that process, in seconds since 1970.',
      valueIf({}, performance.timeOrigin / 1000),
    ),
    // Without the descriptor that reads them.
    gauge('process_open_fds', 'Open file descriptors of that process.', valueIf({}, open && open - 1)),
    gauge('process_max_fds', 'Limit of its open file descriptors.', valueIf({}, limit)),
  ];
}

/** Read by the process that responds, on request: workers do nothing for it, and a stuck worker is included. */
export async function descriptorMetrics(services: readonly ServiceStatus[]): Promise<Metric[]> {
  const open: NumberValue[] = [];
  const limits: NumberValue[] = [];
  for (const [labels, { pid }] of bySlot(services)) {
    const own = await descriptorsOf(pid);
    open.push(...valueIf(labels, own.open));
    limits.push(...valueIf(labels, own.limit));
  }
  return [
    gauge('portico_worker_open_fds', 'Open file descriptors of the worker, on Linux.', open),
    gauge('portico_worker_max_fds', 'Limit of its open file descriptors, on Linux.', limits),
  ];
}

/** Returns the worker of each slot with its labels. During a reload a slot has two workers: the newer one counts. */
export function bySlot(
  services: readonly ServiceStatus[],
): (readonly [Readonly<Record<'api' | 'worker', string>>, WorkerStatus])[] {
  return services.flatMap(({ name: api, workers }) =>
    [...new Map(workers.map((worker) => [worker.id, worker])).values()].map(
      (worker) => [{ api, worker: String(worker.id) }, worker] as const,
    ),
  );
}

/** Returns the number of open descriptors and its limit, from proc(5); undefined for what cannot be read. */
async function descriptorsOf(
  pid: number | 'self' | undefined,
): Promise<Readonly<Record<'open' | 'limit', number | undefined>>> {
  const all = await readdir(`/proc/${pid}/fd`).catch(() => undefined);
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return { open: all?.length, limit: soft === undefined ? undefined : Number(soft) };
}

// Metrics of Prometheus before they are text.

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly values: Iterable<Value>;
}

/** A sample, or the distribution of a histogram or summary. */
export interface Value {
  readonly value: number | Distribution;
  readonly labels: Readonly<Record<string, string>>;
}

/** A sample of a number. */
export type NumberValue = Value & { readonly value: number };

export const counter = (name: string, help: string, values: Iterable<NumberValue>): Metric => ({
  name,
  help,
  type: 'counter',
  values,
});

export const gauge = (name: string, help: string, values: Iterable<NumberValue>): Metric => ({
  ...counter(name, help, values),
  type: 'gauge',
});

/** Returns one sample, or none for an unknown value. */
export function valueIf(labels: Value['labels'], value: number | undefined): NumberValue[] {
  return value === undefined ? [] : [{ labels, value }];
}
