/**
 * Counts in a process that serves, and gives what came since it was asked last: who adds that up loses nothing when this
 * process ends, and no counter of it goes back.
 */
import { Distribution } from './distribution.js';
import { boundsOf, LABEL_CHARACTERS, type MetricKey } from './metric-table.js';

/** What was counted under one set of labels. */
export interface Series {
  readonly metric: MetricKey;
  /** As many as the metric has, in its order. */
  readonly labels: readonly string[];
  /** By bucket; none for a counter. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** What was counted since it was told last. */
export interface Counted {
  /** The bounds of `[metrics] buckets`. */
  readonly buckets: readonly number[];
  readonly series: readonly Series[];
}

/** Counts for one service. */
export class Meter {
  /** The bounds of `[metrics] buckets`. */
  buckets: readonly number[] = [];
  readonly #series = new Map<string, { metric: MetricKey; labels: readonly string[]; values: Distribution }>();
  readonly #told = new Map<string, number>();

  /** What is observed under these labels. */
  distribution(metric: MetricKey, labels: readonly string[]): Distribution {
    const fitting = labels.map((label) => label.slice(0, LABEL_CHARACTERS));
    const key = [metric, ...fitting].join('\n');
    const found = this.#series.get(key);
    if (found !== undefined) return found.values;
    const values = new Distribution(boundsOf(metric, this.buckets));
    this.#series.set(key, { metric, labels: fitting, values });
    return values;
  }

  /** One more of a counter. */
  count(metric: MetricKey, labels: readonly string[]): void {
    this.distribution(metric, labels).sum++;
  }

  /** Counts what was counted somewhere else since the process began. */
  follow(metric: MetricKey, labels: readonly string[], total: number): void {
    const key = [metric, ...labels].join('\n');
    const before = this.#told.get(key) ?? 0;
    if (total === before) return;
    this.#told.set(key, total);
    this.distribution(metric, labels).sum += total - before;
  }

  /** What has come since it was taken last. */
  take(): Counted {
    const series: Series[] = [];
    for (const { metric, labels, values } of this.#series.values()) {
      const { counts, sum } = values;
      if (sum === 0 && counts.every((count) => count === 0)) continue;
      series.push({ metric, labels, counts: values.bounds.length === 0 ? [] : counts.slice(), sum });
      values.reset();
    }
    return { buckets: this.buckets, series };
  }
}
