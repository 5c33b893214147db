/**
 * One call or cast, from the message to the reply.
 */
import { RequestContext } from '../../app/index.js';
import { ACTIVE_TRACE, runInRequest } from '../../app/internal.js';
import type { TaskTracker } from '../../service/index.js';
import type { Cancel, Clock } from '../../tasks/index.js';
import { maskUris } from '../../text/index.js';
import type { CallMeter } from '../call-meter.js';
import type { ActiveTrace, CallSpans } from '../call-spans.js';
import { failureOf } from '../message/failure.js';
import { argumentsFromData, contextFromDict, entityToData, type Serializer } from '../message/serializer.js';
import { CallReplies, type CallRepliesParts } from './call-replies.js';
import type { Endpoints, ServedMethod } from './endpoints.js';
import { isCutOff, isExpected, isIgnored } from './failed-method.js';
import { HeldLoop } from './held-loop.js';
import { factsOf, type IncomingCall, requestIdOf } from './incoming-call.js';
import type { Interruption } from './interruption.js';
import type { RecentKeys } from './recent-keys.js';
import { shownArguments } from './shown-arguments.js';

/** What a caller may ask for: its signs of life are messages that every caller pays for. */
const LEAST_BEAT_MS = 50;

/** What calls are handled with. */
export interface CallHandlerParts extends CallRepliesParts {
  readonly endpoints: Endpoints;
  /** Messages that were begun. */
  readonly seen: RecentKeys;
  readonly serializer: Serializer;
  readonly tracker: TaskTracker;
  readonly clock: Clock;
  readonly topic: string;
  /** Undefined: nothing is counted. */
  readonly meter?: CallMeter | undefined;
  /** Undefined: no spans are made. */
  readonly spans?: CallSpans | undefined;
  /** Of handlers that go on when the server ends. */
  readonly interruption: Interruption;
}

/** Of an error, with a dead letter. */
const REASON_CHARACTERS = 300;

/** Runs the method of a call and sends what came of it. */
export class CallHandler {
  readonly #parts: CallHandlerParts;
  readonly #replies: CallReplies;
  readonly #held: HeldLoop;
  /** Calls under way that are acknowledged late, by their messages. */
  readonly #late = new Map<string, IncomingCall>();

  constructor(parts: CallHandlerParts) {
    this.#parts = parts;
    this.#replies = new CallReplies(parts);
    this.#held = new HeldLoop(parts);
  }

  /** Never rejects. */
  async handle(call: IncomingCall): Promise<void> {
    const { log } = this.#parts;
    try {
      const method = await this.#begin(call);
      if (method !== undefined) await this.#run(call, method);
    } catch (err) {
      log.error(`${call.request.method}: its call could not be handled`, { err });
    }
  }

  /** It is not begun here, because the server ends. Another one gets it, unless nothing is to run it. Never rejects. */
  async giveBack(call: IncomingCall): Promise<void> {
    const reason = this.#reasonToDrop(call) ?? (call.isCopy ? 'the service stops' : undefined);
    if (reason === undefined) await call.delivery.requeue();
    else await this.#drop(call, reason);
  }

