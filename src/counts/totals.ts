/**
 * Sums of what all serving processes of a launcher have counted since its start. Counters of ended processes stay, so no sum decreases.
 */
import type { Logger } from '../log/index.js';
import { type Counted, Distribution, type Series } from './meter.js';
import { BUCKETS, boundsOf, COUNTED, type MetricKey } from './metric-table.js';
import { MOST_SERIES, OwnTotals } from './own-totals.js';
import { type FailedRequests, RecentFailures } from './recent-failures.js';
import { RecentRefusals, type ShownRefusals } from './recent-refusals.js';

/** Series of a route with a request: its duration, and its status beside the failures that begin at 0. */
export const SERIES_A_ROUTE = 4;
const OTHER = 'other';
/** Remedy for an API with too many series. */
export const SERIES_HINT = 'Set status = class in [metrics], or give routes that differ only in a text a variable.';

/** The total of a series of a service. */
export interface Total extends Pick<Series, 'metric' | 'labels'> {
  readonly api: string;
  readonly values: Distribution;
}

/** Totals of all processes of a launcher since its start, including ended ones. */
export class Totals {
  /** Bounds of durations. */
  readonly buckets: readonly number[];
  readonly #totals = new Map<MetricKey, Map<string, Total>>();
  readonly #failures = new Map<string, RecentFailures>();
  readonly #refusals = new Map<string, RecentRefusals>();
  /** Number of series of each API, without those for all that is above the limit. */
  readonly sizes = new Map<string, number>();
  /** Requests lost with workers of removed APIs, by the reason of the worker's end. */
  readonly lost = new Map<string, Record<string, number>>();
  readonly #full = new Set<string>();
  readonly #isFull: (api: string) => void;
  /** Totals of the application's own metrics. */
  readonly own: OwnTotals;

  /** `buckets` may differ from the bounds of a worker of another version. `isFull` is called once for an API at the limit. */
  constructor(buckets: readonly number[], isFull: (api: string) => void = () => undefined, own = new OwnTotals()) {
    this.buckets = buckets;
    this.own = own;
    this.#isFull = isFull;
  }

  /** Returns totals that log a warning for an API at the limit. */
  static of(log: Pick<Logger, 'warn'>): Totals {
    const told = new Set<string>();
    const own = new OwnTotals((key, code, message, hint) => {
      if (told.has(key)) return;
      told.add(key);
      log.warn({ code, hint }, message);
    });
    const isFull = (api: string): void => {
      const { message, ...fields } = fullText(api);
      log.warn(fields, message);
    };
    return new Totals(BUCKETS, isFull, own);
  }

  add(api: string, { buckets, series, own, failures = [], refusals = [] }: Counted): void {
    if (own !== undefined) this.own.add(own);
    const recent = this.#failures.get(api) ?? new RecentFailures();
    this.#failures.set(api, recent);
    for (const failure of failures) recent.add(failure);
    const refused = this.#refusals.get(api) ?? new RecentRefusals();
    this.#refusals.set(api, refused);
    for (const refusal of refusals) refused.add(refusal);
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

  /** Returns the refused requests of an API in the last ten minutes, by reason. */
  refusalsOf(api: string): readonly ShownRefusals[] {
    return this.#refusals.get(api)?.list ?? [];
  }

  /** Returns the totals of one metric. */
  of(metric: MetricKey): Iterable<Total> {
    return this.#totals.get(metric)?.values() ?? [];
  }

  /**
   * Returns the total for these labels. Above the limit, the metric's further series of an API are counted together, with "other" for
   * each label, so that no request is lost.
   */
  #total(api: string, metric: MetricKey, labels: readonly string[]): Total {
    const key = [api, ...labels].join('\n');
    const known = this.#totals.get(metric) ?? new Map<string, Total>();
    this.#totals.set(metric, known);
    const found = known.get(key);
    if (found !== undefined) return found;
    const size = this.sizes.get(api) ?? 0;
    const isOther = labels.length > 0 && labels.every((label) => label === OTHER);
    if (size >= MOST_SERIES && labels.length > 0 && !isOther) {
      this.#noteFull(api);
      const other = labels.map(() => OTHER);
      return this.#total(api, metric, other);
    }
    if (!isOther) this.sizes.set(api, size + 1);
    const total = { api, metric, labels, values: new Distribution(boundsOf(metric, this.buckets)) };
    known.set(key, total);
    return total;
  }

  #noteFull(api: string): void {
    if (this.#full.has(api)) return;
    this.#full.add(api);
    this.#isFull(api);
  }
}

function fullText(api: string): Readonly<Record<'code' | 'message' | 'hint', string>> {
  return {
    code: 'PORTICO_METRICS_SERIES',
    message: `the API ${api} has ${MOST_SERIES} series of metrics: requests of further routes and statuses are counted as route="other"`,
    hint: SERIES_HINT,
  };
}
