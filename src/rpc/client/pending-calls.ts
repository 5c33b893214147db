/**
 * Calls that wait for their replies: one consumer of replies for a process, begun with its first call.
 */
import type { Logger } from '../../log/index.js';
import type { Cancel, Clock } from '../../tasks/index.js';
import { RpcTimeout } from '../errors.js';
import { type AddressedFormat, type ReplyEnvelope, readReply } from '../message/envelope.js';
import type { WireFormat } from '../message/wire-format.js';
import type { Message, ReplyConsumer, Transport } from '../transport/transport.js';

/** A call. */
export interface ExpectedReply {
  readonly id: string;
  /** The method and where it is called, for messages. */
  readonly what: string;
  readonly timeoutMs: number;
  /** The longest silence of the server; undefined: any. */
  readonly monitorMs: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What comes back of a call. */
export type FinalReply = Exclude<ReplyEnvelope, { readonly alive: true }>;

interface Pending {
  readonly what: string;
  readonly alive: () => void;
  readonly resolve: (reply: FinalReply) => void;
  readonly reject: (error: Error) => void;
}

/** Calls beyond these are worth a warning, and again at twice as many. */
const WARN_AT = 100;
/** How many calls are remembered whose reply may still come. */
const LATE_ENTRIES = 1000;

export class PendingCalls {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #format: WireFormat;
  readonly #calls = new Map<string, Pending>();
  /** Calls that were given up, and when. */
  readonly #late = new Map<string, { readonly what: string; readonly at: number }>();
  #consumer: Promise<ReplyConsumer> | undefined;
  #warnAt = WARN_AT;

  constructor({ log, clock, format }: { readonly log: Logger; readonly clock: Clock; readonly format: WireFormat }) {
    this.#log = log;
    this.#clock = clock;
    this.#format = format;
  }

  /** Where replies are to go. */
  async address(transport: Transport): Promise<string> {
    this.#consumer ??= this.#consume(transport);
    const consumer = this.#consumer;
    try {
      return (await consumer).address;
    } catch (error) {
      // Another call may have begun another one.
      if (this.#consumer === consumer) this.#consumer = undefined;
      throw error;
    }
  }

  /** The reply of a call; `forget` where it was not sent. */
  expect(call: ExpectedReply): { readonly reply: Promise<FinalReply>; readonly forget: () => void } {
    const { id, what, timeoutMs, monitorMs, signal } = call;
    let forget!: () => void;
    const reply = new Promise<FinalReply>((resolve, reject) => {
      const timers: { overall: Cancel; monitor: Cancel } = { overall: () => {}, monitor: () => {} };
      const aborted = (): void => giveUp(signal?.reason as Error);
      forget = () => {
        timers.overall();
        timers.monitor();
        signal?.removeEventListener('abort', aborted);
        this.#calls.delete(id);
      };
      const giveUp = (error: Error): void => {
        forget();
        this.#remember(id, what);
        reject(error);
      };
      const watch = (): void => {
        timers.monitor();
        if (monitorMs === undefined) return;
        timers.monitor = this.#clock.after(monitorMs, () => giveUp(silent(what, monitorMs)));
      };
      timers.overall = this.#clock.after(timeoutMs, () => giveUp(timedOut(what, timeoutMs)));
      watch();
      signal?.addEventListener('abort', aborted, { once: true });
      const settle = <T>(settled: (value: T) => void) => {
        return (value: T): void => {
          forget();
          settled(value);
        };
      };
      this.#calls.set(id, { what, alive: watch, resolve: settle(resolve), reject: settle(reject) });
      if (signal?.aborted === true) aborted();
    });
    this.#warnOfMany();
    return { reply, forget };
  }

  /** Gives up what still waits. */
  close(): void {
    for (const { what, reject } of this.#calls.values()) {
      reject(new RpcTimeout({ message: `${what}: this process stopped waiting for its reply, because it ends` }));
    }
    const consumer = this.#consumer;
    this.#consumer = undefined;
    // Not waited for: one that is still being made may need the connection that is lost.
    consumer?.then((each) => each.cancel()).catch(() => {});
  }

  async #consume(transport: Transport): Promise<ReplyConsumer> {
    // No server knows the address before it is known here.
    let format = this.#format.at('');
    const consumer = await transport.consumeReplies((message) => this.#take(message, format));
    format = this.#format.at(consumer.address);
    return consumer;
  }

  #take({ id, body }: Message, format: AddressedFormat): void {
    let reply: ReplyEnvelope;
    try {
      reply = readReply(body, format);
    } catch (err) {
      this.#log.warn(`reply ${id} cannot be read`, { err, bytes: body.length });
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
    const age = late === undefined ? '' : `, ${Math.round(this.#clock.now() - late.at)} ms after it was given up`;
    this.#log.info(`${late?.what ?? 'a call'}: its reply came too late${age}`, { call: reply.id });
  }

  #remember(id: string, what: string): void {
    this.#late.set(id, { what, at: this.#clock.now() });
    if (this.#late.size > LATE_ENTRIES) this.#late.delete(this.#late.keys().next().value!);
  }

  #warnOfMany(): void {
    if (this.#calls.size <= WARN_AT / 2) this.#warnAt = WARN_AT;
    if (this.#calls.size <= this.#warnAt) return;
    this.#warnAt *= 2;
    this.#log.warn(`${this.#calls.size} remote calls wait for their replies`);
  }
}

function timedOut(what: string, ms: number): RpcTimeout {
  return new RpcTimeout({
    message: `${what}: no reply within ${seconds(ms)}`,
    hint: 'It may have run. Is a service there that takes it?',
  });
}

function silent(what: string, ms: number): RpcTimeout {
  return new RpcTimeout({ message: `${what}: no sign of life of its server for ${seconds(ms)}`, monitor: true });
}

function seconds(ms: number): string {
  // In hundredths: a limit is what was left when the call was sent.
  return `${Math.round(ms / 10) / 100} s`;
}
