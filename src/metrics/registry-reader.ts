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

/** Returns the series of a metric, whose values prom-client lists one by one: buckets are cumulative, and quantiles cannot be added up. */
function seriesOf({ name, type, values }: Read): OwnSeries[] {
  const found = new Map<string, { labels: string[]; counts: number[]; sum: number }>();
  const below = new Map<string, number>();
  for (const { labels, value, metricName } of values) {
    if (type === 'summary' && metricName === undefined) continue;
    const own = Object.entries(labels).filter(([label]) => type !== 'histogram' || label !== 'le');
    const texts = own
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([label, text]) => [label, String(text)]);
    const key = texts.join('\n');
    const series = found.get(key) ?? { labels: texts, counts: [], sum: 0 };
    found.set(key, series);
    if (metricName === `${name}_bucket`) {
      series.counts.push(value - (below.get(key) ?? 0));
      below.set(key, value);
    } else if (metricName !== `${name}_count`) series.sum = value;
    else if (type === 'summary') series.counts.push(value);
  }
  return [...found.values()];
}

function boundsOf({ type, values }: Read): number[] {
  if (type !== 'histogram') return [];
  const bounds = values.flatMap(({ labels: { le } }) => (typeof le === 'number' ? [le] : []));
  return [...new Set(bounds)];
}
