/** What is counted for `GET /metrics`. */
import { boolean, type Config, defineOptions, float, list } from '../config/index.js';

/** `[metrics]`. */
export const metricsOptions = defineOptions({
  enabled: boolean({
    default: false,
    help: 'Counts requests and how long they take, by method, route and status; GET /metrics of the admin listener and the control socket has them in the format of Prometheus.',
  }),
  filters: boolean({
    default: false,
    help: 'With enabled: measures the time that each filter takes by itself too, and shows which filter a request is in.',
  }),
  buckets: list({
    item: float({ min: 0 }),
    default: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    restart: true,
    help: 'The upper bounds of the histogram of durations, in seconds.',
  }),
});

/** The bounds of `[metrics] buckets`, each once and ascending. */
export function bucketsOf(config: Config): readonly number[] {
  return [...new Set(config.group('metrics', metricsOptions).buckets)].sort((a, b) => a - b);
}
