/** Metrics of Prometheus before they are text. */
import type { Distribution } from '../../metrics/index.js';

export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly values: Iterable<Value>;
}

/** A sample, or the distribution of a histogram. */
export interface Value {
  readonly value: number | Distribution;
  readonly labels: Readonly<Record<string, string>>;
}

/** A sample of a number. */
export type NumberValue = Value & { readonly value: number };

export const counter = (name: string, help: string, values: Iterable<NumberValue>): Metric => ({
  name,
  help,
  type: 'counter',
  values,
});

export const gauge = (name: string, help: string, values: Iterable<NumberValue>): Metric => ({
  ...counter(name, help, values),
  type: 'gauge',
});

/** Returns one sample, or none for an unknown value. */
export function valueIf(labels: Value['labels'], value: number | undefined): NumberValue[] {
  return value === undefined ? [] : [{ labels, value }];
}
