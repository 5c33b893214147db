/** Reads the values of a registry of prom-client: increments since the last reading, and gauges. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import { isShippedMetric, type OwnMetric, type OwnSeries, type ReadOwnMetrics } from '../counts/index.js';
import type { Logger } from '../extension/index.js';

/** Most time of a function `collect`; a worker has a second for its answer. */
const COLLECT_MS = 700;

/** A metric as the registry returns it. */
interface Read extends Pick<OwnMetric, 'name' | 'help' | 'type' | 'aggregator'> {
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

/** `log`: gets a warning for each metric that is left out, once. */
export function registryReader(registry: Registry, log: Pick<Logger, 'warn'>): ReadOwnMetrics {
  const increments = new Increments();
  const warned = new Set<string>();
  const warn = (name: string, fields: object, message: string): void => {
    if (!warned.has(name)) log.warn({ ...fields }, message);
    warned.add(name);
  };
  const isShown = ({ name, aggregator }: { readonly name: string; readonly aggregator: string }): boolean => {
    if (isShippedMetric(name)) {
      const hint = 'Give it another name, such as by the prefix of collectDefaultMetrics.';
      warn(name, { code: 'PORTICO_METRIC_NAME', hint }, `the metric ${name} is left out: Portico has one of that name`);
    }
    return aggregator !== 'omit' && !isShippedMetric(name);
  };
  const turns = { begun: 0, plain: 0, collecting: 0 };
  const read = async (kind: 'plain' | 'collecting', isWanted: (type: unknown) => boolean): Promise<OwnMetric[]> => {
    const turn = ++turns.begun;
    const all = registry.getMetricsAsArray();
    const chosen = all.filter((each) => kindOf(each) === kind && isWanted(each.type) && isShown(each));
    const found = await Promise.all(
      chosen.map(async (metric) => {
        // Its part of the registry, which adds default labels.
        const part = Object.create(registry, { getMetricsAsArray: { value: () => [metric] } }) as Registry;
        const values = part.getMetricsAsJSON().catch((error: unknown) => {
          warn(metric.name, { err: error }, `the metric ${metric.name} is left out: its function collect failed`);
          return [];
        });
        return kind === 'plain' ? values : Promise.race([values, pause(COLLECT_MS, [], { ref: false })]);
      }),
    );
    // A later reading may have been faster.
    const isLate = turn < turns[kind];
    turns[kind] = Math.max(turns[kind], turn);
    return (found.flat() as unknown as Read[]).flatMap((metric): OwnMetric[] => {
      const { name, help, type, aggregator } = metric;
      const all = seriesOf(metric);
      if (type !== 'gauge' && isLate) return [];
      const series = type === 'gauge' ? all : all.flatMap((each) => increments.take(name, each) ?? []);
      return series.length === 0 ? [] : [{ name, help, type, aggregator, bounds: boundsOf(metric), series }];
    });
  };
  return async (collects) => {
    if (!collects) return read('plain', (type) => type !== 'gauge');
    // A function collect may set other metrics too.
    const collected = await read('collecting', () => true);
    return [...collected, ...(await read('plain', () => true))];
  };
}

/** Metrics with a function `collect` are computed when they are read. */
function kindOf({ collect }: { readonly collect?: unknown }): 'plain' | 'collecting' {
  return collect === undefined ? 'plain' : 'collecting';
}

/** Values at the last reading. */
class Increments {
  readonly #before = new Map<string, OwnSeries>();

  /** Returns the increments of a series; undefined if there are none, but for the first time, so that it begins with 0. */
  take(name: string, now: OwnSeries): OwnSeries | undefined {
    const key = [name, ...now.labels].join('\n');
    const before = this.#before.get(key);
    this.#before.set(key, now);
    if (before === undefined || isReset(before, now)) return now;
    const counts = now.counts.map((count, at) => count - (before.counts[at] ?? 0));
    const sum = now.sum - before.sum;
    return sum === 0 && counts.every((count) => count === 0) ? undefined : { ...now, counts, sum };
  }
}

/** The sum of a histogram may decrease. */
function isReset(before: OwnSeries, now: OwnSeries): boolean {
  if (now.counts.length === 0) return now.sum < before.sum;
  return now.counts.some((count, at) => count < (before.counts[at] ?? 0));
}

/**
 * Returns the series of a metric. prom-client lists the cumulative buckets of a histogram, or the quantiles of a summary, which cannot be added
 * up; then their sum, and the count, which ends them.
 */
function seriesOf({ name, type, values }: Read): OwnSeries[] {
  const found: OwnSeries[] = [];
  let counts: number[] = [];
  let below = 0;
  let sum = 0;
  for (const { labels, value, metricName } of values) {
    if (metricName === `${name}_bucket`) {
      counts.push(value - below);
      below = value;
    } else if (metricName === `${name}_sum`) sum = value;
    else if (metricName === `${name}_count`) {
      found.push({ labels: textsOf(labels), counts: type === 'summary' ? [value] : counts, sum });
      counts = [];
      below = 0;
    } else if (type !== 'summary') found.push({ labels: textsOf(labels), counts: [], sum: value });
  }
  return found;
}

function textsOf(labels: Read['values'][number]['labels']): string[] {
  const all = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return all.flatMap(([label, text]) => [label, String(text)]);
}

function boundsOf({ type, values }: Read): number[] {
  if (type !== 'histogram') return [];
  const bounds = values.flatMap(({ labels: { le } }) => (typeof le === 'number' ? [le] : []));
  return [...new Set(bounds)];
}
