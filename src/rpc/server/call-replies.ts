/**
 * What is told of a call that has ended: its result or its error to the caller, and what failed to the log.
 */
import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ReplyEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import { type IncomingCall, requestIdOf } from './incoming-call.js';
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
      await this.failure(call, name, error, false);
    }
  }

  /** `expected`: the server is in order. */
  async failure(call: IncomingCall, name: string, err: unknown, expected: boolean): Promise<void> {
    const { host, binary, sendStack } = this.#parts;
    this.log(call, name, err, expected);
    const { reply } = call.request;
    if (reply === undefined) return;
    const { id } = reply;
    const failure = failureOf(err, { host, binary, requestId: requestIdOf(call) }, { expected, stack: sendStack });
    try {
      await this.#send(call, name, { id, failure });
    } catch {
      await this.#send(call, name, { id, failure: shortened(failure) });
    }
  }

  /** Of a failure the caller is not told. */
  log(call: IncomingCall, name: string, err: unknown, expected: boolean): void {
    const { log } = this.#parts;
    const facts = { requestId: requestIdOf(call), message: call.request.id };
    if (expected) log.debug(`${name}: ${messageOf(err)}`, facts);
    else log.error(`${name} failed`, { err, ...facts });
  }

  async #send({ request, since }: IncomingCall, name: string, envelope: ReplyEnvelope): Promise<void> {
    await this.#parts.replies.send({ to: request.reply!.to, envelope, name, since });
  }
}

function messageOf(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
