/** The errors of the methods of a service that its server did not expect, as of the requests of an API. */
import { FailureDescriber } from '../../app/internal.js';
import { type FailedRequests, LABEL_CHARACTERS, Noted, RecentFailures } from '../../metrics/index.js';
import { maskUris, printable } from '../../text/index.js';
import { failureOf } from '../message/failure.js';

/** Longest reason of a dead letter. */
const REASON_CHARACTERS = 300;

export class CallFailures extends Noted<FailedRequests, FailedRequests> {
  readonly #describer = new FailureDescriber();

  constructor() {
    super(RecentFailures);
  }

  /** Notes a failed call of `books.sync`: topic and method, with the id of the request that caused it. */
  note(method: string, error: unknown, requestId: string | undefined): void {
    const route = `call ${method}`.slice(0, LABEL_CHARACTERS);
    this.add({
      route,
      ...this.#describer.describe(route, error),
      count: 1,
      at: new Date().toISOString(),
      requestId: requestId === undefined ? undefined : printable(requestId).slice(0, LABEL_CHARACTERS),
    });
  }
}

/** Returns the reason of a dead letter for operators. */
export function deathReason(error: unknown): string {
  const { type, message } = failureOf(error, { host: '', binary: '' });
  return `failed: ${type}: ${maskUris(message)}`.slice(0, REASON_CHARACTERS);
}
