/** Metrics of an application, of all its processes: sums of counters, which ended processes have added to, and combined gauges. */
import { isDeepStrictEqual } from 'node:util';
import { Distribution } from './meter.js';
import type { OwnMetric, OwnSeries } from './own-values.js';

/** Most series of an application's own metrics, as of an API: some 10 MB of memory. */
export const MOST_SERIES = 20_000;
const OTHER = 'other';

/** Combined values of a gauge of several processes. */
const COMBINED: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  average: (values) => COMBINED.sum!(values) / values.length,
  first: ([first]) => first!,
  min: (values) => values.reduce((one, other) => Math.min(one, other)),
  max: (values) => values.reduce((one, other) => Math.max(one, other)),
};

/** A metric, and what all processes have. */
export interface OwnTotal extends Omit<OwnMetric, 'series'> {
  readonly series: ReadonlyMap<string, OwnTotalSeries>;
}

interface OwnTotalSeries {
  readonly labels: readonly string[];
  /** Sums of the increments. */
  readonly values: Distribution;
  /** Values of a gauge. */
  readonly gauges: number[];
}

/** Called with a warning; `key`: it is given once for each. */
type Warn = (key: string, code: string, message: string, hint: string) => void;

export class OwnTotals {
  /** Whether any process has such metrics. */
  isUsed = false;
  readonly #metrics = new Map<string, Omit<OwnTotal, 'series'> & { readonly series: Map<string, OwnTotalSeries> }>();
  readonly #warn: Warn;
  #size = 0;

  constructor(warn: Warn = () => undefined) {
    this.#warn = warn;
  }

  /** Adds increments of a process, or its gauges. */
  add(metrics: readonly OwnMetric[]): void {
    this.isUsed = true;
    for (const { series, ...metric } of metrics) {
      const { name, type, bounds } = metric;
      if (!this.#isFit(metric)) continue;
      const known = this.#metrics.get(name) ?? { ...metric, series: new Map<string, OwnTotalSeries>() };
      this.#metrics.set(name, known);
      for (const each of series) {
        const { values, gauges } = this.#seriesOf(known.series, metric, each.labels);
        if (type === 'gauge') gauges.push(each.sum);
        else values.add(bounds, each.counts, each.sum);
      }
    }
  }

  /** Returns the metrics, with the gauges of each process. */
  with(gauges: readonly (readonly OwnMetric[])[]): OwnTotal[] {
    const combined = new OwnTotals(this.#warn);
    for (const each of gauges) combined.add(each.filter((gauge) => this.#isFit(gauge)));
    return [...this.#metrics.values(), ...combined.#metrics.values()];
  }

  /** Reports whether a metric has the type of the one that there is; warns if it is defined otherwise, such as after a reload. */
  #isFit({ name, type, bounds }: Omit<OwnMetric, 'series'>): boolean {
    const known = this.#metrics.get(name);
    if (known === undefined) return true;
    const isSame = known.type === type;
    if (isSame && isDeepStrictEqual(known.bounds, bounds)) return true;
    const about = isSame
      ? `has the buckets ${known.bounds.join(', ')} in one process and ${bounds.join(', ')} in another: all count in the former`
      : `is a ${known.type} in one process and a ${type} in another: the ${type} is omitted`;
    const hint = 'Use another name, or restart the application.';
    this.#warn(name, 'PORTICO_METRIC_DEFINITION', `the metric ${name} ${about}`, hint);
    return isSame;
  }

  /** Above the limit, further series of a metric are counted together, with "other" for the value of each label. */
  #seriesOf(
    all: Map<string, OwnTotalSeries>,
    { bounds }: Omit<OwnMetric, 'series'>,
    labels: OwnSeries['labels'],
  ): OwnTotalSeries {
    const known = all.get(JSON.stringify(labels));
    if (known !== undefined) return known;
    let own = labels;
    if (this.#size < MOST_SERIES) this.#size++;
    else {
      const message = `the application's own metrics have ${MOST_SERIES} series: values of further labels are counted as "${OTHER}"`;
      this.#warn(
        '',
        'PORTICO_METRICS_SERIES',
        message,
        'Use labels with few values: no ids, names of users or whole paths.',
      );
      own = labels.map((text, at) => (at % 2 === 0 ? text : OTHER));
    }
    const key = JSON.stringify(own);
    const series = all.get(key) ?? { labels: own, values: new Distribution(bounds), gauges: [] };
    all.set(key, series);
    return series;
  }
}

/** Returns the value of a series: a number, or the distribution of a histogram or summary. */
export function ownValue({ type, aggregator }: OwnTotal, { values, gauges }: OwnTotalSeries): number | Distribution {
  if (type === 'gauge') return (COMBINED[aggregator] ?? COMBINED.sum!)(gauges);
  return type === 'counter' ? values.sum : values;
}
