/**
 * Replay of an access log: each distinct request runs through both states, up to its action, and the requests whose status or route differ are
 * counted by route. The memory that it takes depends on the number of routes, not on that of lines.
 */
import { type LoggedRequest, loggedRequest } from './replay-lines.js';
import { type ReplayedRequest, ReplayProcess, type ReplayVerdict } from './replay-process.js';
import { templateKey } from './state.js';
import type { StateSource } from './state-process.js';

export interface ReplayOptions {
  /** Before and after. Null before: it is the service that has written the log, and responded as its lines say. */
  readonly states: readonly [StateSource | null, StateSource];
  /** The API of lines that name none. */
  readonly api?: string | undefined;
  /** Returns a target as it is shown, without secrets: logs of other servers have them. */
  readonly maskTarget: (target: string) => string;
  /** Called after each part of the log, with the number of lines so far. */
  readonly onProgress?: ((lines: number) => void) | undefined;
}

/** The result of a replay. */
export interface ReplayReport {
  readonly lines: number;
  readonly requests: number;
  /** Lines without a request. */
  readonly skipped: number;
  /** Requests for an API that is not known in one of the states. */
  readonly unknownApi: number;
  /** Requests to actions with a schema for the body, which the log does not have: nothing is said of it. */
  readonly unknownBody: number;
  /** Requests to which one of the states did not respond in time, such as those of a filter that waits for another server. */
  readonly unanswered: number;
  /** Requests with a difference. */
  readonly changed: number;
  /** Routes with a difference, most requests first. */
  readonly routes: readonly ReplayedRoute[];
}

/** The requests of a route. */
export interface ReplayedRoute {
  readonly api: string;
  readonly method: string;
  /** Template in the state before; of requests that had no route, that in the state after; null if there is none. */
  readonly route: string | null;
  readonly requests: number;
  readonly changes: readonly ReplayChange[];
}

/** Requests of a route with the same difference. */
export interface ReplayChange {
  readonly before: Outcome;
  readonly after: Outcome;
  readonly requests: number;
  /** Number of them that the log has with a 2xx or 3xx, and that would get a 4xx or 5xx. */
  readonly refused: number;
  /** Three of them. */
  readonly examples: readonly ReplayExample[];
  /** Most frequent ones. */
  readonly userAgents: readonly string[];
}

export interface ReplayExample {
  readonly target: string;
  /** The status in the log. */
  readonly status: number | null;
  readonly userAgent: string | null;
}

export type Outcome = Pick<ReplayVerdict, 'status' | 'route' | 'action' | 'issues'>;

/** Distinct requests that are sent to both states at once. */
const PART = 2000;
const EXAMPLES = 3;
const AGENTS = 5;
/** User agents that are counted for a difference: clients choose them. */
const COUNTED_AGENTS = 100;

/** A distinct request of a part. */
interface Seen {
  readonly request: ReplayedRequest;
  readonly logged: LoggedRequest;
  readonly agents: Map<string, number>;
  requests: number;
  /** Number of them with a 2xx or 3xx in the log; if the log is the state before, only with a route: a proxy may have sent the others. */
  succeeded: number;
}

/** Runs the requests of a log through two states. Throws `PORTICO_PLAN_STATE` for a state that cannot be composed. */
export async function replay(lines: AsyncIterable<string>, options: ReplayOptions): Promise<ReplayReport> {
  const [old, now] = options.states;
  const processes = { before: old && new ReplayProcess(old), after: new ReplayProcess(now) };
  const tally = new Tally(options.maskTarget);
  const answer = async (seen: readonly Seen[], lines: number): Promise<void> => {
    if (seen.length === 0) return;
    const requests = seen.map(({ request }) => request);
    const [before, after] = await Promise.all([processes.before?.ask(requests), processes.after.ask(requests)]);
    for (const [at, each] of seen.entries())
      tally.add(each, before?.[at] ?? loggedVerdict(each.logged, after[at]!), after[at]!);
    options.onProgress?.(lines);
  };
  let part = new Map<string, Seen>();
  let answered = Promise.resolve();
  // The next part is read, and waits for the processes, while they respond to this one.
  const send = async (): Promise<void> => {
    const earlier = answered;
    answered = answer([...part.values()], tally.lines);
    answered.catch(() => undefined);
    part = new Map();
    await earlier;
  };
  try {
    for await (const line of lines) {
      if (line.trim() === '') continue;
      tally.lines++;
      const logged = loggedRequest(line);
      if (logged === undefined) {
        tally.skipped++;
        continue;
      }
      note(part, logged, options.api, old === null);
      if (part.size >= PART) await send();
    }
    await send();
    await answered;
  } finally {
    await Promise.all([processes.before?.close(), processes.after.close()]);
  }
  return tally.report();
}

/** `answers`: requests with different responses are apart. */
function note(part: Map<string, Seen>, logged: LoggedRequest, given: string | undefined, answers: boolean): void {
  const { method, target, version, port, userAgent, status, route } = logged;
  const api = logged.api ?? given ?? null;
  const key = JSON.stringify([method, target, version, api, port, ...(answers ? [status, route] : [])]);
  let seen = part.get(key);
  if (seen === undefined) {
    seen = { request: { method, target, version, api, port }, logged, agents: new Map(), requests: 0, succeeded: 0 };
    part.set(key, seen);
  }
  seen.requests++;
  const isOurs = !answers || typeof route === 'string';
  if (isOurs && status !== null && status >= 200 && status < 400) seen.succeeded++;
  if (userAgent !== null) count(seen.agents, userAgent, 1);
}

