/**
 * One call or cast that has come, from the message to the reply.
 */
import { type CallDelivery, RequestContext } from '../../app/index.js';
import { ACTIVE_TRACE, runInRequest } from '../../app/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import type { TaskTracker } from '../../service/index.js';
import type { Cancel, Clock } from '../../tasks/index.js';
import type { Deadlines } from '../../tasks/internal.js';
import { maskUris } from '../../text/index.js';
import { type CallMeter, DROPS, type DropReason } from '../call-meter.js';
import type { ActiveTrace, CallSpans } from '../call-spans.js';
import type { RequestEnvelope } from '../message/envelope.js';
import { failureOf } from '../message/failure.js';
import { type ContextHere, eachArgument, type Serializer } from '../message/serializer.js';
import type { Delivery } from '../transport/transport.js';
import { shownArguments } from './arguments.js';
import { CallReply, type ReplyParts } from './call-reply.js';
import { type Endpoints, isCutOff, isExpected, isIgnored, logFailure, type ServedMethod } from './endpoints.js';
import type { HeldLoop } from './held-loop.js';
import type { RecentKeys } from './recent-keys.js';
import type { ReplySender } from './reply-sender.js';
import type { SenderClocks } from './sender-clocks.js';

/** Of an error, with a dead letter. */
const REASON_CHARACTERS = 300;

/** Parts that all calls of a server share. */
export interface ServedWith extends ReplyParts {
  readonly topic: string;
  readonly endpoints: Endpoints;
  /** How often a message may come back. */
  readonly deliveryLimit: number;
  readonly tracker: TaskTracker;
  readonly serializer: Required<Serializer>;
  readonly clock: Clock;
  /** Undefined: nothing is counted. */
  readonly meter: CallMeter | undefined;
  /** Undefined: no spans are made. */
  readonly spans: CallSpans | undefined;
  readonly replies: ReplySender;
  readonly held: HeldLoop;
  /** Times of callers. */
  readonly deadlines: Deadlines;
  /** Of those who call. */
  readonly clocks: SenderClocks;
  /** Messages that were begun. */
  readonly seen: RecentKeys;
  /** Calls under way that are acknowledged late, by their messages. */
  readonly late: Map<string, ServedCall>;
}

export class ServedCall {
  readonly #with: ServedWith;
  readonly #request: RequestEnvelope;
  /** Of a method that is acknowledged late another one, where the message came again while it runs. */
  #delivery: Delivery;
  readonly #isCopy: boolean;
  readonly #reply: CallReply;
  /** When it came, and when its caller stops waiting, by the clock. */
  readonly #since: number;
  readonly #deadline: number | undefined;
  /** Made when its method asks for the signal: most do not. */
  #abort: AbortController | undefined;
  /** Why it was cancelled. */
  #cancelled: Error | undefined;
  #interrupt: (reason: Error) => void = () => {};

  /** `isCopy`: a fanout, every other process of the topic has it as well. */
  constructor(parts: ServedWith, request: RequestEnvelope, delivery: Delivery, isCopy: boolean) {
    this.#with = parts;
    this.#request = request;
    this.#delivery = delivery;
    this.#isCopy = isCopy;
    this.#since = parts.clock.now();
    this.#deadline = parts.clocks.deadlineOf(request, this.#since);
    this.#reply = new CallReply(parts, request, this.#since);
  }

