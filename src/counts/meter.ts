/**
 * Counts in a serving process, which reports the increments since the last report. The process that adds them up loses nothing when a
 * worker ends, and its counters never decrease.
 */
import { BUCKETS, boundsOf, LABEL_CHARACTERS, type MetricKey } from './metric-table.js';
import type { OwnMetric } from './own-values.js';
import type { FailedRequests } from './recent-failures.js';
import type { RefusedRequests } from './recent-refusals.js';

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

  /** Adds a value. Takes 10 ns: a request has three values, and two more for each filter. */
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
  /** Bounds of durations. */
  readonly buckets: readonly number[];
  readonly series: readonly Series[];
  /** Increments of the application's own metrics. */
  readonly own?: readonly OwnMetric[];
  /** Failed requests. */
  readonly failures?: readonly FailedRequests[];
  /** Refused requests. */
  readonly refusals?: readonly RefusedRequests[];
}

/** Counts in progress for one set of labels. */
interface Counting extends Pick<Series, 'metric' | 'labels'> {
  readonly values: Distribution;
  isTold: boolean;
}

/** Counts for one service. */
export class Meter {
  /** Bounds of durations. */
  buckets = BUCKETS;
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

  /** Counts a run of a job. Its failures start at 0, so that the first one appears as an increase. */
  ran(job: string, seconds: number, outcome: 'ok' | 'failed'): void {
    this.distribution('jobs', [job, 'failed']);
    this.distribution('jobs', [job, outcome]).observe(seconds);
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