/** Returns the response of a line as a verdict. Of what it does not tell, that of the state after. */
function loggedVerdict({ status, route }: LoggedRequest, after: ReplayVerdict): ReplayVerdict {
  const isUnrouted = route === null && (status === 404 || status === 405);
  // A trial accepts each caller and each body: what reaches an action may have had any status.
  const isKnown = status !== null && (after.status === null ? isUnrouted : !isOfTheMoment(status));
  return {
    ...after,
    status: isKnown ? status : after.status,
    route: isUnrouted ? null : (route ?? after.route),
    action: null,
    issues: [],
  };
}

/** Statuses that a repeated request need not have: they depend on the caller, on the load, and on what was there. */
function isOfTheMoment(status: number): boolean {
  return [304, 401, 403, 407, 408, 413, 429, 499].includes(status) || status >= 500;
}

interface CountedRoute {
  readonly api: string;
  readonly method: string;
  readonly route: string | null;
  requests: number;
  readonly changes: Map<string, CountedChange>;
}

interface CountedChange {
  readonly before: Outcome;
  readonly after: Outcome;
  requests: number;
  refused: number;
  readonly examples: ReplayExample[];
  readonly agents: Map<string, number>;
}

class Tally {
  lines = 0;
  skipped = 0;
  readonly #maskTarget: ReplayOptions['maskTarget'];
  #requests = 0;
  #unknownApi = 0;
  #unknownBody = 0;
  #unanswered = 0;
  #changed = 0;
  readonly #routes = new Map<string, CountedRoute>();

  constructor(maskTarget: ReplayOptions['maskTarget']) {
    this.#maskTarget = maskTarget;
  }

  add({ request, logged, agents, requests, succeeded }: Seen, before: ReplayVerdict, after: ReplayVerdict): void {
    this.#requests += requests;
    if (before.api === null || after.api === null) {
      this.#unknownApi += requests;
      return;
    }
    if (!before.isAnswered || !after.isAnswered) {
      this.#unanswered += requests;
      return;
    }
    if (before.lacksBody || after.lacksBody) this.#unknownBody += requests;
    const method = METHODS.has(request.method) ? request.method : 'other';
    const route = before.route ?? after.route;
    const counted = this.#route(before.api, method, route);
    counted.requests += requests;
    if (before.status === after.status && sameRoute(before.route, after.route)) return;
    this.#changed += requests;
    const change = changeOf(counted, before, after);
    change.requests += requests;
    if ((before.status ?? 200) < 400 && (after.status ?? 200) >= 400) change.refused += succeeded;
    if (change.examples.length < EXAMPLES) {
      const { status, userAgent } = logged;
      const target = this.#maskTarget(logged.target);
      if (change.examples.every((each) => each.target !== target)) change.examples.push({ target, status, userAgent });
    }
    for (const [agent, times] of agents) count(change.agents, agent, times);
  }

  report(): ReplayReport {
    const routes = [...this.#routes.values()]
      .filter(({ changes }) => changes.size > 0)
      .map(({ changes, ...route }) => ({
        ...route,
        changes: [...changes.values()]
          .toSorted((a, b) => b.requests - a.requests)
          .map(({ agents, ...change }) => ({ ...change, userAgents: mostOf(agents) })),
      }));
    return {
      lines: this.lines,
      requests: this.#requests,
      skipped: this.skipped,
      unknownApi: this.#unknownApi,
      unknownBody: this.#unknownBody,
      unanswered: this.#unanswered,
      changed: this.#changed,
      routes: routes.toSorted((a, b) => b.requests - a.requests),
    };
  }

  #route(api: string, method: string, route: string | null): CountedRoute {
    const key = JSON.stringify([api, method, route]);
    const known = this.#routes.get(key);
    if (known !== undefined) return known;
    const made: CountedRoute = { api, method, route, requests: 0, changes: new Map() };
    this.#routes.set(key, made);
    return made;
  }
}

function changeOf(counted: CountedRoute, before: ReplayVerdict, after: ReplayVerdict): CountedChange {
  const key = JSON.stringify([before.status, before.route, after.status, after.route]);
  const known = counted.changes.get(key);
  if (known !== undefined) return known;
  const made = {
    before: outcomeOf(before),
    after: outcomeOf(after),
    requests: 0,
    refused: 0,
    examples: [],
    agents: new Map<string, number>(),
  };
  counted.changes.set(key, made);
  return made;
}

function outcomeOf({ status, route, action, issues }: ReplayVerdict): Outcome {
  return { status, route, action, issues };
}

/** Names of variables do not count. */
function sameRoute(before: string | null, after: string | null): boolean {
  return before === after || templateKey(before ?? '') === templateKey(after ?? '');
}

function count(counts: Map<string, number>, name: string, times: number): void {
  const known = counts.get(name);
  if (known !== undefined || counts.size < COUNTED_AGENTS) counts.set(name, (known ?? 0) + times);
}

function mostOf(counts: ReadonlyMap<string, number>): string[] {
  const ranked = [...counts].toSorted(([, a], [, b]) => b - a);
  return ranked.slice(0, AGENTS).map(([name]) => name);
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
