/**
 * Counts in a serving process, which reports the increments since the last report. The process that adds them up loses nothing when a
 * worker ends, and its counters never decrease.
 */
import type { Config } from '../config/index.js';
import { boundsOf, bucketsOf, COUNTED, LABEL_CHARACTERS, type MetricKey } from './metric-table.js';
import { type FailedRequests, RecentFailures } from './recent-failures.js';

/** Distribution of values over buckets: a Prometheus histogram for one set of labels. */
export class Distribution {
  /** The upper bounds, in ascending order. */
  readonly bounds: readonly number[];
  /** Number of values in each bucket, not cumulative; the last bucket is for values above all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  /**
   * Adds a value. Takes 10 ns; a Histogram of prom-client takes 1 µs with three labels and 0.5 µs without. A request has one value, and
   * two more for each filter.
   */
  observe(value: number): void {
    const { bounds } = this;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.counts[at]!++;
    this.sum += value;
  }

  /** Adds counts from elsewhere, perhaps with other bounds: cumulative counts stay exact at common bounds. */
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

/**
 * Returns the value below which `wanted` values lie, interpolated linearly within a bucket like `histogram_quantile` of Prometheus;
 * undefined if there are too few values.
 */
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

/** Reports whether a status is 5xx, as a code or as a class. */
export function isFailure(status: string): boolean {
  return status.startsWith('5');
}

/** The counts for one set of labels. */
export interface Series {
  readonly metric: MetricKey;
  /** Label values, in the order of the metric's labels. */
  readonly labels: readonly string[];
  /** Counts by bucket; empty for a counter. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The counts since the last report. */
export interface Counted {
  /** The bounds of `[metrics] buckets`. */
  readonly buckets: readonly number[];
  readonly series: readonly Series[];
  /** Failed requests. */
  readonly failures?: readonly FailedRequests[];
}

/** Counts in progress for one set of labels. */
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

  /** Returns the distribution of a metric for these labels. */
  distribution(metric: MetricKey, labels: readonly string[]): Distribution {
    const fitting = labels.map((label) => label.slice(0, LABEL_CHARACTERS));
    const key = [metric, ...fitting].join('\n');
    const found = this.#series.get(key);
    if (found !== undefined) return found.values;
    const values = new Distribution(boundsOf(metric, this.buckets));
    this.#series.set(key, { metric, labels: fitting, values, isTold: false });
    return values;
  }

  /** Increments a counter. */
  count(metric: MetricKey, labels: readonly string[]): void {
    this.distribution(metric, labels).sum++;
  }

  /** Sets the total since the start of the process for a counter that is counted elsewhere. */
  follow(metric: MetricKey, labels: readonly string[], total: number): void {
    const key = [metric, ...labels].join('\n');
    const values = this.distribution(metric, labels);
    values.sum += total - (this.#told.get(key) ?? 0);
    this.#told.set(key, total);
  }

  /**
   * Returns the counts since the last call and resets them. Each series is reported once even without counts, so that it starts at 0 in
   * the total and a rate includes its first values.
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

/** Maximum number of label sets, because an application could create routes without limit. */
const MOST_SERIES = 10_000;
const OTHER = 'other';

/** The total of a series of a service. */
interface Total extends Pick<Series, 'metric' | 'labels'> {
  readonly api: string;
  readonly values: Distribution;
}

/** Totals of all processes of a launcher since its start, including ended ones. */
export class Totals {
  /** The bounds of `[metrics] buckets`. */
  readonly buckets: readonly number[];
  readonly #totals = new Map<string, Total>();
  readonly #failures = new Map<string, RecentFailures>();
  /** Requests lost with workers of removed APIs, by the reason of the worker's end. */
  readonly lost = new Map<string, Record<string, number>>();

  /** `buckets` may differ from a worker's bounds after a change of the option. */
  constructor(buckets: readonly number[]) {
    this.buckets = buckets;
  }

  static of(config: Config | undefined): Totals {
    return new Totals(config === undefined ? [] : bucketsOf(config));
  }

  add(api: string, { buckets, series, failures = [] }: Counted): void {
    const recent = this.#failures.get(api) ?? new RecentFailures();
    this.#failures.set(api, recent);
    for (const failure of failures) recent.add(failure);
    for (const { metric, labels, counts, sum } of series) {
      // After an update of the package, new workers of an old parent may count more.
      if (!Object.hasOwn(COUNTED, metric)) continue;
      this.#total(api, metric, labels).values.add(boundsOf(metric, buckets), counts, sum);
    }
  }

  /** Returns the most frequent and the last error of each route of an API in the last ten minutes. */
  failuresOf(api: string): readonly FailedRequests[] {
    return this.#failures.get(api)?.list ?? [];
  }

  /** Returns the totals of one metric. */
  of(metric: Series['metric']): Total[] {
    return [...this.#totals.values()].filter((total) => total.metric === metric);
  }

  /**
   * Returns the total for these labels. Above the limit, the metric's further series of an API are counted together, with "other" for
   * each label, so that no request is lost.
   */
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
