/** The classes of prom-client on a registry whose values all workers have on /metrics together. */
import type { Config } from 'portico/config';
import { addOwnMetrics, currentTrial, importPeer, isShippedMetric, PorticoError } from 'portico/extension';

// biome-ignore lint/suspicious/noTsIgnore: the package is optional, and the comment has to be in the declarations.
/** @ts-ignore Without the package, its types are unknown. */
import type * as prom from 'prom-client';

import { registryReader } from './registry-reader.js';

/** Classes of prom-client whose metrics are on /metrics, without an option `registers`. */
export interface OwnMetrics {
  readonly Counter: typeof prom.Counter;
  readonly Gauge: typeof prom.Gauge;
  readonly Histogram: typeof prom.Histogram;
  readonly Summary: typeof prom.Summary;
  /** The registry of the metrics, for libraries that ask for one. */
  readonly registry: prom.Registry;
}

/** Options of a metric that two definitions of it must have in common. */
interface Definition {
  readonly name: string;
  readonly labelNames?: readonly string[];
  readonly buckets?: readonly number[];
  readonly percentiles?: readonly number[];
  readonly aggregator?: string;
  readonly registers?: unknown;
  readonly collect?: unknown;
}

const PROM_CLIENT = { code: 'PORTICO_PROM_CLIENT_MISSING', neededBy: 'portico/metrics', spec: 'prom-client@15' };

/** A registry, and the definitions of the metrics that were made for it here. */
interface Place {
  readonly registry: prom.Registry;
  readonly definitions: Map<string, string>;
}

/** The registry of each application that has given none. */
const REGISTRIES = new WeakMap<object, prom.Registry>();
const MADE = new WeakMap<prom.Registry, OwnMetrics>();
/** Registries of trials, each by the registry that it replaces. */
const TRIED = new WeakMap<object, Map<Place, Place>>();

/**
 * Shows the metrics of a registry on /metrics, those that are added later too, and returns classes of prom-client that add to it. `registry`:
 * one that the application has. Default: one of the application, also after reloads. A metric that is made again with the same type, labels,
 * buckets and aggregator is the one that there is; another definition and names of Portico's own metrics are errors. An app that is built for a
 * check gets metrics that nobody sees.
 */
export async function metrics(config: Config, registry?: prom.Registry): Promise<OwnMetrics> {
  const client = await importPeer((failed) => import('prom-client').catch(failed), PROM_CLIENT);
  const own = registry ?? REGISTRIES.get(config.lineage) ?? new client.Registry();
  if (registry === undefined) REGISTRIES.set(config.lineage, own);
  if (currentTrial() === undefined) addOwnMetrics(config, own, () => registryReader(own, config.log));
  const made = MADE.get(own) ?? classesOf(client, own, registry !== undefined);
  MADE.set(own, made);
  return made;
}

/** `isGiven`: the application knows the registry. */
function classesOf(client: typeof prom, registry: prom.Registry, isGiven: boolean): OwnMetrics {
  const serving: Place = { registry, definitions: new Map() };
  const placeNow = (): Place => {
    const trial = currentTrial();
    return trial === undefined ? serving : placeIn(trial, serving, client);
  };
  const bound = <C extends new (...given: never[]) => object>(type: string, Class: C): C =>
    new Proxy(Class, {
      construct(target, [definition]: [Definition], newTarget) {
        const { name, collect, registers } = definition;
        if (registers !== undefined) return Reflect.construct(target, [definition], newTarget) as object;
        if (isShippedMetric(name)) refuseShipped(name);
        const text = textOf(type, definition);
        const place = placeNow();
        const known = [place, serving].map((each) => metricIn(each, name, text))[0];
        // That of the newer code.
        if (known !== undefined) return Object.assign(known, { collect });
        const given = { ...definition, registers: [place.registry] };
        const metric = Reflect.construct(target, [given], newTarget) as object;
        place.definitions.set(name, text);
        return metric;
      },
    });
  return {
    Counter: bound('counter', client.Counter),
    Gauge: bound('gauge', client.Gauge),
    Histogram: bound('histogram', client.Histogram),
    Summary: bound('summary', client.Summary),
    get registry() {
      return isGiven ? registry : placeNow().registry;
    },
  };
}

function placeIn(trial: object, serving: Place, { Registry }: typeof prom): Place {
  const places = TRIED.get(trial) ?? new Map<Place, Place>();
  const place = places.get(serving) ?? { registry: new Registry(), definitions: new Map<string, string>() };
  TRIED.set(trial, places.set(serving, place));
  return place;
}

/** Returns the metric of that name in a registry; throws if it was defined otherwise. */
function metricIn({ registry, definitions }: Place, name: string, text: string): object | undefined {
  const known = registry.getSingleMetric(name);
  const before = definitions.get(name);
  if (known === undefined || before === undefined) return undefined;
  if (before !== text) refuseOther(name, before, text);
  return known;
}

function textOf(type: string, { labelNames = [], buckets, percentiles, aggregator = 'sum' }: Definition): string {
  const parts = { labels: labelNames, buckets, percentiles, aggregator: aggregator === 'sum' ? [] : [aggregator] };
  const written = Object.entries(parts).flatMap(([name, values = []]) =>
    values.length === 0 ? [] : [`${name} ${values.join(', ')}`],
  );
  return [`a ${type}`, ...written].join('; ');
}

function refuseShipped(name: string): never {
  throw new PorticoError('PORTICO_METRIC_NAME', {
    message: `${JSON.stringify(name)} is the name of a metric of Portico`,
    hint: 'Choose another name: those that begin with portico_ are taken, and process_… of the parent.',
  });
}

function refuseOther(name: string, before: string, now: string): never {
  throw new PorticoError('PORTICO_METRIC_DEFINITION', {
    message: `the metric ${name} is ${before}, and is defined again as ${now}`,
    hint: 'Use another name.',
  });
}
