/**
 * Figures of the last minute: of each API, of its routes, and of the time spent in the application rather than in
 * filters.
 */
import { isFailure, type Quantile, quantileOf, type Total, type Totals } from '../../counts/index.js';
import { countText } from '../../text/index.js';

/** Interval of samples, and of looks for listeners that are missing. */
export const EVERY_MS = 15_000;
/** Number of samples: the oldest is 45 to 60 seconds old. */
const KEPT = 4;
/** Most routes reported for an API. */
const ROUTES = 20;
/** Reasons of refusals that `PorticoRequestsRefused` of the alert rules counts: others are caused by clients. */
const TOO_MANY: ReadonlySet<string> = new Set(['queue full', 'queue timeout']);

/** Requests of the last minute. */
export interface RecentRequests {
  /** Requests per second. */
  readonly rate: number;
  /** Share of requests that got 5xx, 0 to 1. */
  readonly failed: number;
  /** Share whose client gave up before the response began (499), 0 to 1; 0 if `[metrics] status` is `class`. */
  readonly gaveUp: number;
  /** Of calls: the outcome of most that failed, such as `timeout`; undefined without one. */
  readonly outcome?: string | undefined;
  /** 95th percentile of the duration in seconds, interpolated between two bounds of its histogram. */
  readonly p95: number;
  /** These bounds; `upTo` undefined: it is above the last one. */
  readonly p95Bounds: Omit<Quantile, 'value'>;
}

/** Requests of an API in the last minute. */
export interface RecentApi extends RecentRequests {
  /** Average seconds in its application, without the time in the queue; undefined if filters are not measured. */
  readonly inApp: number | undefined;
  /** Number of requests refused because too many wait, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Number of connections that the server closed without a request in progress, by reason. */
  readonly closed: Readonly<Record<string, number>>;
  /** Routes, those with the most failures and then the most time first. */
  readonly routes: readonly (RecentRequests & { readonly route: string })[];
  /** Calls of its methods, and calls that it makes; undefined without any. */
  readonly calls: Readonly<Record<'served' | 'made', RecentCalls | undefined>>;
}

/** Remote calls and casts of the last minute. */
export interface RecentCalls extends RecentRequests {
  /** Methods, `topic.method`, those with the most failures and then the most time first. */
  readonly methods: readonly (RecentRequests & { readonly method: string })[];
}

interface Tally {
  requests: number;
  failed: number;
  gaveUp: number;
  /** Failed calls by outcome. */
  readonly outcomes: Map<string, number>;
  seconds: number;
  readonly counts: number[];
}

/** Counts of a set of labels at one time. */
type Sample = ReadonlyMap<string, { readonly counts: readonly number[]; readonly sum: number }>;

/** Computes the figures from samples of existing counters, one every 15 seconds. */
export class Recent {
  readonly #totals: () => Totals;
  readonly #lost: () => number;
  #samples: { readonly at: number; readonly taken: Sample; readonly lost: number }[] = [];

  /** `lost`: returns the number of log lines that could not be written so far. */
  constructor(totals: () => Totals, lost: () => number = () => 0) {
    this.#totals = totals;
    this.#lost = lost;
    this.take();
  }

  /** Returns the number of log lines that could not be written in the last minute. */
  lostLines(): number {
    return this.#lost() - this.#samples[0]!.lost;
  }

  /** Returns the figures of an API; undefined if it had no request. */
  of(api: string): RecentApi | undefined {
    const [{ at, taken } = { at: 0, taken: new Map() as Sample }] = this.#samples;
    const seconds = Math.max(1, (performance.now() - at) / 1000);
    const totals = this.#totals();
    const { buckets } = totals;
    const counts = (
      metric: Sampled,
      name: (labels: readonly string[]) => string,
      fails: (label: string) => boolean,
      outcomes?: Sampled,
    ) =>
      ratesOf(ofApi(totals, metric, api), outcomes && ofApi(totals, outcomes, api), {
        taken,
        seconds,
        buckets,
        name,
        fails,
      });
    const { all, routes } = counts('durations', ([method, route]) => `${method} ${route}`, isFailure, 'answered');
    const [served, made] = (['callsServed', 'callsMade'] as const).map((metric) =>
      counts(
        metric,
        ([, topic, method]) => `${topic}.${method}`,
        (outcome) => !WELL.has(outcome),
      ),
    );
    const refused = reasonsOf(totals.of('rejected'), api, taken, TOO_MANY);
    const closed = reasonsOf(totals.of('closed'), api, taken);
    const calls = { served: callsOf(served!), made: callsOf(made!) };
    const others = Object.keys(refused).length + Object.keys(closed).length;
    if (all.rate === 0 && others === 0 && calls.served === undefined && calls.made === undefined) return undefined;
    return { ...all, inApp: inAppOf(totals, api, taken), refused, closed, routes, calls };
  }

