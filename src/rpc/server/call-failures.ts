/** The errors of the methods of a service that its server did not expect, as of the requests of an API. */
import { NotedFailures } from '../../metrics/index.js';
import { maskUris } from '../../text/index.js';
import { failureOf } from '../message/failure.js';

/** Longest reason of a dead letter. */
const REASON_CHARACTERS = 300;

export class CallFailures extends NotedFailures {
  /** Notes a failed call of `books.sync`: topic and method, with the id of the request that caused it. */
  note(method: string, error: unknown, requestId: string | undefined): void {
    this.noteFailure(`call ${method}`, { error }, requestId);
  }
}

/** Returns the reason of a dead letter for operators. */
export function deathReason(error: unknown): string {
  const { type, message } = failureOf(error, { host: '', binary: '' });
  return `failed: ${type}: ${maskUris(message)}`.slice(0, REASON_CHARACTERS);
}
