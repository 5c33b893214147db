/**
 * The reply to a call: its result or its failure, in a form that can travel.
 */
import type { Logger } from '../../log/index.js';
import type { FailureEnvelope, RequestEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import { logFailure } from './endpoints.js';
import type { ReplySender } from './reply-sender.js';

/** Settings and senders of replies. */
export interface ReplyParts {
  readonly host: string;
  readonly binary: string;
  readonly log: Logger;
  /** Tell callers the stack of what failed. */
  readonly sendStack: boolean;
  readonly replies: ReplySender;
}

/** Sends what comes of one call. Nothing is sent where no reply is wanted. */
export class CallReply {
  readonly #with: ReplyParts;
  readonly #request: RequestEnvelope;
  readonly #since: number;
  #isTold = false;

  /** `since`: when the call came, by the clock. */
  constructor(parts: ReplyParts, request: RequestEnvelope, since: number) {
    this.#with = parts;
    this.#request = request;
    this.#since = since;
  }

  /** A result that cannot travel is a failure. `name`: the method, as logs call it. */
  async result(name: string, result: unknown): Promise<void> {
    try {
      await this.#send(name, { result });
    } catch (error) {
      await this.failure(name, error, false);
    }
  }

  /** Logs it as well. */
  async failure(name: string, error: unknown, expected: boolean): Promise<void> {
    const { log, host, binary, sendStack } = this.#with;
    try {
      logFailure(log, { name, error, isExpected: expected }, this.facts);
    } catch {
      log.error(`${name} failed, with an error that cannot be converted to text`, this.facts);
    }
    if (this.#request.reply === undefined) return;
    const from = { host, binary, requestId: this.requestId };
    const failure = failureOf(error, from, { expected, stack: sendStack });
    try {
      await this.#send(name, { failure });
    } catch {
      await this.#send(name, { failure: shortened(failure) });
    }
  }

  /** Sends an error if no reply is on its way: something failed that should not. */
  async lastResort(): Promise<void> {
    if (this.#isTold) return;
    const { host, binary } = this.#with;
    const { method, id } = this.#request;
    const message = `${method} failed with an error that cannot be encoded: see message ${id} in the log of its service`;
    await this.#send(method, { failure: { type: 'Error', message, remote: { host, binary } } });
  }

  /** Of the request that the call is made for. */
  get requestId(): string | undefined {
    const { request_id: id, requestId = id } = this.#request.ctx;
    return typeof requestId === 'string' ? requestId : undefined;
  }

  /** The call's facts for a line of the log. */
  get facts(): { readonly requestId: string | undefined; readonly message: string } {
    return { requestId: this.requestId, message: this.#request.id };
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
