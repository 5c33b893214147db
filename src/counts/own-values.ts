/**
 * Metrics of an application, from the code that counts to the process that is scraped: a serving process reports increments with its
 * heartbeats, so that they outlive it, and gauges when it is asked.
 */
import type { Config } from '../config/index.js';
import { LABEL_CHARACTERS, metricsOptions } from './metric-table.js';

/** A metric of an application. */
export interface OwnMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** How the values of a gauge in several processes become one: `sum`, `min`, `max`, `average` or `first`. */
  readonly aggregator: string;
  /** Upper bounds of a histogram, in ascending order. */
  readonly bounds: readonly number[];
  readonly series: readonly OwnSeries[];
}

/** Values for one set of labels: those of a gauge, or the increments since the last ones. */
export interface OwnSeries {
  /** Each label's name, followed by its value. */
  readonly labels: readonly string[];
  /** Increments of the buckets of a histogram, or of the count of a summary. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Metrics that a process has. */
export interface OwnMetricsReader {
  /** `all`: all metrics; `counts`: all but gauges; `kept`: counts, but none that an application computes when it is read. */
  read(what: 'all' | 'counts' | 'kept'): Promise<readonly OwnMetric[]>;
  /** Names of the metrics that there are. */
  names(): readonly string[];
}

/** The topic of the question for gauges; the increments are reported before the response. */
export const OWN_GAUGES_TOPIC = 'portico.own-gauges';

/** Series in a message, and labels of a series: an application must not exceed the size of a message. */
const MOST_IN_MESSAGE = 100;
const MOST_LABELS = 30;
/** Most characters of a description. */
const HELP_CHARACTERS = 250;

/** A reader, with the numbers of the first and the last configuration whose app has added it. */
interface Added {
  readonly reader: OwnMetricsReader;
  readonly first: number;
  readonly last: number;
}

const READERS = new WeakMap<object, Map<object, Added>>();

/** Adds metrics to /metrics, once for each `key`, also after reloads. */
export function addOwnMetrics(config: Config, key: object, reader: () => OwnMetricsReader): void {
  const readers = READERS.get(config.lineage) ?? new Map<object, Added>();
  const { generation } = config;
  const known = readers.get(key) ?? { reader: reader(), first: generation, last: generation };
  READERS.set(config.lineage, readers.set(key, { ...known, last: Math.max(known.last, generation) }));
}

/**
 * Called when a reload of this process has ended, with the configuration that applies: forgets metrics of a refused configuration, and those of
 * former ones that newer ones have under the same names. Returns the last increments of the latter.
 */
export async function endOwnMetrics(config: Config): Promise<readonly OwnMetric[]> {
  const readers = READERS.get(config.lineage) ?? new Map<object, Added>();
  const { generation } = config;
  for (const [key, { first }] of readers) if (first > generation) readers.delete(key);
  const newer = new Set([...readers.values()].flatMap(({ reader, last }) => (last < generation ? [] : reader.names())));
  const replaced = [...readers].filter(([, { reader, last }]) => {
    return last < generation && reader.names().some((name) => newer.has(name));
  });
  for (const [key] of replaced) readers.delete(key);
  const { enabled } = config.group('metrics', metricsOptions);
  if (!enabled) return [];
  return (await Promise.all(replaced.map(([, { reader }]) => reader.read('kept')))).flat().map(fitting);
}

/** Returns the metrics of an application; undefined if it has none, or metrics are disabled. */
export async function readOwnMetrics(
  config: Config | undefined,
  what: Parameters<OwnMetricsReader['read']>[0],
): Promise<readonly OwnMetric[] | undefined> {
  const readers = config && READERS.get(config.lineage);
  if (readers === undefined || config?.group('metrics', metricsOptions).enabled !== true) return undefined;
  const read = await Promise.all([...readers.values()].map(({ reader }) => reader.read(what)));
  return read.flat().map(fitting);
}

export function isGauge({ type }: OwnMetric): boolean {
  return type === 'gauge';
}

/** Returns the metrics in parts that fit into messages. */
export function inMessages(metrics: readonly OwnMetric[]): OwnMetric[][] {
  const messages: OwnMetric[][] = [];
  let left = 0;
  for (const metric of metrics) {
    for (let from = 0; from < metric.series.length; from += MOST_IN_MESSAGE) {
      const series = metric.series.slice(from, from + MOST_IN_MESSAGE);
      if (series.length > left) {
        messages.push([]);
        left = MOST_IN_MESSAGE;
      }
      messages.at(-1)!.push({ ...metric, series });
      left -= series.length;
    }
  }
  return messages;
}

function fitting({ name, help, series, ...metric }: OwnMetric): OwnMetric {
  const fit = (text: string): string => text.slice(0, LABEL_CHARACTERS);
  const labelled = series.map((each) => ({ ...each, labels: each.labels.slice(0, 2 * MOST_LABELS).map(fit) }));
  return { ...metric, name: fit(name), help: help.slice(0, HELP_CHARACTERS), series: labelled };
}
