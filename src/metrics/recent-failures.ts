/** Errors of failed requests in the last ten minutes, counted by route, error and place. */

/** Requests of one route that failed alike. It has no text of a client. */
export interface FailedRequests {
  /** Method and template: `GET /books/{id}`; `GET -` without a route. */
  readonly route: string;
  /** Class, code, and message without values: `TypeError: Cannot read properties of undefined`. */
  readonly error: string;
  /** File and line in the application; undefined if the stack has none. */
  readonly place: string | undefined;
  readonly count: number;
  /** Time of the last one, ISO 8601. */
  readonly at: string;
  /** Request id of the last one, as in the log. */
  readonly requestId: string | undefined;
}

const MINUTES = 10;
const MINUTE_MS = 60_000;
/** Most different errors: the one that has not occurred for the longest time is dropped. */
const MOST = 20;

interface Kept extends FailedRequests {
  /** Counts by minute. */
  readonly minutes: ReadonlyMap<number, number>;
}

/** The failures of one API: in a worker, or of all its workers. */
export class RecentFailures {
  /** The last one to occur at the end. */
  readonly #kept = new Map<string, Kept>();

  add(failure: FailedRequests): void {
    const { route, error, place, count } = failure;
    const key = [route, error, place].join('\n');
    const minutes = new Map(this.#kept.get(key)?.minutes);
    const minute = Math.floor(Date.now() / MINUTE_MS);
    minutes.set(minute, (minutes.get(minute) ?? 0) + count);
    for (const each of minutes.keys()) if (each <= minute - MINUTES) minutes.delete(each);
    this.#kept.delete(key);
    this.#kept.set(key, { ...failure, minutes });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST) this.#kept.delete(oldest!);
  }

  /** The most frequent first. */
  get list(): readonly FailedRequests[] {
    const since = Math.floor(Date.now() / MINUTE_MS) - MINUTES;
    return [...this.#kept.values()]
      .map(({ minutes, ...failure }) => ({
        ...failure,
        count: [...minutes].reduce((sum, [minute, count]) => (minute > since ? sum + count : sum), 0),
      }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count);
  }

  /** Returns all, and begins anew. */
  take(): readonly FailedRequests[] {
    const all = this.list;
    this.#kept.clear();
    return all;
  }
}
