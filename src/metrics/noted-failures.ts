/** Notes of failed requests or calls, with their errors described, a limited number a second. */
import { ignoreErrors } from '../errors/index.js';
import { printable } from '../text/index.js';
import { classAndCode, type DescribedFailure, describeFailure } from './failure-text.js';
import { LABEL_CHARACTERS } from './metric-table.js';
import { Noted } from './noted.js';
import { type FailedRequests, RecentFailures } from './recent-failures.js';

/** Of one route, class and code: reading a stack takes 0.1 ms, and an overload must not cost that for each request. */
const DESCRIBED_A_SECOND = 10;

/** A thrown value may be anything, such as an object whose properties throw. */
const UNREADABLE: DescribedFailure = { error: 'a thrown value that cannot be read', place: undefined };

/** The failures of an API or a service. */
export class NotedFailures extends Noted<FailedRequests, FailedRequests> {
  /** Last descriptions of this second, by route, class and code. */
  readonly #described = new Map<string, { readonly last: DescribedFailure; readonly times: number }>();
  #second = 0;

  constructor() {
    super(RecentFailures);
  }

  /**
   * Notes a failure of a route: an error, or a fixed text in place of one. An error too many in this second gets the last description of its
   * class and code on the route. The id may be text of a client.
   */
  noteFailure(
    name: string,
    failure: { readonly error: unknown } | { readonly text: string },
    requestId: string | undefined,
  ): void {
    const route = name.slice(0, LABEL_CHARACTERS);
    const described =
      'text' in failure
        ? { error: failure.text, place: undefined }
        : (ignoreErrors(() => this.#describe(route, failure.error)) ?? UNREADABLE);
    this.add({
      route,
      ...described,
      count: 1,
      at: new Date().toISOString(),
      requestId: requestId === undefined ? undefined : printable(requestId).slice(0, LABEL_CHARACTERS),
    });
  }

  #describe(route: string, error: unknown): DescribedFailure {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) this.#described.clear();
    this.#second = second;
    const key = `${route}\n${classAndCode(error)}`;
    const { last, times = 0 } = this.#described.get(key) ?? {};
    if (last !== undefined && times >= DESCRIBED_A_SECOND) return last;
    const described = describeFailure(error);
    this.#described.set(key, { last: described, times: times + 1 });
    return described;
  }
}
