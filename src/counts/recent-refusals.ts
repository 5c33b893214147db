/** Requests refused in the last ten minutes, by reason, with the addresses from which most of them came. */
import { currentMinute, MINUTES, Noted, type TenMinutes } from './noted.js';

/** Requests refused for one reason, as an operator is shown them. */
export interface ShownRefusals {
  /** A stable word: `headers too large`. */
  readonly reason: string;
  /** Status of their responses; undefined if there was none. */
  readonly status: number | undefined;
  readonly count: number;
  /** Time of the last one, ISO 8601. */
  readonly at: string;
  /** The address with most of them; undefined if none is known, as on a Unix socket. */
  readonly address: string | undefined;
}

/** The same as a process tells its parent. */
export interface RefusedRequests extends Omit<ShownRefusals, 'address'> {
  /** The most frequent addresses first. */
  readonly addresses: readonly (readonly [address: string, count: number])[];
}

/** Most addresses of a reason in a minute. A new one replaces the rarest, and inherits its count, so that frequent ones stay. */
const ADDRESSES = 50;
/** Most addresses of a reason that a process tells. */
const TOLD_ADDRESSES = 5;
/** Most reasons: there are fewer. */
const MOST_REASONS = 50;

interface Minute {
  count: number;
  readonly addresses: Map<string, number>;
}

interface Kept {
  status: number | undefined;
  at: string;
  readonly minutes: Map<number, Minute>;
}

/** The refusals of one API: in a worker, or of all its workers. */
export class RecentRefusals implements TenMinutes<RefusedRequests, ShownRefusals> {
  readonly #reasons = new Map<string, Kept>();

  add({ reason, status, count, at, addresses }: RefusedRequests): void {
    const kept = this.#reasons.get(reason) ?? { status, at, minutes: new Map<number, Minute>() };
    if (this.#reasons.size >= MOST_REASONS && !this.#reasons.has(reason)) return;
    this.#reasons.set(reason, Object.assign(kept, { status, at }));
    const now = currentMinute();
    const minute = kept.minutes.get(now) ?? { count: 0, addresses: new Map<string, number>() };
    kept.minutes.set(now, minute);
    for (const each of kept.minutes.keys()) if (each <= now - MINUTES) kept.minutes.delete(each);
    minute.count += count;
    for (const [address, more] of addresses) addAddress(minute.addresses, address, more);
  }

  /** The most frequent reason first. */
  get list(): readonly ShownRefusals[] {
    return this.#all().map(({ addresses: [most], ...rest }) => ({ ...rest, address: most?.[0] }));
  }

  /** Returns all, and begins anew. */
  take(): readonly RefusedRequests[] {
    const all = this.#all();
    this.#reasons.clear();
    return all;
  }

  #all(): RefusedRequests[] {
    const since = currentMinute() - MINUTES;
    return [...this.#reasons]
      .map(([reason, { status, at, minutes }]) => {
        const recent = [...minutes].flatMap(([minute, told]) => (minute > since ? told : []));
        const sums = new Map<string, number>();
        for (const { addresses } of recent) {
          for (const [address, count] of addresses) sums.set(address, (sums.get(address) ?? 0) + count);
        }
        const addresses = [...sums].sort(([, a], [, b]) => b - a).slice(0, TOLD_ADDRESSES);
        return { reason, status, at, addresses, count: recent.reduce((sum, { count }) => sum + count, 0) };
      })
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count);
  }
}

function addAddress(addresses: Map<string, number>, address: string, more: number): void {
  const known = addresses.get(address);
  if (known !== undefined || addresses.size < ADDRESSES) {
    addresses.set(address, (known ?? 0) + more);
    return;
  }
  let rarest: readonly [address: string, count: number] = ['', Number.POSITIVE_INFINITY];
  for (const each of addresses) if (each[1] < rarest[1]) rarest = each;
  addresses.delete(rarest[0]);
  addresses.set(address, rarest[1] + more);
}

/** The refusals of one API in a worker. */
export class NotedRefusals extends Noted<RefusedRequests, ShownRefusals> {
  constructor() {
    super(RecentRefusals);
  }

  note(reason: string, status: number | undefined, address: string | undefined): void {
    const addresses = address === undefined ? [] : [[address, 1] as const];
    this.add({ reason, status, count: 1, at: new Date().toISOString(), addresses });
  }
}
