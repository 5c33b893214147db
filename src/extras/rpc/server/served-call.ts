/** One received call or cast, from the message to the reply. */
import { type CallDelivery, type CurrentRequest, RequestContext, runInRequest } from 'portico/app';
import { type ActiveTrace, type CallSpans, ignoreErrors, type Logger } from 'portico/extension';
import type { Cancel, Clock } from 'portico/tasks';
import { type CallFailures, type CallMeter, DROPS, type DropReason, deathReason } from '../call-meter.js';
import { type DeliveryFailure, failing, SerializationError } from '../errors.js';
import type { CallTracker } from '../exposed-methods.js';
import type { RequestEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import { type ContextHere, eachArgument, type Serializer } from '../message/serializer.js';
import type { FailureEnvelope } from '../message/wire-failure.js';
import type { Delivery } from '../transport/transport.js';
import { shownArguments } from './arguments.js';
import { type Endpoints, isCutOff, isExpected, isIgnored, logFailure, type ServedMethod } from './endpoints.js';
import type { RecentKeys } from './recent-keys.js';
import type { Reply, ReplySender } from './reply-sender.js';

/** Parts that all calls of a server share. */
export interface ServedWith extends ReplyParts {
  readonly endpoints: Endpoints;
  readonly tracker: CallTracker;
  readonly serializer: Required<Serializer>;
  readonly clock: Clock;
  /** Undefined: calls are not counted. */
  readonly meter: CallMeter | undefined;
  /** Undefined: no spans are created. */
  readonly spans: CallSpans | undefined;
  /** Messages that were begun. */
  readonly seen: RecentKeys;
  /** Calls in progress that are acknowledged late, by their messages. */
  readonly late: Map<string, ServedCall>;
}

export class ServedCall {
  readonly #with: ServedWith;
  readonly #request: RequestEnvelope;
  /** For a method that is acknowledged late: another delivery, if the message was redelivered while it runs. */
  #delivery: Delivery;
  readonly #isCopy: boolean;
  readonly #reply: CallReply;
  /** Arrival, and the time at which its caller stops waiting, by the clock. */
  readonly #since: number;
  readonly #deadline: number | undefined;
  /** Created when its method reads the signal: most do not. */
  #abort: AbortController | undefined;
  /** Reason of its cancellation. */
  #cancelled: Error | undefined;
  #interrupt: (reason: Error) => void = () => {};

  /** `isCopy`: a fanout, which every other process of the topic gets too. `since`: its arrival, by the clock. */
  constructor(parts: ServedWith, request: RequestEnvelope, delivery: Delivery, isCopy: boolean, since: number) {
    this.#with = parts;
    this.#request = request;
    this.#delivery = delivery;
    this.#isCopy = isCopy;
    this.#since = since;
    // The time in the queue does not count: the broker drops what waited longer than its caller.
    this.#deadline = request.deadline === undefined ? undefined : since + request.deadline;
    this.#reply = new CallReply(parts, request, this.#since);
  }

  /** Reports whether its caller knows it by this id. */
  isKnownAs(id: string): boolean {
    return (this.#request.reply?.id ?? this.#request.id) === id;
  }

  /** Aborts the signal of its method: the caller no longer waits, or the server ends. */
  cancel(reason: Error): void {
    this.#cancelled ??= reason;
    this.#abort?.abort(reason);
  }

  /** Signal of its method. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelled !== undefined) this.#abort.abort(this.#cancelled);
    return this.#abort.signal;
  }

  /** Stops waiting for its method. */
  interrupt(reason: Error): void {
    this.#interrupt(reason);
  }

  /** Runs its method, and sends the outcome. Never rejects. */
  async run(): Promise<void> {
    try {
      const method = await this.#begin();
      if (method !== undefined) await this.#serve(method);
    } catch (err) {
      const { method, id: message } = this.#request;
      ignoreErrors(() => this.#with.log.error({ err, message }, `${method}: its call could not be handled`));
      await this.#reply.lastResort().catch(() => {});
    }
  }

  /** Returns it to the broker unbegun, because the server ends, unless no other process may run it. Never rejects. */
  async giveBack(): Promise<void> {
    const reason = this.#reasonToDrop() ?? (this.#isCopy ? 'stopping' : undefined);
    if (reason === undefined) await this.#delivery.requeue();
    else await this.#drop(reason);
  }

  /** Returns the method to run; undefined if there is none. Acknowledges a message that need not be redelivered. */
  async #begin(): Promise<ServedMethod | undefined> {
    const { seen, late, endpoints, meter, topic } = this.#with;
    const { id, args, method: name } = this.#request;
    if (this.#delivery.redelivered) meter?.redelivered(topic);
    const running = late.get(id);
    if (running !== undefined) {
      // The connection was lost meanwhile, or this is a second copy: the outcome settles the present delivery.
      void running.#delivery.ack().catch(() => {});
      running.#delivery = this.#delivery;
      return undefined;
    }
    const reason = this.#reasonToDrop();
    if (reason !== undefined) {
      await this.#drop(reason);
      return undefined;
    }
    let method: ServedMethod;
    try {
      method = endpoints.find(this.#request);
      method.checkArguments?.(args);
    } catch (error) {
      if (await this.#acknowledge()) await this.#reply.failure(name, error, true);
      return undefined;
    }
    const isLate = method.options.ack === 'late';
    // Before the acknowledgement is written: a second copy may arrive meanwhile.
    seen.add(id);
    if (isLate || (await this.#acknowledge())) return method;
    seen.forget(id);
    return undefined;
  }

  #reasonToDrop(): DropReason | undefined {
    const { seen, clock } = this.#with;
    if (seen.has(this.#request.id)) return 'duplicate';
    if (this.#deadline !== undefined && clock.now() >= this.#deadline) return 'expired';
    return this.#cancelled === undefined ? undefined : 'cancelled';
  }

  /** Drops it, here and everywhere else. */
  async #drop(reason: DropReason): Promise<void> {
    const { log, meter, topic } = this.#with;
    const { id, method } = this.#request;
    if (!(await this.#acknowledge())) return;
    log.info(`${method}: message ${id} was dropped, ${DROPS[reason]}`);
    meter?.dropped(topic, reason);
  }

  /** Returns false if the message will be redelivered. */
  #acknowledge(): Promise<boolean> {
    return this.#delivery.ack().then(
      () => true,
      (err: unknown) => {
        const { id, method } = this.#request;
        this.#with.log.info({ err }, `${method}: message ${id} was not started, it will be redelivered`);
        return false;
      },
    );
  }

  async #serve(method: ServedMethod): Promise<void> {
    const { log, clock, replies, late, seen, meter, failed, topic } = this.#with;
    const { id, args } = this.#request;
    const { name, options } = method;
    if (log.enabled('trace')) {
      log.debug({ ...this.#reply.facts, args: shownArguments(args, options.args) }, `${name}: called`);
    }
    const isLate = options.ack === 'late';
    if (isLate) late.set(id, this);
    const ends = [replies.beat(this.#request, name), this.#limit()];
    let result: unknown;
    try {
      result = await this.#untilInterrupted(this.#observed(method));
    } catch (error) {
      if (!isExpected(error, method)) this.#reply.note(error);
      late.delete(id);
      if (isLate && (await this.#runsAgain(method, error))) return;
      await this.#failed(method, error);
      if (isLate) {
        // After a lost connection the message is redelivered and does not become a dead letter: it is forgotten here.
        seen.forget(id);
        if (await this.#delivery.deadLetter(deathReason(error))) {
          failed?.died(topic);
          meter?.died(topic, 'failed');
        }
      }
      return;
    } finally {
      for (const end of ends) end();
    }
    if (log.enabled('debug')) {
      log.debug({ ...this.#reply.facts, elapsedMs: Math.round(clock.now() - this.#since) }, `${name}: done`);
    }
    await this.#reply.result(name, result);
    late.delete(id);
    // If it fails, the message is redelivered, and recognized then.
    if (isLate) await this.#delivery.ack().catch((err: unknown) => log.info({ err }, `${name}: not acknowledged`));
  }

  /** Counts it, and creates its span, if enabled. */
  #observed(method: ServedMethod): Promise<unknown> {
    const { meter, spans, topic } = this.#with;
    const { method: name, reply, trace } = this.#request;
    const kind = reply === undefined ? 'cast' : 'call';
    const expected = (error: unknown): boolean => isExpected(error, method);
    const counted = (active?: ActiveTrace): Promise<unknown> => {
      const run = (): Promise<unknown> => this.#invoke(method, active);
      const { requestId } = this.#reply;
      return meter === undefined ? run() : meter.served(kind, topic, name, { run, isExpected: expected, requestId });
    };
    return spans === undefined
      ? counted()
      : spans.served(kind, topic, name, { trace, run: counted, isFailure: failing(expected) });
  }

  async #invoke(method: ServedMethod, active: ActiveTrace | undefined): Promise<unknown> {
    const { serializer, tracker } = this.#with;
    const { id, ctx, args } = this.#request;
    const { redelivered, count } = this.#delivery;
    const here = hereOf(this, Object.freeze({ id, redelivered, count }));
    const context = serializer.deserializeContext(ctx, here);
    const given = eachArgument(args, context, serializer.deserializeEntity);
    const requestId = this.#reply.requestId;
    const deadline = this.#deadline;
    const env: CurrentRequest = {
      ...(context instanceof RequestContext && { context }),
      ...(requestId && { requestId }),
      ...(deadline !== undefined && { deadline }),
      ...(active && { activeTrace: active }),
    };
    const work = async (): Promise<unknown> => serializer.serializeEntity(context, await method.call(context, given));
    return runInRequest(env, () => (method.tracked ? tracker.record(method.name, work, { requestId }) : work()));
  }

  #untilInterrupted<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      work.then(resolve, reject);
    });
  }

  /** Aborts the method's signal when its caller's time is up. */
  #limit(): Cancel {
    const { clock } = this.#with;
    if (this.#deadline === undefined) return () => {};
    const late = (): void => this.cancel(new Error('the caller has timed out'));
    return clock.after(this.#deadline - clock.now(), late, { unref: true });
  }

  /** Returns true if the message is redelivered: a transient failure, or the server ends. */
  async #runsAgain({ name, options }: ServedMethod, err: unknown): Promise<boolean> {
    const { seen, log } = this.#with;
    const ends = isCutOff(err);
    if (!ends && (err as { retryable?: unknown } | null)?.retryable !== true) return false;
    log.warn({ err, delivery: this.#delivery.count }, `${name}: failed and will run again`);
    seen.forget(this.#request.id);
    await this.#delivery.requeue(ends ? {} : { delayMs: (options.retryDelay ?? 5) * 1000 });
    return true;
  }

  async #failed(method: ServedMethod, error: unknown): Promise<void> {
    const { name } = method;
    const expected = isExpected(error, method);
    if (!isIgnored(error, method)) return this.#reply.failure(name, error, expected);
    logFailure(this.#with.log, { name, error, isExpected: expected }, this.#reply.facts);
    await this.#reply.result(name, null);
  }
}

/** Members of a context that exist only in the receiving process: its signal, created when it is first read. */
function hereOf(call: ServedCall, delivery: CallDelivery): ContextHere {
  return {
    delivery,
    get signal() {
      return call.signal;
    },
  };
}

/** Settings and senders of replies. */
interface ReplyParts {
  readonly topic: string;
  readonly failed: CallFailures | undefined;
  readonly host: string;
  readonly binary: string;
  readonly log: Logger;
  readonly replies: ReplySender;
}

/**
 * The reply to one call: its result or its failure, in a form that can be sent. Sends nothing for a cast. Without the arguments, which would
 * be kept as long as a reply that is retried.
 */
class CallReply {
  readonly #with: ReplyParts;
  readonly #request: Pick<RequestEnvelope, 'id' | 'method' | 'reply'>;
  /** Id of the request that caused the call. */
  readonly requestId: string | undefined;
  readonly #since: number;
  #isTold = false;

  /** `since`: arrival of the call, by the clock. */
  constructor(parts: ReplyParts, { id, method, reply, ctx }: RequestEnvelope, since: number) {
    const { request_id: causeId, requestId = causeId } = ctx;
    this.#with = parts;
    this.#request = { id, method, reply };
    this.requestId = typeof requestId === 'string' ? requestId : undefined;
    this.#since = since;
  }

  /** Notes a failure for the status. */
  note(error: unknown): void {
    const { failed, topic } = this.#with;
    failed?.note(`${topic}.${this.#request.method}`, error, this.requestId);
  }

  /** Sends a result; one that cannot be sent, or that the broker refuses, is a failure. `name`: the method, for logs. */
  result(name: string, result: unknown): Promise<void> {
    const instead = (error: unknown): Promise<void> => {
      this.note(error);
      return this.failure(name, error, false);
    };
    // Not the broker's error, after which its caller could call again: the method has run.
    const refused = (cause: DeliveryFailure): Promise<void> =>
      instead(new SerializationError({ message: `the result of ${name} was refused: ${cause.sentence}`, cause }));
    try {
      return this.#send(name, { result }, refused);
    } catch (error) {
      return instead(error);
    }
  }

  /** Sends a failure, and logs it. */
  async failure(name: string, error: unknown, expected: boolean): Promise<void> {
    const { log, host, binary } = this.#with;
    try {
      logFailure(log, { name, error, isExpected: expected }, this.facts);
    } catch {
      log.error(this.facts, `${name} failed, with an error that cannot be converted to text`);
    }
    if (this.#request.reply === undefined) return;
    const from = { host, binary, requestId: this.requestId };
    const failure = failureOf(error, from, { expected });
    // Made now, so that a reply that is retried does not keep the members.
    const shorter = shortened(failure);
    const short = (err: unknown): Promise<void> => {
      log.warn({ err, ...this.facts }, `${name}: its error is sent without its members`);
      return this.#send(name, { failure: shorter });
    };
    try {
      await this.#send(name, { failure }, short);
    } catch (err) {
      await short(err);
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

  /** Fields of the call for a log line. */
  get facts(): { readonly request_id: string | undefined; readonly message: string } {
    return { request_id: this.requestId, message: this.#request.id };
  }

  /** Throws as {@link ReplySender.send}. */
  #send(
    name: string,
    what: { readonly result: unknown } | { readonly failure: FailureEnvelope },
    refused?: Reply['refused'],
  ): Promise<void> {
    const { reply } = this.#request;
    if (reply === undefined) return Promise.resolve();
    const sent = this.#with.replies.send({
      to: reply.to,
      envelope: { id: reply.id, ...what },
      name,
      since: this.#since,
      refused,
    });
    this.#isTold = true;
    return sent;
  }
}
