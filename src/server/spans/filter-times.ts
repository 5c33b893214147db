/**
 * Time that each filter of a pipeline takes itself, without the inner app. There is a probe between two filters: a
 * request that passes it inwards leaves the outer filter and enters the inner one; when the inner app has settled, the
 * reverse happens. Work of a filter while a response streams is not distinguished.
 */
import type { IncomingMessage } from 'node:http';
import type { App, Filter } from '../../app/index.js';
import { exchangeOf } from '../../app/internal.js';

/** Returns probes around a pipeline's filters: one before each, and one before its app. */
export type PipelineProbes = (pipeline: string, filters: readonly string[]) => readonly Filter[];

/** Measures of a pipeline. */
export interface PipelineMeasure {
  filter(pipeline: string, filter: string): MeasuredFilter;
  /** Observer of its application's time, if that is measured. */
  application?(pipeline: string): Observer;
}

/** Joins two kinds of probes around a pipeline's filters, the first one outside. */
export function bothProbes(
  first: PipelineProbes | undefined,
  second: PipelineProbes | undefined,
): PipelineProbes | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (pipeline, filters) => {
    const inner = second(pipeline, filters);
    return first(pipeline, filters).map(
      (outer, at): Filter =>
        (app) =>
          outer(inner[at]!(app)),
    );
  };
}

/** Observes the times of one filter: before its inner app was called, and after that has settled. */
export interface MeasuredFilter {
  readonly in: Observer;
  readonly out: Observer;
  /** Called when an error originates in it. */
  failed?(): void;
}

interface Observer {
  observe(seconds: number): void;
}

/** A filter between two probes, or the application after the last one, which has no name. */
interface Stop extends MeasuredFilter {
  readonly name: string | undefined;
}

/** Progress of a request. */
interface Trip {
  /** Time of the last probe, by `performance.now()`. */
  since: number;
  /** The present filter; undefined in an app, and outside. */
  filter: Stop | undefined;
  outward: boolean;
  /** Error of the last filter or app. */
  error: unknown;
}

const TRIP: unique symbol = Symbol('portico.filterTrip');

type Travelling = IncomingMessage & { [TRIP]?: Trip };

/** Returns the filter that a request is in, if filters are measured. */
export function filterOf(req: IncomingMessage): string | undefined {
  return (req as Travelling)[TRIP]?.filter?.name;
}

/** Returns probes that measure each filter; `measure` is called for each when a pipeline is composed. */
export function pipelineProbes(measure: PipelineMeasure): PipelineProbes {
  return (pipeline, filters) => {
    const measured = filters.map((name): Stop => ({ name, ...measure.filter(pipeline, name) }));
    const seconds = measure.application?.(pipeline);
    const application = seconds && { name: undefined, in: seconds, out: seconds };
    return [...measured, application].map((inner, at) => probe(measured[at - 1], inner));
  };
}

function probe(outer: Stop | undefined, inner: Stop | undefined): Filter {
  return (app: App): App =>
    (req, res) => {
      const trip = inward(req, outer, inner);
      let returned: void | Promise<void>;
      try {
        returned = app(req, res);
      } catch (error) {
        outward(req, trip, outer, inner, error);
        throw error;
      }
      if (typeof (returned as PromiseLike<void> | undefined)?.then !== 'function') outward(req, trip, outer, inner);
      else {
        (returned as Promise<void>).then(
          () => outward(req, trip, outer, inner),
          (error: unknown) => outward(req, trip, outer, inner, error),
        );
      }
      return returned;
    };
}

function inward(req: Travelling, outer: Stop | undefined, inner: Stop | undefined): Trip {
  const now = performance.now();
  req[TRIP] ??= { since: now, filter: undefined, outward: false, error: undefined };
  const trip = req[TRIP];
  outer?.in.observe((now - trip.since) / 1000);
  trip.since = now;
  trip.filter = inner;
  trip.outward = false;
  return trip;
}

function outward(
  req: IncomingMessage,
  trip: Trip,
  outer: Stop | undefined,
  inner: Stop | undefined,
  error?: unknown,
): void {
  const now = performance.now();
  // A filter that has answered by itself was on the way in.
  const since = trip.outward ? trip.since : Math.max(trip.since, exchangeOf(req).slotAt);
  inner?.[trip.outward ? 'out' : 'in'].observe((now - since) / 1000);
  if (error !== undefined && error !== trip.error) inner?.failed?.();
  trip.error = error;
  trip.since = now;
  trip.filter = outer;
  trip.outward = true;
}
