/**
 * Figures of the last minute: of each API, of its routes, and of the time spent in the application rather than in
 * filters.
 */
import { boundOf, isFailure, type Totals } from '../../metrics/index.js';
import { countText } from '../../text/index.js';

/** Interval of samples. */
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
  /** Share of requests answered with 5xx, 0 to 1. */
  readonly failed: number;
  /** 95th percentile of the duration in seconds. */
  readonly p95: number;
}

/** Requests of an API in the last minute. */
export interface RecentApi extends RecentRequests {
  /** Average seconds in its application, without the wait for a slot; undefined if filters are not measured. */
  readonly inApp: number | undefined;
  /** Number of requests refused because too many wait, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Number of connections that the server closed without a request in progress, by reason. */
  readonly closed: Readonly<Record<string, number>>;
  /** Routes, those with the most failures and then the most time first. */
  readonly routes: readonly (RecentRequests & { readonly route: string })[];
}

interface Tally {
  requests: number;
  failed: number;
  seconds: number;
  readonly counts: number[];
}

/** Counts of a set of labels at one time. */
type Sample = ReadonlyMap<string, { readonly counts: readonly number[]; readonly sum: number }>;

/** Computes the figures from samples of existing counters, one every 15 seconds. */
export class Recent {
  readonly #totals: () => Totals;
  #samples: { readonly at: number; readonly taken: Sample }[] = [];

  constructor(totals: () => Totals) {
    this.#totals = totals;
    this.take();
  }

  /** Returns the figures of an API; undefined if it had no request. */
  of(api: string): RecentApi | undefined {
    const [{ at, taken } = { at: 0, taken: new Map() as Sample }] = this.#samples;
    const seconds = Math.max(1, (performance.now() - at) / 1000);
    const totals = this.#totals();
    const { buckets } = totals;
    const all = newTally();
    const routes = new Map<string, Tally>();
    for (const total of totals.of('requests')) {
      if (total.api !== api) continue;
      const [method, route, status = ''] = total.labels;
      const name = `${method} ${route}`;
      const own = routes.get(name) ?? newTally();
      routes.set(name, own);
      const before = taken.get(keyOf(total));
      for (const tally of [all, own]) add(tally, total.values, before, isFailure(status));
    }
    const refused = reasonsOf(totals.of('rejected'), api, taken, TOO_MANY);
    const closed = reasonsOf(totals.of('closed'), api, taken);
    if (all.requests === 0 && Object.keys(refused).length + Object.keys(closed).length === 0) return undefined;
    const told = [...routes]
      .filter(([, { requests }]) => requests > 0)
      .sort(([, a], [, b]) => b.failed - a.failed || b.seconds - a.seconds)
      .slice(0, ROUTES)
      .map(([route, tally]) => ({ route, ...recentOf(tally, seconds, buckets) }));
    return { ...recentOf(all, seconds, buckets), inApp: inAppOf(totals, api, taken), refused, closed, routes: told };
  }

  /** Takes a sample. */
  take(): void {
    const totals = this.#totals();
    const taken = new Map(
      SAMPLED.flatMap((metric) => totals.of(metric)).map((total) => {
        const { counts, sum } = total.values;
        return [keyOf(total), { counts: counts.slice(), sum }];
      }),
    );
    this.#samples = [...this.#samples, { at: performance.now(), taken }].slice(-KEPT);
  }
}

const SAMPLED = ['requests', 'application', 'rejected', 'closed'] as const;

type Total = ReturnType<Totals['of']>[number];

function keyOf({ api, metric, labels }: Total): string {
  return [api, metric, ...labels].join('\n');
}

function newTally(): Tally {
  return { requests: 0, failed: 0, seconds: 0, counts: [] };
}

function add(
  tally: Tally,
  { counts, sum }: Total['values'],
  before: { readonly counts: readonly number[]; readonly sum: number } | undefined,
  failed: boolean,
): void {
  for (const [at, count] of counts.entries()) {
    const more = count - (before?.counts[at] ?? 0);
    tally.counts[at] = (tally.counts[at] ?? 0) + more;
    tally.requests += more;
    if (failed) tally.failed += more;
  }
  tally.seconds += sum - (before?.sum ?? 0);
}

function recentOf({ requests, failed, counts }: Tally, seconds: number, buckets: readonly number[]): RecentRequests {
  return {
    rate: requests / seconds,
    failed: requests === 0 ? 0 : failed / requests,
    p95: boundOf(buckets, counts, requests * 0.95) ?? 0,
  };
}

function inAppOf(totals: Totals, api: string, taken: Sample): number | undefined {
  const tally = newTally();
  for (const total of totals.of('application')) {
    if (total.api === api) add(tally, total.values, taken.get(keyOf(total)), false);
  }
  return tally.requests === 0 ? undefined : tally.seconds / tally.requests;
}

function reasonsOf(
  counted: readonly Total[],
  api: string,
  taken: Sample,
  wanted?: ReadonlySet<string>,
): Record<string, number> {
  const own = counted.filter((total) => total.api === api && wanted?.has(total.labels[0]!) !== false);
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

/** `12.3 requests/s, 20 % fail, p95 240 ms`. */
export function describeRecent({ rate, failed, p95 }: RecentRequests): string {
  const share = failed === 0 ? '' : `, ${failed < 0.01 ? '<1' : Math.round(failed * 100)} % fail`;
  return `${rate.toFixed(1)} requests/s${share}, p95 ${Math.round(p95 * 1000)} ms`;
}
