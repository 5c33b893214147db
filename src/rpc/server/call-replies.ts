/**
 * What is told of a call that has ended: its result or its error to the caller, and what failed to the log.
 */
import type { Logger } from '../../log/index.js';
import type { ReplyEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import { type Failure, logFailure } from './failed-method.js';
import { factsOf, type IncomingCall, requestIdOf } from './incoming-call.js';
import type { ReplySender } from './reply-sender.js';

/** What replies are made with. */
export interface CallRepliesParts {
  readonly host: string;
  readonly binary: string;
  readonly replies: ReplySender;
  readonly log: Logger;
  /** Tell callers the stack of what failed. */
  readonly sendStack: boolean;
}

/** Nothing is sent where no reply is wanted. */
export class CallReplies {
  readonly #parts: CallRepliesParts;

  constructor(parts: CallRepliesParts) {
    this.#parts = parts;
  }

  /** A result that cannot travel is a failure. */
  async result(call: IncomingCall, name: string, result: unknown): Promise<void> {
    const { reply } = call.request;
    if (reply === undefined) return;
    try {
      await this.#send(call, name, { id: reply.id, result });
    } catch (error) {
      await this.failure(call, { name, error, isExpected: false });
    }
  }

  async failure(call: IncomingCall, failure: Failure): Promise<void> {
    const { host, binary, sendStack } = this.#parts;
    this.log(call, failure);
    const { reply } = call.request;
    if (reply === undefined) return;
    const { id } = reply;
    const { name, error, isExpected: expected } = failure;
    const told = failureOf(error, { host, binary, requestId: requestIdOf(call) }, { expected, stack: sendStack });
    try {
      await this.#send(call, name, { id, failure: told });
    } catch {
      await this.#send(call, name, { id, failure: shortened(told) });
    }
  }

  /** Of a failure the caller is not told. */
  log(call: IncomingCall, failure: Failure): void {
    logFailure(this.#parts.log, failure, factsOf(call));
  }

  async #send({ request, since }: IncomingCall, name: string, envelope: ReplyEnvelope): Promise<void> {
    await this.#parts.replies.send({ to: request.reply!.to, envelope, name, since });
  }
}