  /** Takes a sample. */
  take(): void {
    const totals = this.#totals();
    const taken = new Map(
      SAMPLED.flatMap((metric) => [...totals.of(metric)]).map((total) => {
        const { counts, sum } = total.values;
        return [keyOf(total), { counts: counts.slice(), sum }];
      }),
    );
    this.#samples = [...this.#samples, { at: performance.now(), taken, lost: this.#lost() }].slice(-KEPT);
  }
}

/** Status of a request whose client left before its response began. */
const GAVE_UP = '499';

/** Outcomes of calls that are no failure of the method: an expected error is a result. */
const WELL: ReadonlySet<string> = new Set(['ok', 'expected']);

const SAMPLED = ['durations', 'answered', 'application', 'rejected', 'closed', 'callsServed', 'callsMade'] as const;
type Sampled = (typeof SAMPLED)[number];

interface Rates {
  readonly all: RecentRequests;
  readonly routes: readonly (RecentRequests & { readonly route: string })[];
}

/**
 * Returns the figures of all series, and by name. The last label, a status or an outcome, says which have failed: that of `outcomes`,
 * counters, or without these that of `timed`. `fails`: called with it.
 */
function ratesOf(
  timed: readonly Total[],
  outcomes: readonly Total[] | undefined,
  how: {
    readonly taken: Sample;
    readonly seconds: number;
    readonly buckets: readonly number[];
    readonly name: (labels: readonly string[]) => string;
    readonly fails: (label: string) => boolean;
  },
): Rates {
  const { taken, seconds, buckets } = how;
  const all = newTally();
  const routes = new Map<string, Tally>();
  const talliesOf = ({ labels }: Total): Tally[] => {
    const name = how.name(labels);
    const own = routes.get(name) ?? newTally();
    routes.set(name, own);
    return [all, own];
  };
  const note = ({ labels }: Total, tally: Tally, more: number): void => {
    const last = labels.at(-1) ?? '';
    if (how.fails(last)) {
      tally.failed += more;
      if (outcomes === undefined) tally.outcomes.set(last, (tally.outcomes.get(last) ?? 0) + more);
    }
    if (last === GAVE_UP) tally.gaveUp += more;
  };
  for (const total of timed) {
    for (const tally of talliesOf(total)) {
      const more = add(tally, total.values, taken.get(keyOf(total)));
      if (outcomes === undefined) note(total, tally, more);
    }
  }
  for (const total of outcomes ?? []) {
    const more = total.values.sum - (taken.get(keyOf(total))?.sum ?? 0);
    for (const tally of talliesOf(total)) note(total, tally, more);
  }
  const told = [...routes]
    .filter(([, { requests }]) => requests > 0)
    .sort(([, a], [, b]) => b.failed - a.failed || b.gaveUp - a.gaveUp || b.seconds - a.seconds)
    .slice(0, ROUTES)
    .map(([route, tally]) => ({ route, ...recentOf(tally, seconds, buckets) }));
  return { all: recentOf(all, seconds, buckets), routes: told };
}

function ofApi(totals: Totals, metric: Sampled, api: string): Total[] {
  return [...totals.of(metric)].filter((total) => total.api === api);
}

function callsOf({ all, routes }: Rates): RecentCalls | undefined {
  return routes.length === 0
    ? undefined
    : { ...all, methods: routes.map(({ route, ...rates }) => ({ method: route, ...rates })) };
}

function keyOf({ api, metric, labels }: Total): string {
  return [api, metric, ...labels].join('\n');
}

function newTally(): Tally {
  return { requests: 0, failed: 0, gaveUp: 0, outcomes: new Map(), seconds: 0, counts: [] };
}

/** Adds what has come since `before`. Returns the number of values. */
function add(
  tally: Tally,
  { counts, sum }: Total['values'],
  before: { readonly counts: readonly number[]; readonly sum: number } | undefined,
): number {
  let added = 0;
  for (const [at, count] of counts.entries()) {
    const more = count - (before?.counts[at] ?? 0);
    tally.counts[at] = (tally.counts[at] ?? 0) + more;
    added += more;
  }
  tally.requests += added;
  tally.seconds += sum - (before?.sum ?? 0);
  return added;
}

