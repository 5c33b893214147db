/** What is counted for metrics, in the process that serves and in the one that is asked. Not an entry point. */
export { Distribution } from './distribution.js';
export { type Counted, Meter, type Series } from './meter.js';
export { COUNTED, type CountedMetric, LABEL_CHARACTERS, type MetricKey } from './metric-table.js';
export { bucketsOf, metricsOptions } from './metrics-options.js';
export { Totals } from './totals.js';
