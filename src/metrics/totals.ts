/** What all processes of a launcher have counted since it began, those that have ended included. */
import type { Config } from '../config/index.js';
import { Distribution } from './distribution.js';
import type { Counted, Series } from './meter.js';
import { boundsOf } from './metric-table.js';
import { bucketsOf } from './metrics-options.js';

/** So many sets of labels are kept: an application could make up routes without an end. */
const MOST_SERIES = 10_000;
const OTHER = 'other';

/** A series of a service. */
interface Total extends Pick<Series, 'metric' | 'labels'> {
  readonly api: string;
  readonly values: Distribution;
}

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
