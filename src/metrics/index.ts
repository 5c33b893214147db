/** Counts for metrics, in serving processes and in the process that is scraped. Not an entry point. */
export { boundOf, type Counted, Distribution, isFailure, Meter, type Series, Totals } from './meter.js';
export {
  bucketsOf,
  COUNTED,
  type CountedMetric,
  LABEL_CHARACTERS,
  type MetricKey,
  metricsOptions,
} from './metric-table.js';
export { type FailedRequests, RecentFailures } from './recent-failures.js';
