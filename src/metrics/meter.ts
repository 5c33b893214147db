/**
 * Counts in a process that serves, and gives what came since it was asked last; who adds that up loses nothing when this
 * process ends, and no counter of it goes back.
 */
import type { Config } from '../config/index.js';
import { boundsOf, bucketsOf, LABEL_CHARACTERS, type MetricKey } from './metric-table.js';

/** How values spread over buckets: a histogram as Prometheus has it, under one set of labels. */
export class Distribution {
  /** The upper bounds, ascending. */
  readonly bounds: readonly number[];
  /** How many values lie in each bucket, not in those below it; the last one has what is beyond all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /**
   * 10 ns, where a Histogram of prom-client takes 1 µs with three labels, and half of that without any: a request has a value,
   * and another two of each filter.
   */
  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.counts[at]!++;
    this.sum += value;
  }

  /** Adds what was counted elsewhere, perhaps with other bounds: what both have stay true. */
  add(bounds: readonly number[], counts: readonly number[], sum: number): void {
    counts.forEach((count, from) => {
      const at = from < bounds.length ? this.bounds.findIndex((bound) => bound >= bounds[from]!) : -1;
      this.counts[at === -1 ? this.bounds.length : at]! += count;
    });
    this.sum += sum;
  }

  reset(): void {
    this.counts.fill(0);
    this.sum = 0;
  }
}

/** The bound below which so many values lie, between two bounds in proportion, as `histogram_quantile` of Prometheus. */
export function boundOf(bounds: readonly number[], counts: readonly number[], wanted: number): number | undefined {
  if (wanted === 0) return undefined;
  let below = 0;
  for (const [at, count] of counts.entries()) {
    const upper = bounds[at];
    if (upper === undefined) return bounds.at(-1);
    if (below + count >= wanted) {
      const lower = bounds[at - 1] ?? 0;
      return lower + (upper - lower) * ((wanted - below) / count);
    }
    below += count;
  }
  return undefined;
}

/** True for a status of 5xx, exact or as a class. */
export function isFailure(status: string): boolean {
  return status.startsWith('5');
}

/** The counts under one set of labels. */
export interface Series {
  readonly metric: MetricKey;
  /** As many as the metric has, in its order. */
  readonly labels: readonly string[];
  /** By bucket; none for a counter. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Counts since the last reading. */
export interface Counted {
  /** The bounds of `[metrics] buckets`. */
  readonly buckets: readonly number[];
  readonly series: readonly Series[];
}

/** Counts under one set of labels. */
interface Counting extends Pick<Series, 'metric' | 'labels'> {
  readonly values: Distribution;
  isTold: boolean;
}

/** Counts for one service. */
export class Meter {
  /** The bounds of `[metrics] buckets`. */
  buckets: readonly number[] = [];
  readonly #series = new Map<string, Counting>();
  readonly #told = new Map<string, number>();

  /** The distribution of a metric under these labels. */
  distribution(metric: MetricKey, labels: readonly string[]): Distribution {
    const fitting = labels.map((label) => label.slice(0, LABEL_CHARACTERS));
    const key = [metric, ...fitting].join('\n');
    const found = this.#series.get(key);
    if (found !== undefined) return found.values;
    const values = new Distribution(boundsOf(metric, this.buckets));
    this.#series.set(key, { metric, labels: fitting, values, isTold: false });
    return values;
  }

  /** One more of a counter. */
  count(metric: MetricKey, labels: readonly string[]): void {
    this.distribution(metric, labels).sum++;
  }

  /** Counts what was counted somewhere else since the process began. */
  follow(metric: MetricKey, labels: readonly string[], total: number): void {
    const key = [metric, ...labels].join('\n');
    const values = this.distribution(metric, labels);
    values.sum += total - (this.#told.get(key) ?? 0);
    this.#told.set(key, total);
  }

  /**
   * Takes the counts since the last reading. A series is given once also where nothing was counted: who adds up has it from 0,
   * so that a rate sees its first values.
   */
  take(): Counted {
    const series: Series[] = [];
    for (const known of this.#series.values()) {
      const { metric, labels, values } = known;
      const { counts, sum } = values;
      if (known.isTold && sum === 0 && counts.every((count) => count === 0)) continue;
      known.isTold = true;
      series.push({ metric, labels, counts: values.bounds.length === 0 ? [] : counts.slice(), sum });
      values.reset();
    }
    return { buckets: this.buckets, series };
  }
}

/** So many sets of labels are kept: an application could make up routes without an end. */
const MOST_SERIES = 10_000;
const OTHER = 'other';

/** A series of a service. */
interface Total extends Pick<Series, 'metric' | 'labels'> {
  readonly api: string;
  readonly values: Distribution;
}

/** Totals of all processes of a launcher since it began, ended ones included. */
export class Totals {
  /** The bounds of `[metrics] buckets`. */
  readonly buckets: readonly number[];
  readonly #totals = new Map<string, Total>();

  /** A worker may count by other bounds, once the option was changed. */
  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
  }

  static of(config: Config | undefined): Totals {
    return new Totals(config === undefined ? [] : bucketsOf(config));
  }

  add(api: string, { buckets, series }: Counted): void {
    for (const { metric, labels, counts, sum } of series) {
      this.#total(api, metric, labels).values.add(boundsOf(metric, buckets), counts, sum);
    }
  }

  /** Those of one metric. */
  of(metric: Series['metric']): Total[] {
    return [...this.#totals.values()].filter((total) => total.metric === metric);
  }

  /** Beyond the limit those of an API's metric are counted together, with "other" for each label: no request is lost. */
  #total(api: string, metric: Series['metric'], labels: readonly string[]): Total {
    const key = [api, metric, ...labels].join('\n');
    const found = this.#totals.get(key);
    if (found !== undefined) return found;
    const isOther = labels.every((label) => label === OTHER);
    if (this.#totals.size >= MOST_SERIES && !isOther)
      return this.#total(
        api,
        metric,
        labels.map(() => OTHER),
      );
    const total = { api, metric, labels, values: new Distribution(boundsOf(metric, this.buckets)) };
    this.#totals.set(key, total);
    return total;
  }
}
