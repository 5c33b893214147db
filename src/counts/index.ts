/** Counts for metrics, in serving processes and in the process that is scraped. Not an entry point. */
export { currentTrial } from '../config/internal.js';
export { type Counted, Distribution, isFailure, Meter, type Series } from './meter.js';
export {
  COUNTED,
  type CountedMetric,
  isShippedMetric,
  LABEL_CHARACTERS,
  type MetricKey,
  metricsOptions,
} from './metric-table.js';
export { NotedFailures } from './noted-failures.js';
export { MOST_SERIES, type OwnTotal, OwnTotals, ownValue } from './own-totals.js';
export {
  addOwnMetrics,
  endOwnMetrics,
  inMessages,
  isGauge,
  OWN_GAUGES_TOPIC,
  type OwnMetric,
  type OwnMetricsReader,
  type OwnSeries,
  readOwnMetrics,
} from './own-values.js';
export type { FailedRequests } from './recent-failures.js';
export { NotedRefusals, RecentRefusals, type RefusedRequests, type ShownRefusals } from './recent-refusals.js';
export { SERIES_A_ROUTE, SERIES_HINT, type Total, Totals } from './totals.js';
