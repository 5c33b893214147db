/** The errors of an API's failed requests. A request that succeeds does nothing here. */
import type { IncomingMessage } from 'node:http';
import { environ, Fault } from '../../app/index.js';
import { abortReason } from '../../app/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import { type FailedRequests, LABEL_CHARACTERS, RecentFailures } from '../../metrics/index.js';
import type { Exchange } from '../connections/connections.js';
import { describeFailure } from './failure-text.js';

/** Methods with their own name: clients can send any other one. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Returns the method of a request, `other` for an unusual one. */
export function countedMethod({ method }: IncomingMessage): string {
  return method !== undefined && METHODS.has(method) ? method : 'other';
}

/** A thrown value may be anything, such as an object whose properties throw. */
const UNREADABLE = { error: 'a thrown value that cannot be read', place: undefined };

export class RequestFailures {
  readonly #recent = new RecentFailures();
  #untold = new RecentFailures();

  /** Those of the last ten minutes, the most frequent first. */
  get list(): readonly FailedRequests[] {
    return this.#recent.list;
  }

  /** Returns those since the last call. */
  take(): readonly FailedRequests[] {
    return this.#untold.take();
  }

  /** Notes a request whose response has status 500 or above, or was broken off. */
  note({ req, res, failure }: Exchange): void {
    const error = failure?.cause ?? failure ?? abortReason(res);
    // Its client has left, or was too slow.
    if (res.statusCode < 500 && (error === undefined || (error instanceof Fault && error.status < 500))) return;
    const { requestId, route } = environ(req);
    const noted: FailedRequests = {
      route: `${countedMethod(req)} ${route?.template ?? '-'}`.slice(0, LABEL_CHARACTERS),
      ...(error === undefined
        ? { error: `answered with ${res.statusCode} by the application`, place: undefined }
        : (ignoreErrors(() => describeFailure(error)) ?? UNREADABLE)),
      count: 1,
      at: new Date().toISOString(),
      requestId: requestId?.slice(0, LABEL_CHARACTERS),
    };
    this.#recent.add(noted);
    this.#untold.add(noted);
  }
}