  /** Whether its caller knows it by this id. */
  isKnownAs(id: string): boolean {
    return (this.#request.reply?.id ?? this.#request.id) === id;
  }

  /** Raises the signal of its method: the caller no longer waits, or the server ends. */
  cancel(reason: Error): void {
    this.#cancelled ??= reason;
    this.#abort?.abort(reason);
  }

  /** Of its method. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelled !== undefined) this.#abort.abort(this.#cancelled);
    return this.#abort.signal;
  }

  /** Its method is not waited for any more. */
  interrupt(reason: Error): void {
    this.#interrupt(reason);
  }

  /** Runs its method, and sends what came of that. Never rejects. */
  async run(): Promise<void> {
    try {
      const method = await this.#begin();
      if (method !== undefined) await this.#serve(method);
    } catch (err) {
      const { method, id: message } = this.#request;
      ignoreErrors(() => this.#with.log.error(`${method}: its call could not be handled`, { err, message }));
      await this.#reply.lastResort().catch(() => {});
    }
  }

  /** It is not begun here, because the server ends. Another one gets it, unless nothing is to run it. Never rejects. */
  async giveBack(): Promise<void> {
    const reason = this.#reasonToDrop() ?? (this.#isCopy ? 'stopping' : undefined);
    if (reason === undefined) await this.#delivery.requeue({ returns: this.#returns });
    else await this.#drop(reason);
  }

  /** The next return would make it a dead letter, and it never began: what begins is acknowledged first. */
  get isWornOut(): boolean {
    return this.#delivery.count > this.#with.deliveryLimit && !this.#isCopy && !this.#isLate;
  }

  /** Of those it had, how many count when it is given back unbegun; undefined: as the broker counts. */
  get #returns(): number | undefined {
    if (this.#isLate) return this.#delivery.count - 1;
    return this.isWornOut ? 0 : undefined;
  }

  /** Its method is acknowledged when it has ended. */
  get #isLate(): boolean {
    return this.#with.endpoints.isLate(this.#request);
  }

  /** The method that is to run; undefined where none is. A message that need not come again is acknowledged. */
  async #begin(): Promise<ServedMethod | undefined> {
    const { seen, late, endpoints, meter, topic } = this.#with;
    const { id, args, method: name } = this.#request;
    if (this.#delivery.redelivered) meter?.redelivered(topic);
    const running = late.get(id);
    if (running !== undefined) {
      // The connection was lost meanwhile: what comes of it settles the message that is there now.
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
    if (method.options.ack === 'late') {
      // Copies that went back uncounted have taken the broker's own count with them.
      if (this.#delivery.count > this.#with.deliveryLimit + 1) {
        await this.#delivery.deadLetter('delivery_limit');
        return undefined;
      }
    } else if (!(await this.#acknowledge())) return undefined;
    seen.add(id);
    return method;
  }

  #reasonToDrop(): DropReason | undefined {
    const { seen, clock } = this.#with;
    if (seen.has(this.#request.id)) return 'duplicate';
    if (this.#deadline !== undefined && clock.now() >= this.#deadline) return 'expired';
    return this.#cancelled === undefined ? undefined : 'cancelled';
  }

  /** It is not begun, here or anywhere else. */
  async #drop(reason: DropReason): Promise<void> {
    const { log, meter, topic } = this.#with;
    const { id, method } = this.#request;
    if (!(await this.#acknowledge())) return;
    log.info(`${method}: message ${id} was dropped, ${DROPS[reason]}`);
    meter?.dropped(topic, reason);
  }

  /** False where the message will come again. */
  async #acknowledge(): Promise<boolean> {
    try {
      await this.#delivery.ack();
      return true;
    } catch (err) {
      const { id, method } = this.#request;
      this.#with.log.info(`${method}: message ${id} was not started, it will be redelivered`, { err });
      return false;
    }
  }

  async #serve(method: ServedMethod): Promise<void> {
    const { log, clock, replies, held, late, seen, meter, topic } = this.#with;
    const { id, args } = this.#request;
    const { name, options } = method;
    if (log.enabled('trace')) {
      log.debug(`${name}: called`, { ...this.#reply.facts, args: shownArguments(args, options.args) });
    }
    const isLate = options.ack === 'late';
    if (isLate) late.set(id, this);
    const ends = [replies.beat(this.#request, name), this.#limit(), held.begin(name)];
    let result: unknown;
    try {
      result = await this.#untilInterrupted(this.#observed(method));
    } catch (error) {
      late.delete(id);
      if (isLate && (await this.#runsAgain(method, error))) return;
      await this.#failed(method, error);
      if (isLate) {
        // With a lost connection the message comes again and becomes no dead letter: it is forgotten here.
        seen.forget(id);
        if (await this.#delivery.deadLetter(deathReason(error))) meter?.died(topic, 'failed');
      }
      return;
    } finally {
      for (const end of ends) end();
    }
    if (log.enabled('debug')) {
      log.debug(`${name}: done`, { ...this.#reply.facts, elapsedMs: Math.round(clock.now() - this.#since) });
    }
    await this.#reply.result(name, result);
    late.delete(id);
    // Not written: the message comes again, and is known then.
    if (isLate) await this.#delivery.ack().catch((err: unknown) => log.info(`${name}: not acknowledged`, { err }));
  }

  /** Counted, and in its own span, where that is wanted. */
  #observed(method: ServedMethod): Promise<unknown> {
    const { meter, spans, topic } = this.#with;
    const { method: name, reply, trace } = this.#request;
    const kind = reply === undefined ? 'cast' : 'call';
    const expected = (error: unknown): boolean => isExpected(error, method);
    const counted = (active?: ActiveTrace): Promise<unknown> => {
      const run = (): Promise<unknown> => this.#invoke(method, active);
      return meter === undefined ? run() : meter.served(kind, topic, name, { run, isExpected: expected });
    };
    return spans === undefined
      ? counted()
      : spans.served(kind, topic, name, { trace, run: counted, isExpected: expected });
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
    const env: Parameters<typeof runInRequest>[0] = {
      ...(context instanceof RequestContext && { context }),
      ...(requestId && { requestId }),
      ...(deadline !== undefined && { deadline }),
      ...(active && { [ACTIVE_TRACE]: active }),
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

  /** The method's signal fires when its caller's time is up. */
  #limit(): Cancel {
    const { clock, deadlines } = this.#with;
    if (this.#deadline === undefined) return () => {};
    const late = (): void => this.cancel(new Error('the caller has timed out'));
    return deadlines.after(this.#deadline - clock.now(), late);
  }

  /** True where the message comes again: it failed in a way that may pass, or the server ends. */
  async #runsAgain({ name, options }: ServedMethod, err: unknown): Promise<boolean> {
    const { seen, log } = this.#with;
    const ends = isCutOff(err);
    if (!ends && (err as { retryable?: unknown } | null)?.retryable !== true) return false;
    log.warn(`${name}: failed and will run again`, { err, delivery: this.#delivery.count });
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

/** Members of a context that exist only in the process where the call arrived: its signal, made when it is first read. */
function hereOf(call: ServedCall, delivery: CallDelivery): ContextHere {
  return {
    delivery,
    get signal() {
      return call.signal;
    },
  };
}

/** For the operator who reads dead letters. */
function deathReason(error: unknown): string {
  const { type, message } = failureOf(error, { host: '', binary: '' });
  return `failed: ${type}: ${maskUris(message)}`.slice(0, REASON_CHARACTERS);
}
