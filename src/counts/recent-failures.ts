/** Errors of failed requests in the last ten minutes, counted by route, error and location. */
import { currentMinute, MINUTES, type TenMinutes } from './noted.js';

/** Requests of one route, or calls of one method, that failed alike. Only the request id may be text of a client. */
export interface FailedRequests {
  /** Method and template: `GET /books/{id}`; `GET -` without a route. Of a call: `call books.sync`. */
  readonly route: string;
  /** Class, code, and fixed text of the message: `TypeError: Cannot read properties of undefined`. */
  readonly error: string;
  /** File and line in the application; undefined if the stack has none. */
  readonly place: string | undefined;
  readonly count: number;
  /** Time of the last one, ISO 8601. */
  readonly at: string;
  /** Request id of the last one, as in the log; it may be the client's own. */
  readonly requestId: string | undefined;
}

/** Most different errors: beyond that the rarest is dropped, so that many failing routes do not drop each other's counts. */
const MOST = 300;
/** Most that an operator is shown of an API. */
const SHOWN = 20;

interface Kept {
  readonly last: FailedRequests;
  /** Counts by minute. */
  readonly minutes: Map<number, number>;
}

/** The failures of one API: in a worker, or of all its workers. */
export class RecentFailures implements TenMinutes<FailedRequests, FailedRequests> {
  /** The last one to occur at the end. */
  readonly #kept = new Map<string, Kept>();

  add(last: FailedRequests): void {
    const key = [last.route, last.error, last.place].join('\n');
    const { minutes } = this.#kept.get(key) ?? { minutes: new Map<number, number>() };
    const minute = currentMinute();
    minutes.set(minute, (minutes.get(minute) ?? 0) + last.count);
    for (const each of minutes.keys()) if (each <= minute - MINUTES) minutes.delete(each);
    this.#kept.delete(key);
    if (this.#kept.size >= MOST) this.#dropRarest();
    this.#kept.set(key, { last, minutes });
  }

  /** The most frequent and the last error of each route, those with the most failures first; twenty at most. */
  get list(): readonly FailedRequests[] {
    const routes = new Map<string, FailedRequests[]>();
    for (const each of this.#all()) routes.set(each.route, [...(routes.get(each.route) ?? []), each]);
    const told = [...routes.values()].flatMap((all) => {
      const last = all.reduce((a, b) => (b.at > a.at ? b : a));
      return [...new Set([all[0]!, last])];
    });
    return told.slice(0, SHOWN);
  }

  /** Returns all, the most frequent first, and begins anew. */
  take(): readonly FailedRequests[] {
    const all = this.#all();
    this.#kept.clear();
    return all;
  }

  #all(): readonly FailedRequests[] {
    return [...this.#kept.values()]
      .map(({ last, minutes }) => ({ ...last, count: recentCount(minutes) }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count);
  }

  /** Drops the one with the smallest count; of several, the one that has not occurred for the longest time. */
  #dropRarest(): void {
    let rarest: readonly [key: string, count: number] = ['', Number.POSITIVE_INFINITY];
    for (const [key, { minutes }] of this.#kept) {
      const count = recentCount(minutes);
      if (count < rarest[1]) rarest = [key, count];
    }
    this.#kept.delete(rarest[0]);
  }
}

function recentCount(minutes: ReadonlyMap<number, number>): number {
  const since = currentMinute() - MINUTES;
  let sum = 0;
  for (const [minute, count] of minutes) if (minute > since) sum += count;
  return sum;
}