function recentOf(
  { requests, failed, gaveUp, outcomes, counts }: Tally,
  seconds: number,
  buckets: readonly number[],
): RecentRequests {
  const { value: p95, ...p95Bounds } = quantileOf(buckets, counts, requests * 0.95) ?? { value: 0, above: 0, upTo: 0 };
  const [most] = [...outcomes].filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a);
  return {
    rate: requests / seconds,
    failed: requests === 0 ? 0 : failed / requests,
    gaveUp: requests === 0 ? 0 : gaveUp / requests,
    ...(most !== undefined && { outcome: most[0] }),
    p95,
    p95Bounds,
  };
}

function inAppOf(totals: Totals, api: string, taken: Sample): number | undefined {
  const tally = newTally();
  for (const total of totals.of('application')) {
    if (total.api === api) add(tally, total.values, taken.get(keyOf(total)));
  }
  return tally.requests === 0 ? undefined : tally.seconds / tally.requests;
}

function reasonsOf(
  counted: Iterable<Total>,
  api: string,
  taken: Sample,
  wanted?: ReadonlySet<string>,
): Record<string, number> {
  const own = [...counted].filter((total) => total.api === api && wanted?.has(total.labels[0]!) !== false);
  const counts = own.map((total): [string, number] => [
    total.labels[0]!,
    total.values.sum - (taken.get(keyOf(total))?.sum ?? 0),
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count > 0).sort(([, a], [, b]) => b - a));
}

/** `has refused 12 requests in the last minute: queue full 10, rate limit 2`; undefined for none. */
export function describeRefused(recent: RecentApi | undefined): string | undefined {
  const reasons = Object.entries(recent?.refused ?? {});
  if (reasons.length === 0) return undefined;
  const sum = reasons.reduce((total, [, count]) => total + count, 0);
  const each = reasons.map(([reason, count]) => `${reason} ${count}`).join(', ');
  return `has refused ${countText(sum, 'request')} in the last minute: ${each}`;
}

/** Shares above which failed and given-up requests are a problem, as for the alerts, and the requests of a minute that it takes. */
const MANY_FAIL = 0.05;
const MANY_GIVE_UP = 0.25;
const FEW = 10;

/** `26 % of the requests of the last minute fail, 41 % gave up (499)`; undefined for few. */
export function describeFailing(
  recent: (Pick<RecentRequests, 'rate' | 'failed'> & Partial<RecentRequests>) | undefined,
): string | undefined {
  const { rate, failed, gaveUp = 0 } = recent ?? { rate: 0, failed: 0 };
  if (rate * 60 < FEW) return undefined;
  const shares = [
    { share: failed, many: MANY_FAIL, what: 'fail' },
    { share: gaveUp, many: MANY_GIVE_UP, what: 'gave up (499)' },
  ];
  const each = shares
    .filter(({ share, many }) => share > many)
    .map(({ share, what }, at) => {
      return `${Math.round(share * 100)} %${at === 0 ? ' of the requests of the last minute' : ''} ${what}`;
    });
  return each.length === 0 ? undefined : each.join(', ');
}

/** Seconds above which buckets are too wide to interpolate. */
const WIDE_S = 1;

/** `p95 240 ms`, above a second `p95 2.5 to 5 s`: a client that waited 2.6 s must not read 4.9. */
function p95Text(p95: number, bounds: RecentRequests['p95Bounds'] | undefined): string {
  if (p95 <= WIDE_S || bounds === undefined) return `p95 ${Math.round(p95 * 1000)} ms`;
  return bounds.upTo === undefined ? `p95 above ${bounds.above} s` : `p95 ${bounds.above} to ${bounds.upTo} s`;
}

/** `12.3 requests/s, 20 % fail, 5 % gave up (499), p95 240 ms`; of calls also `20 % fail (timeout)`. A parent of an older version does not tell all of it. */
export function describeRecent(
  {
    rate,
    failed,
    gaveUp = 0,
    outcome = 'failed',
    p95,
    p95Bounds,
  }: Pick<RecentRequests, 'rate' | 'failed' | 'p95'> & Partial<RecentRequests>,
  what = 'requests',
): string {
  const share = (part: number, does: string): string =>
    part === 0 ? '' : `, ${part < 0.01 ? '<1' : Math.round(part * 100)} % ${does}`;
  const how = outcome === 'failed' ? '' : ` (${outcome.replaceAll('_', ' ')})`;
  return `${rate.toFixed(1)} ${what}/s${share(failed, `fail${how}`)}${share(gaveUp, 'gave up (499)')}, ${p95Text(p95, p95Bounds)}`;
}
