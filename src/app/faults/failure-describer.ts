/** Describes the errors of an API or a service, a limited number a second. */
import { ignoreErrors } from '../../errors/index.js';
import { classAndCode, type DescribedFailure, describeFailure } from './failure-text.js';

/** Of one route, class and code: reading a stack takes 0.1 ms, and an overload must not cost that for each request. */
const DESCRIBED_A_SECOND = 10;

/** A thrown value may be anything, such as an object whose properties throw. */
const UNREADABLE: DescribedFailure = { error: 'a thrown value that cannot be read', place: undefined };

export class FailureDescriber {
  /** Last descriptions of this second, by route, class and code. */
  readonly #described = new Map<string, { readonly last: DescribedFailure; readonly times: number }>();
  #second = 0;

  /** Describes an error; one too many in this second gets the last description of its class and code on the route. */
  describe(route: string, error: unknown): DescribedFailure {
    return ignoreErrors(() => this.#describe(route, error)) ?? UNREADABLE;
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
