/** Reads the values of a registry of prom-client: increments since the last reading, and gauges. */
import { isShippedMetric, type Logger, type OwnMetric, type OwnMetricsReader, type OwnSeries } from 'portico/extension';
import { within } from 'portico/tasks';
import type { Registry } from 'prom-client';

/** Most time of a function `collect`; a worker has a second for its response. */
const COLLECT_MS = 700;

/** A metric as the registry returns it. */
interface Read extends Pick<OwnMetric, 'name' | 'help' | 'type' | 'aggregator'> {
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>;
    readonly value: number;
    readonly metricName?: string;
  }[];
}

/** A metric as the registry lists it. */
interface Listed {
  readonly name: string;
  readonly type: unknown;
  readonly aggregator: string;
  readonly collect?: unknown;
}

/** `log`: gets a warning for each metric that is left out, once. */
export function registryReader(registry: Registry, log: Pick<Logger, 'warn'>): OwnMetricsReader {
  const increments = new Increments();
  const warned = new Set<string>();
  const warn = (name: string, fields: object, message: string): void => {
    if (!warned.has(name)) log.warn({ ...fields }, message);
    warned.add(name);
  };
  const isShown = ({ name, aggregator }: Listed): boolean => {
    if (isShippedMetric(name)) {
      const hint = 'Give it another name, such as by the prefix of collectDefaultMetrics.';
      warn(name, { code: 'PORTICO_METRIC_NAME', hint }, `the metric ${name} is left out: Portico has one of that name`);
    }
    return aggregator !== 'omit' && !isShippedMetric(name);
  };
  const read = async (isWanted: (metric: Listed) => boolean, limitMs?: number): Promise<OwnMetric[]> => {
    const chosen = registry.getMetricsAsArray().filter((metric) => isWanted(metric) && isShown(metric));
    const found = await Promise.all(
      chosen.map((metric) => {
        // Its part of the registry, which adds default labels.
        const part = Object.create(registry, { getMetricsAsArray: { value: () => [metric] } }) as Registry;
        const without = (why: string, err?: unknown): [] => {
          warn(metric.name, { err }, `the metric ${metric.name} is left out: its function collect ${why}`);
          return [];
        };
        const values = part.getMetricsAsJSON().catch((error: unknown) => without('failed', error));
        const late = (): [] => without(`takes longer than ${COLLECT_MS} ms`);
        return limitMs === undefined ? values : within(values, limitMs, late);
      }),
    );
    return (found.flat() as unknown as Read[]).flatMap((metric): OwnMetric[] => {
      const { values: _, ...about } = metric;
      const all = seriesOf(metric);
      const series = about.type === 'gauge' ? all : all.flatMap((each) => increments.take(about.name, each) ?? []);
      return series.length === 0 ? [] : [{ ...about, bounds: boundsOf(metric), series }];
    });
  };
  // One after the other: an older value after a newer one would look like a counter that began anew. A heartbeat waits for no function collect.
  const inTurn = <G extends unknown[], T>(reading: (...given: G) => Promise<T>): ((...given: G) => Promise<T>) => {
    let last: Promise<unknown> = Promise.resolve();
    return (...given) => {
      const next = last.catch(() => undefined).then(() => reading(...given));
      last = next;
      return next;
    };
  };
  const collected = inTurn((withGauges: boolean) =>
    read((metric) => !isPlain(metric) && (withGauges || !isGauge(metric)), COLLECT_MS),
  );
  const kept = inTurn(() => read((metric) => isPlain(metric) && !isGauge(metric)));
  const gauges = () => read((metric) => isPlain(metric) && isGauge(metric));
  const readings = {
    // A function collect may set other metrics too.
    all: async () => [...(await collected(true)), ...(await Promise.all([kept(), gauges()])).flat()],
    counts: async () => [...(await collected(false)), ...(await kept())],
    kept: () => kept(),
  };
  return {
    read: (what) =>
      readings[what]().catch((error: unknown) => {
        warn('', { err: error }, 'the metrics of the application cannot be read');
        return [];
      }),
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
  };
}

function isGauge({ type }: Listed): boolean {
  return type === 'gauge';
}

/** Reports whether reading a metric computes nothing. */
function isPlain({ collect }: Listed): boolean {
  return collect === undefined;
}

/** Values at the last reading. */
class Increments {
  readonly #before = new Map<string, OwnSeries>();

  /** Returns the increments of a series; undefined if there are none, but for the first time, so that it begins with 0. */
  take(name: string, now: OwnSeries): OwnSeries | undefined {
    // A label value may have any character.
    const key = JSON.stringify([name, ...now.labels]);
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
