/**
 * A trial of a request, as `api-cli explain` makes it: the request runs through the composed app, each part notes that it has entered it, and
 * where an action would be called, its end is noted instead. It finds its trial at the exchange of the request.
 */
import type { Origin } from '../errors/index.js';
import type { App } from './app.js';
import type { Fault } from './fault.js';

/** The trial of a request for filters: `environ(req).trial`. A filter that would ask or count something outside of the process does not. */
export interface RequestTrial {
  /** Notes what the filter would do in a service, as what follows "would": `ask the quota service, and respond with 429 over the quota`. */
  would(text: string): void;
  /** Reports whether a part of the request is unknown. */
  isUnknown(part: 'body' | 'headers'): boolean;
  /** Takes the caller as accepted, by a filter that would ask elsewhere or knows no credentials, and notes what it would do. */
  assumeCaller(text: string): void;
}

/** Parts of a request that may be unknown: a line of a log has neither its body nor its credentials. */
export type UnknownPart = 'body' | 'headers';

/** A part of an app that requests enter. */
export interface TrialNode {
  readonly what: 'composite' | 'pipeline' | 'filter' | 'app' | 'route' | 'action' | 'response';
  readonly name: string;
  readonly factory?: string | undefined;
  readonly origin?: Origin | undefined;
}

/** A part that a request has entered. */
export interface TrialStep {
  readonly node: TrialNode;
  readonly notes: string[];
  /** Facts of a Router about it, for descriptions. */
  readonly facts: unknown;
  /** The consumed part of the path, and the rest, where the request entered it. */
  readonly scriptName: string;
  readonly url: string;
}

/** The exchange of a request in an app. */
interface Place {
  readonly scriptName: string;
  readonly req: { readonly url?: string | undefined };
}

/** The end of a request that reaches the code of an application. */
export interface TrialEnd {
  readonly what: 'action' | 'plugin' | 'app';
  readonly name: string;
  /** The status that the action declares; undefined: it decides. */
  readonly status?: number | undefined;
}

export class Trial implements RequestTrial {
  readonly steps: TrialStep[] = [];
  /** The API version that the request names; undefined: as its headers say. */
  readonly version: string | undefined;
  readonly #unknown: readonly UnknownPart[];
  /** Assumptions about an unknown request: its body is valid, its caller is accepted. */
  readonly assumed = new Set<'body' | 'caller'>();
  end: TrialEnd | undefined;
  /** The last fault that was sent; after an end, a failure of a filter on the way out. */
  fault: Fault | undefined;

  /** `unknown`: parts of the request that are not known. Default: none. */
  constructor(unknown: readonly UnknownPart[] = [], version?: string) {
    this.#unknown = unknown;
    this.version = version;
  }

  isUnknown(part: UnknownPart): boolean {
    return this.#unknown.includes(part);
  }

  enter(node: TrialNode, { scriptName, req }: Place, facts?: unknown): void {
    this.steps.push({ node, notes: [], facts, scriptName, url: req.url ?? '' });
  }

  /** Adds a note to the part that the request has entered last. */
  note(note: string): void {
    this.steps.at(-1)?.notes.push(note);
  }

  would(text: string): void {
    this.note(`would ${text}`);
  }

  /** Whether the caller is taken as accepted: nothing can be said of what it may do. */
  get isCallerAssumed(): boolean {
    return this.assumed.has('caller');
  }

  assumeCaller(text: string): void {
    this.assumed.add('caller');
    this.would(text);
  }
}

/** Apps that know trials: they call no code of an application for one. */
const TRIED = new WeakSet<App>();

/** Marks an app whose responses to trials are those that it gives to clients: it notes the end in place of calling an application. */
export function knowsTrials<A extends App>(app: A): A {
  TRIED.add(app);
  return app;
}

/** Reports whether an app may be called for a trial. */
export function canTry(app: App): boolean {
  return TRIED.has(app);
}

/** Ends a trial where the code of an application would be called. */
export function endTrial(trial: Trial, res: { statusCode: number; end(): unknown }, end: TrialEnd): void {
  trial.end = end;
  trial.fault = undefined;
  if (end.status !== undefined) res.statusCode = end.status;
  res.end();
}
