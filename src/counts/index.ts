/** Counts for metrics, in serving processes and in the process that is scraped. Not an entry point. */
export { BusiestClients, type ClientCounts } from './busiest-clients.js';
export { type Counted, Distribution, isFailure, Meter, type Quantile, quantileOf, type Series } from './meter.js';
export {
  bucketsOf,
  COUNTED,
  type CountedMetric,
  LABEL_CHARACTERS,
  type MetricKey,
  metricsOptions,
} from './metric-table.js';
export { NotedFailures } from './noted-failures.js';
export type { FailedRequests } from './recent-failures.js';
export { NotedRefusals, RecentRefusals, type RefusedRequests, type ShownRefusals } from './recent-refusals.js';
export { MOST_SERIES, SERIES_A_ROUTE, SERIES_HINT, type Total, Totals } from './totals.js';
