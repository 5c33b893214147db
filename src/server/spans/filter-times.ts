/**
 * Time that each filter of a pipeline takes itself, without the inner app. There is a probe between two filters: a
 * request that passes it inwards leaves the outer filter and enters the inner one; when the inner app is done, the
 * reverse happens. An app is done when what it returned has settled and its response has begun, so that a Router, an
 * Express app or a callback, which return nothing, are measured like an async function. Work of a filter while a response
 * streams is not distinguished.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, afterResponse, type Filter } from '../../app/index.js';
import { beganAt, exchangeOf, noteBegin, observed } from '../../app/internal.js';
import type { CreatedNode } from '../../loader/internal.js';

/** Returns probes around a pipeline's filters: one before each, and one before its app. */
export type PipelineProbes = (pipeline: Named, filters: readonly Named[]) => readonly Filter[];

/** A section of the paste file. */
type Named = Pick<CreatedNode, 'name'>;

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
  /** Counts errors that originate in it. */
  readonly errors?: { sum: number };
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
  /** Number of probes passed inwards. */
  depth: number;
  /** Probes that their apps have left before the response began. */
  open: { readonly depth: number; readonly close: () => void }[];
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
    const measured = filters.map(({ name }): Stop => ({ name, ...measure.filter(pipeline.name, name) }));
    const seconds = measure.application?.(pipeline.name);
    const application = seconds && { name: undefined, in: seconds, out: seconds };
    return [...measured, application].map((inner, at) => probe(measured[at - 1], inner));
  };
}

function probe(outer: Stop | undefined, inner: Stop | undefined): Filter {
  return (app: App): App =>
    (req, res) => {
      const trip = inward(req, outer, inner);
      noteBegin(res);
      const depth = ++trip.depth;
      return observed(app, req, res, (failure) => {
        const close = (): void => outward(req, res, trip, outer, inner, failure?.error);
        const isWithin = trip.open.some((each) => each.depth > depth);
        if (!isWithin && (failure !== undefined || hasBegun(res))) close();
        else if (trip.open.push({ depth, close }) === 1) afterResponse(res, () => closeAll(trip));
      });
    };
}

/** The innermost first. */
function closeAll(trip: Trip): void {
  const { open } = trip;
  trip.open = [];
  for (const { close } of open.sort((a, b) => b.depth - a.depth)) close();
}

/** Reports whether a response has begun; true for a complete body that a filter still holds, too. */
function hasBegun(res: ServerResponse): boolean {
  return res.writableEnded || beganAt(res) !== undefined;
}

function inward(req: Travelling, outer: Stop | undefined, inner: Stop | undefined): Trip {
  const now = performance.now();
  req[TRIP] ??= { since: now, filter: undefined, outward: false, error: undefined, depth: 0, open: [] };
  const trip = req[TRIP];
  outer?.in.observe((now - trip.since) / 1000);
  trip.since = now;
  trip.filter = inner;
  trip.outward = false;
  return trip;
}

function outward(
  req: IncomingMessage,
  res: ServerResponse,
  trip: Trip,
  outer: Stop | undefined,
  inner: Stop | undefined,
  error?: unknown,
): void {
  const now = performance.now();
  // A filter that has responded by itself was on the way in.
  const since = trip.outward ? trip.since : Math.max(trip.since, exchangeOf(req).slotAt);
  // Its response may stream for as long as its client likes.
  const until = trip.outward ? now : Math.max(since, Math.min(now, beganAt(res) ?? now));
  inner?.[trip.outward ? 'out' : 'in'].observe((until - since) / 1000);
  if (error !== undefined && error !== trip.error && inner?.errors !== undefined) inner.errors.sum++;
  trip.error = error;
  trip.since = now;
  trip.filter = outer;
  trip.outward = true;
}
