/**
 * The time that each filter of a pipeline takes by itself, without what is inside it. Between two filters stands a probe: a
 * request that passes it inwards leaves the outer filter and enters the inner one; when what is inside has settled it is the
 * other way round. What a filter does later, while an answer streams, is not told apart.
 */
import type { IncomingMessage } from 'node:http';
import type { App, Filter } from '../../app/index.js';

/** What is put around a pipeline's filters: one before each, and one before its app. */
export type PipelineProbes = (pipeline: string, filters: readonly string[]) => readonly Filter[];

/** Takes the times of one filter: before the app inside it was called, and after that has settled. */
export interface MeasuredFilter {
  readonly in: Observer;
  readonly out: Observer;
}

interface Observer {
  observe(seconds: number): void;
}

/** How far a request is on its way. */
interface Trip {
  /** When it passed the last probe, by `performance.now()`. */
  since: number;
  outward: boolean;
}

const TRIP: unique symbol = Symbol('portico.filterTrip');

type Travelling = IncomingMessage & { [TRIP]?: Trip };

/** Probes that measure each filter; `measure` is called for each when a pipeline is composed. */
export function pipelineProbes(measure: (pipeline: string, filter: string) => MeasuredFilter): PipelineProbes {
  return (pipeline, filters) => {
    const measured = filters.map((name) => measure(pipeline, name));
    return [...measured, undefined].map((inner, at) => probe(measured[at - 1], inner));
  };
}

function probe(outer: MeasuredFilter | undefined, inner: MeasuredFilter | undefined): Filter {
  return (app: App): App =>
    (req, res) => {
      const trip = inward(req, outer);
      let returned: void | Promise<void>;
      try {
        returned = app(req, res);
      } catch (error) {
        outward(trip, inner);
        throw error;
      }
      if (typeof (returned as PromiseLike<void> | undefined)?.then !== 'function') outward(trip, inner);
      else {
        const settled = (): void => outward(trip, inner);
        (returned as Promise<void>).then(settled, settled);
      }
      return returned;
    };
}

function inward(req: Travelling, outer: MeasuredFilter | undefined): Trip {
  const now = performance.now();
  req[TRIP] ??= { since: now, outward: false };
  const trip = req[TRIP];
  outer?.in.observe((now - trip.since) / 1000);
  trip.since = now;
  trip.outward = false;
  return trip;
}

function outward(trip: Trip, inner: MeasuredFilter | undefined): void {
  const now = performance.now();
  // One that has answered by itself was on the way in.
  inner?.[trip.outward ? 'out' : 'in'].observe((now - trip.since) / 1000);
  trip.since = now;
  trip.outward = true;
}
