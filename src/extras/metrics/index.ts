/** `portico/metrics`: metrics of applications with prom-client, on /metrics for all workers. */
export { metrics, type OwnMetrics } from './own-metrics.js';
