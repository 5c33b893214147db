/**
 * Reply to a call: its result or its failure, in a form that can be sent.
 */
import type { Logger } from '../../log/index.js';
import type { RequestEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import type { FailureEnvelope } from '../message/wire-failure.js';
import { logFailure } from './endpoints.js';
import type { ReplySender } from './reply-sender.js';

/** Settings and senders of replies. */
export interface ReplyParts {
  readonly host: string;
  readonly binary: string;
  readonly log: Logger;
  /** Send callers the stack of a failure. */
  readonly sendStack: boolean;
  readonly replies: ReplySender;
}

/** Sends the outcome of one call. Sends nothing for a cast. */
export class CallReply {
  readonly #with: ReplyParts;
  readonly #request: RequestEnvelope;
  readonly #since: number;
  #isTold = false;

  /** `since`: arrival of the call, by the clock. */
  constructor(parts: ReplyParts, request: RequestEnvelope, since: number) {
    this.#with = parts;
    this.#request = request;
    this.#since = since;
  }

  /** Sends a result; one that cannot be sent is a failure, which `failed` gets. `name`: the method, for logs. */
  result(name: string, result: unknown, failed?: (error: unknown) => void): Promise<void> {
    try {
      return this.#send(name, { result });
    } catch (error) {
      failed?.(error);
      return this.failure(name, error, false);
    }
  }

  /** Sends a failure, and logs it. */
  async failure(name: string, error: unknown, expected: boolean): Promise<void> {
    const { log, host, binary, sendStack } = this.#with;
    try {
      logFailure(log, { name, error, isExpected: expected }, this.facts);
    } catch {
      log.error(this.facts, `${name} failed, with an error that cannot be converted to text`);
    }
    if (this.#request.reply === undefined) return;
    const from = { host, binary, requestId: this.requestId };
    const failure = failureOf(error, from, { expected, stack: sendStack });
    try {
      await this.#send(name, { failure });
    } catch (err) {
      log.warn({ err, ...this.facts }, `${name}: its error is sent without its members`);
      await this.#send(name, { failure: shortened(failure) });
    }
  }

  /** Sends an error if no reply was sent: an unexpected failure. */
  async lastResort(): Promise<void> {
    if (this.#isTold) return;
    const { host, binary } = this.#with;
    const { method, id } = this.#request;
    const message = `${method} failed with an error that cannot be encoded: see message ${id} in the log of its service`;
    await this.#send(method, { failure: { type: 'Error', message, remote: { host, binary } } });
  }

  /** Id of the request that caused the call. */
  get requestId(): string | undefined {
    const { request_id: id, requestId = id } = this.#request.ctx;
    return typeof requestId === 'string' ? requestId : undefined;
  }

  /** Fields of the call for a log line. */
  get facts(): { readonly request_id: string | undefined; readonly message: string } {
    return { request_id: this.requestId, message: this.#request.id };
  }

  /** Throws as {@link ReplySender.send}. */
  #send(name: string, what: { readonly result: unknown } | { readonly failure: FailureEnvelope }): Promise<void> {
    const { reply } = this.#request;
    if (reply === undefined) return Promise.resolve();
    const sent = this.#with.replies.send({
      to: reply.to,
      envelope: { id: reply.id, ...what },
      name,
      since: this.#since,
    });
    this.#isTold = true;
    return sent;
  }
}
