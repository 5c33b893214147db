/** Figures of the last ten minutes: the number of requests, and their durations. */
import { boundOf, Distribution, isFailure, type Totals } from '../../metrics/index.js';

/** Interval of samples. */
export const EVERY_MS = 5000;
/** Number of intervals that are kept. */
const KEPT = 120;

/** Figures of one interval. */
export interface Stretch {
  /** Requests per second. */
  readonly rate: number;
  /** Share of requests answered with 5xx. */
  readonly failed: number;
  /** Median and 95th percentile of the duration in seconds; undefined without requests. */
  readonly median: number | undefined;
  readonly slow: number | undefined;
}

interface Sample {
  readonly at: number;
  readonly failed: number;
  readonly counts: readonly number[];
}

/** Computes the figures from samples of existing counters, one every five seconds. */
export class History {
  readonly #totals: () => Totals;
  readonly #stretches: Stretch[] = [];
  #last: Sample;

  constructor(totals: () => Totals) {
    this.#totals = totals;
    this.#last = this.#sample();
  }

  /** Intervals, oldest first. */
  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  /** Takes a sample. */
  take(): void {
    const now = this.#sample();
    const seconds = (now.at - this.#last.at) / 1000;
    const counts = now.counts.map((count, at) => count - (this.#last.counts[at] ?? 0));
    const requests = counts.reduce((sum, count) => sum + count, 0);
    const bounds = this.#totals().buckets;
    this.#stretches.push({
      rate: requests / seconds,
      failed: (now.failed - this.#last.failed) / seconds,
      median: boundOf(bounds, counts, requests * 0.5),
      slow: boundOf(bounds, counts, requests * 0.95),
    });
    if (this.#stretches.length > KEPT) this.#stretches.shift();
    this.#last = now;
  }

  #sample(): Sample {
    const totals = this.#totals();
    const all = new Distribution(totals.buckets);
    let failed = 0;
    for (const { labels, values } of totals.of('requests')) {
      all.add(values.bounds, values.counts, values.sum);
      if (isFailure(labels.at(-1)!)) failed += values.counts.reduce((sum, count) => sum + count, 0);
    }
    return { at: performance.now(), failed, counts: all.counts };
  }
}