  /** The method that is to run; undefined where none is. A message that need not come again is acknowledged. */
  async #begin(call: IncomingCall): Promise<ServedMethod | undefined> {
    const { seen, endpoints, meter, topic } = this.#parts;
    const { request, delivery } = call;
    if (delivery.redelivered) meter?.redelivered(topic);
    const running = this.#late.get(request.id);
    if (running !== undefined) {
      // The connection was lost meanwhile: what comes of it settles the message that is there now.
      running.delivery = delivery;
      return undefined;
    }
    const reason = this.#reasonToDrop(call);
    if (reason !== undefined) {
      await this.#drop(call, reason);
      return undefined;
    }
    let method: ServedMethod;
    try {
      method = endpoints.find(request);
      method.checkArguments?.(request.args);
    } catch (error) {
      const failure = { name: request.method, error, isExpected: true };
      if (await this.#acknowledge(call)) await this.#replies.failure(call, failure);
      return undefined;
    }
    if (method.options.ack !== 'late' && !(await this.#acknowledge(call))) return undefined;
    seen.add(request.id);
    return method;
  }

  #reasonToDrop({ request, deadline, abort }: IncomingCall): string | undefined {
    const { seen, clock } = this.#parts;
    if (seen.has(request.id)) return 'it came before';
    if (deadline !== undefined && clock.now() >= deadline) return 'its caller does not wait any more';
    return abort.signal.aborted ? 'its caller took it back' : undefined;
  }

  /** It is not begun, here or anywhere else. */
  async #drop(call: IncomingCall, reason: string): Promise<void> {
    const { log, meter, topic } = this.#parts;
    const { id, method } = call.request;
    if (!(await this.#acknowledge(call))) return;
    log.info(`${method}: message ${id} was dropped, ${reason}`);
    meter?.dropped(topic, reason);
  }

  /** False where the message will come again. */
  async #acknowledge({ request, delivery }: IncomingCall): Promise<boolean> {
    try {
      await delivery.ack();
      return true;
    } catch (err) {
      this.#parts.log.info(`${request.method}: message ${request.id} was not begun, it will come again`, { err });
      return false;
    }
  }

  async #run(call: IncomingCall, method: ServedMethod): Promise<void> {
    const { log, clock, interruption } = this.#parts;
    if (log.enabled('trace')) {
      const args = shownArguments(call.request.args, method.options.args);
      log.debug(`${method.name}: called`, { ...factsOf(call), args });
    }
    const late = method.options.ack === 'late';
    if (late) this.#late.set(call.request.id, call);
    const stopBeats = this.#beat(call, method);
    const stopTime = this.#limit(call);
    const ended = this.#held.begin(method.name);
    let result: unknown;
    try {
      result = await interruption.wait(this.#observed(call, method));
    } catch (error) {
      this.#late.delete(call.request.id);
      if (late && (await this.#runsAgain(call, method, error))) return;
      await this.#ended(call, method, error);
      if (late) {
        // Where the connection is lost the message comes again, and is no dead letter.
        this.#parts.seen.forget(call.request.id);
        if (await call.delivery.deadLetter(deathReason(error))) this.#parts.meter?.died(this.#parts.topic, 'failed');
      }
      return;
    } finally {
      stopBeats();
      stopTime();
      ended();
    }
    log.debug(`${method.name}: done`, { ...factsOf(call), elapsedMs: Math.round(clock.now() - call.since) });
    await this.#replies.result(call, method.name, result);
    this.#late.delete(call.request.id);
    // Not written: the message comes again, and is known then.
    if (late) await call.delivery.ack().catch((err: unknown) => log.info(`${method.name}: not acknowledged`, { err }));
  }

  /** Counted, and in a span of its own, where that is wanted. */
  #observed(call: IncomingCall, method: ServedMethod): Promise<unknown> {
    const { meter, spans, topic } = this.#parts;
    const { method: name, reply, trace } = call.request;
    const kind = reply === undefined ? 'cast' : 'call';
    const expected = (error: unknown): boolean => isExpected(error, method);
    const counted = (active?: ActiveTrace): Promise<unknown> => {
      const run = (): Promise<unknown> => this.#invoke(call, method, active);
      return meter === undefined ? run() : meter.served(kind, topic, name, { run, isExpected: expected });
    };
    return spans === undefined
      ? counted()
      : spans.served(kind, topic, name, { trace, run: counted, isExpected: expected });
  }

  async #invoke(call: IncomingCall, method: ServedMethod, active: ActiveTrace | undefined): Promise<unknown> {
    const { serializer, tracker } = this.#parts;
    const { request, delivery, abort, deadline } = call;
    const { id, ctx } = request;
    const { redelivered, count } = delivery;
    const here = { signal: abort.signal, delivery: Object.freeze({ id, redelivered, count }) };
    const context = contextFromDict(serializer, ctx, here);
    const args = argumentsFromData(serializer, context, request.args);
    const known = context instanceof RequestContext ? { context } : {};
    const requestId = requestIdOf(call);
    const env = {
      ...known,
      ...(requestId && { requestId }),
      ...(deadline !== undefined && { deadline }),
      ...(active && { [ACTIVE_TRACE]: active }),
    };
    const work = async (): Promise<unknown> => entityToData(serializer, context, await method.call(context, args));
    return runInRequest(env, () => (method.tracked ? tracker.record(method.name, work, { requestId }) : work()));
  }

  /** Signs of life, twice within the time that the caller waits for one. */
  #beat({ request }: IncomingCall, { name }: ServedMethod): Cancel {
    const { clock, replies } = this.#parts;
    const { reply, monitor } = request;
    if (reply === undefined || monitor === undefined || !(monitor > 0)) return () => {};
    let cancel: Cancel;
    const arm = (): void => {
      cancel = clock.after(
        Math.max(monitor / 2, LEAST_BEAT_MS),
        () => {
          replies.beat({ to: reply.to, envelope: { id: reply.id, alive: true }, name });
          arm();
        },
        { unref: true },
      );
    };
    arm();
    return () => cancel();
  }

  /** The method's signal fires when its caller's time is up. */
  #limit({ deadline, abort }: IncomingCall): Cancel {
    const { clock } = this.#parts;
    if (deadline === undefined) return () => {};
    const late = (): void => abort.abort(new Error('the time of the caller is up'));
    return clock.after(deadline - clock.now(), late, { unref: true });
  }

  /** True where the message comes again: it failed in a way that may pass, or the server ends. */
  async #runsAgain(
    { request, delivery }: IncomingCall,
    { name, options }: ServedMethod,
    err: unknown,
  ): Promise<boolean> {
    const { seen, log } = this.#parts;
    const ends = isCutOff(err);
    if (!ends && (err as { retryable?: unknown } | null)?.retryable !== true) return false;
    log.warn(`${name}: failed and will run again`, { err, delivery: delivery.count });
    seen.forget(request.id);
    await delivery.requeue(ends ? {} : { delayMs: (options.retryDelay ?? 5) * 1000 });
    return true;
  }

  /** A method failed. */
  async #ended(call: IncomingCall, method: ServedMethod, error: unknown): Promise<void> {
    const { name } = method;
    const failure = { name, error, isExpected: isExpected(error, method) };
    if (!isIgnored(error, method)) return this.#replies.failure(call, failure);
    this.#replies.log(call, failure);
    await this.#replies.result(call, name, null);
  }
}

/** For the operator who reads dead letters. */
function deathReason(error: unknown): string {
  const { type, message } = failureOf(error, { host: '', binary: '' });
  return `failed: ${type}: ${maskUris(message)}`.slice(0, REASON_CHARACTERS);
}
