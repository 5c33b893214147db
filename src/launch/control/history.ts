/** Figures of the last ten minutes: the number of requests, and their durations. */
import { boundOf, Distribution, isFailure, type Totals } from '../../metrics/index.js';

/** How often a sample is taken. */
export const EVERY_MS = 5000;
/** So many stretches. */
export const KEPT = 120;
export const MINUTES = (KEPT * EVERY_MS) / 60_000;

/** A stretch of time. */
export interface Stretch {
  /** Requests a second. */
  readonly rate: number;
  /** Of these, answered with 5xx. */
  readonly failed: number;
  /** Seconds that half of the requests took at most, and 95 of 100; undefined where there was none. */
  readonly median: number | undefined;
  readonly slow: number | undefined;
}

interface Sample {
  readonly at: number;
  readonly failed: number;
  readonly counts: readonly number[];
}

/** Made of samples of numbers that are there anyway, one each five seconds. */
export class History {
  readonly #totals: () => Totals;
  readonly #stretches: Stretch[] = [];
  #last: Sample;

  constructor(totals: () => Totals) {
    this.#totals = totals;
    this.#last = this.#sample();
  }

  /** Oldest first. */
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
