/** Metrics in the form of prom-client's aggregation. */

/** A metric as prom-client's `getMetricsAsJSON()` returns it, and its aggregation accepts it. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly Value[];
}

/** A sample. */
export interface Value {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly metricName?: string;
}

export const counter = (name: string, help: string, values: readonly Value[]): Metric => ({
  name,
  help,
  type: 'counter',
  aggregator: 'sum',
  values,
});

export const gauge = (name: string, help: string, values: readonly Value[]): Metric => ({
  ...counter(name, help, values),
  type: 'gauge',
});

/** Returns one sample, or none for an unknown value. */
export function valueIf(labels: Value['labels'], value: number | undefined): Value[] {
  return value === undefined ? [] : [{ labels, value }];
}
