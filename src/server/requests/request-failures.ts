/** The errors of an API's failed requests. A request that succeeds does nothing here. */
import type { IncomingMessage } from 'node:http';
import { environ, Fault } from '../../app/index.js';
import { abortReason } from '../../app/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import { type FailedRequests, LABEL_CHARACTERS, RecentFailures } from '../../metrics/index.js';
import { printable } from '../../text/index.js';
import type { Exchange } from '../connections/connections.js';
import { classAndCode, type DescribedFailure, describeFailure } from './failure-text.js';

/** Methods with their own name: clients can send any other one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Returns the method of a request, `other` for an unusual one. */
export function countedMethod({ method }: IncomingMessage): string {
  return method !== undefined && METHODS.has(method) ? method : 'other';
}

/** Of one route, class and code: reading a stack takes 0.1 ms, and an overload must not cost that for each request. */
const DESCRIBED_A_SECOND = 10;

/** A thrown value may be anything, such as an object whose properties throw. */
const UNREADABLE = { error: 'a thrown value that cannot be read', place: undefined };

export class RequestFailures {
  readonly #recent = new RecentFailures();
  readonly #untold = new RecentFailures();
  /** Last descriptions of this second, by route, class and code. */
  readonly #described = new Map<string, { readonly last: DescribedFailure; readonly times: number }>();
  #second = 0;

  /** The most frequent and the last error of each route in the last ten minutes. */
  get list(): readonly FailedRequests[] {
    return this.#recent.list;
  }

  /** Returns those since the last call. */
  take(): readonly FailedRequests[] {
    return this.#untold.take();
  }

  /** Notes a request whose response has status 500 or above, or was broken off. */
  note({ req, res, firstFailure: failure }: Exchange): void {
    const error = failure?.cause ?? failure ?? abortReason(res);
    // Its client has left, or was too slow.
    if (res.statusCode < 500 && (error === undefined || (error instanceof Fault && error.status < 500))) return;
    const { requestId, route } = environ(req);
    const where = `${countedMethod(req)} ${route?.template ?? '-'}`.slice(0, LABEL_CHARACTERS);
    const noted: FailedRequests = {
      route: where,
      ...(error === undefined
        ? { error: `answered with ${res.statusCode} by the application`, place: undefined }
        : (ignoreErrors(() => this.#describe(where, error)) ?? UNREADABLE)),
      count: 1,
      at: new Date().toISOString(),
      requestId: requestId === undefined ? undefined : printable(requestId).slice(0, LABEL_CHARACTERS),
    };
    this.#recent.add(noted);
    this.#untold.add(noted);
  }

  /** Describes an error; one too many in this second gets the last description of its class and code on the route. */
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
