/**
 * Calls that wait for their replies: a process has one consumer of replies, which starts with its first call.
 */
import { runInRequest } from 'portico/app';
import type { Logger } from 'portico/extension';
import type { Cancel, Clock } from 'portico/tasks';
import { RpcTimeout } from '../errors.js';
import { type ReplyEnvelope, readReply } from '../message/envelope.js';
import type { MessageLimits } from '../message/wire-format.js';
import type { Message, ReplyConsumer, Transport } from '../transport/transport.js';

/** A call. */
export interface ExpectedReply {
  readonly id: string;
  /** The method and its target, for messages. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Longest silence of the server; undefined: no limit. */
  readonly monitorMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reply to a call. */
export type FinalReply = Exclude<ReplyEnvelope, { readonly alive: true }>;

/** A call that was sent, or is about to be. */
export interface Expected {
  readonly reply: Promise<FinalReply>;
  /** True if the call needs not be sent again: its server was heard, or nothing waits for it any more. */
  readonly isOver: boolean;
  /** Stops waiting, because it was not sent. */
  readonly fail: (error: Error) => void;
}

/** Number of calls that causes a warning, and again when it has doubled. */
const WARN_AT = 100;
/** Number of remembered calls whose reply may still arrive. */
const LATE_ENTRIES = 1000;

export class PendingCalls {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #limits: MessageLimits;
  readonly #calls = new Map<string, PendingCall>();
  /** Calls that timed out, with the time. */
  readonly #late = new Map<string, { readonly what: string; readonly at: number }>();
  #consumer: Promise<ReplyConsumer> | undefined;
  /** Address of the consumer, once it exists. */
  #address: string | undefined;
  #warnAt = WARN_AT;

  constructor({ log, clock, limits }: { readonly log: Logger; readonly clock: Clock; readonly limits: MessageLimits }) {
    this.#log = log;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Returns the address for replies. */
  address(transport: Transport): string | Promise<string> {
    return this.#address ?? this.#begin(transport);
  }

  async #begin(transport: Transport): Promise<string> {
    this.#consumer ??= this.#consume(transport);
    const consumer = this.#consumer;
    try {
      const { address } = await consumer;
      if (this.#consumer === consumer) this.#address = address;
      return address;
    } catch (error) {
      // Another call may have started a new one.
      if (this.#consumer === consumer) this.#consumer = undefined;
      throw error;
    }
  }

  /** Waits for the reply of a call. */
  expect(call: ExpectedReply): Expected {
    const pending = new PendingCall(call, this.#clock, {
      ended: () => this.#calls.delete(call.id),
      givenUp: () => this.#remember(call.id, call.what),
    });
    this.#calls.set(call.id, pending);
    pending.begin();
    this.#warnOfMany();
    return pending;
  }

  /** Settles when no call waits. Never rejects. */
  async ended(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled([...this.#calls.values()].map(({ reply }) => reply));
  }

  /** Rejects all calls that wait. */
  close(): void {
    for (const { what, fail } of this.#calls.values()) {
      fail(new RpcTimeout({ message: `${what}: this process stopped waiting for its reply, because it is exiting` }));
    }
    const consumer = this.#consumer;
    this.#consumer = undefined;
    this.#address = undefined;
    // Not awaited: a consumer that is being created may need the lost connection.
    consumer?.then((each) => each.cancel()).catch(() => {});
  }

  #consume(transport: Transport): Promise<ReplyConsumer> {
    // The consumer belongs to all calls of the process, not to this request.
    return runInRequest({}, () => transport.consumeReplies((message) => this.#take(message)));
  }

  #take({ id, body }: Message): void {
    let reply: ReplyEnvelope;
    try {
      reply = readReply(body, this.#limits);
    } catch (err) {
      this.#log.warn({ err, bytes: body.length }, `reply ${id} cannot be read`);
      return;
    }
    const pending = this.#calls.get(reply.id);
    if (pending === undefined) this.#tellLate(reply);
    else if ('alive' in reply) pending.alive();
    else pending.resolve(reply);
  }

  #tellLate(reply: ReplyEnvelope): void {
    const late = this.#late.get(reply.id);
    if ('alive' in reply) return;
    this.#late.delete(reply.id);
    const age = late === undefined ? '' : `, ${Math.round(this.#clock.now() - late.at)} ms after the timeout`;
    this.#log.info({ call: reply.id }, `${late?.what ?? 'a call'}: its reply came too late${age}`);
  }

  #remember(id: string, what: string): void {
    this.#late.set(id, { what, at: this.#clock.now() });
    if (this.#late.size > LATE_ENTRIES) this.#late.delete(this.#late.keys().next().value!);
  }

  #warnOfMany(): void {
    if (this.#calls.size <= WARN_AT / 2) this.#warnAt = WARN_AT;
    if (this.#calls.size <= this.#warnAt) return;
    this.#warnAt *= 2;
    this.#log.warn(`${this.#calls.size} remote calls are waiting for replies`);
  }
}

/** A call that waits for its reply. */
class PendingCall implements Expected {
  readonly what: string;
  readonly #call: ExpectedReply;
  readonly #clock: Clock;
  readonly #tell: { readonly ended: () => void; readonly givenUp: () => void };
  readonly reply: Promise<FinalReply>;
  isOver = false;
  #resolve!: (reply: FinalReply) => void;
  #reject!: (error: Error) => void;
  #overall: Cancel | undefined;
  #monitor: Cancel | undefined;

  constructor(call: ExpectedReply, clock: Clock, tell: { readonly ended: () => void; readonly givenUp: () => void }) {
    this.#call = call;
    this.#clock = clock;
    this.#tell = tell;
    this.what = call.what;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Its caller may not read it: sending it failed before.
    this.reply.catch(() => undefined);
  }

  begin(): void {
    const { what, timeoutMs, signal } = this.#call;
    this.#overall = this.#clock.after(timeoutMs, () => this.#giveUp(timedOut(what, timeoutMs)));
    this.#watch();
    signal?.addEventListener('abort', this.#aborted, { once: true });
    if (signal?.aborted === true) this.#aborted();
  }

  /** Handles a heartbeat of its server. */
  alive(): void {
    this.isOver = true;
    this.#watch();
  }

  #watch(): void {
    const { what, monitorMs } = this.#call;
    this.#monitor?.();
    if (monitorMs === undefined) return;
    this.#monitor = this.#clock.after(monitorMs, () => this.#giveUp(silent(what, monitorMs)));
  }

  resolve(reply: FinalReply): void {
    this.#end();
    this.#resolve(reply);
  }

  readonly fail = (error: Error): void => {
    this.#end();
    this.#reject(error);
  };

  readonly #aborted = (): void => this.#giveUp(this.#call.signal?.reason as Error);

  #giveUp(error: Error): void {
    this.#tell.givenUp();
    this.fail(error);
  }

  #end(): void {
    this.isOver = true;
    this.#overall?.();
    this.#monitor?.();
    this.#call.signal?.removeEventListener('abort', this.#aborted);
    this.#tell.ended();
  }
}

function timedOut(what: string, ms: number): RpcTimeout {
  return new RpcTimeout({
    message: `${what}: no reply within ${seconds(ms)}`,
    hint: 'It may have run. Is a service running that handles it?',
  });
}

function silent(what: string, ms: number): RpcTimeout {
  return new RpcTimeout({ message: `${what}: no heartbeat from its server for ${seconds(ms)}`, monitor: true });
}

function seconds(ms: number): string {
  // Rounded to hundredths: a limit is the remaining time when the call was sent.
  return `${Math.round(ms / 10) / 100} s`;
}
