/**
 * One call or cast, from the message to the reply.
 */
import { RequestContext } from '../../app/index.js';
import { ACTIVE_TRACE, runInRequest } from '../../app/internal.js';
import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { TaskTracker } from '../../service/index.js';
import type { Cancel, Clock } from '../../tasks/index.js';
import { maskUris } from '../../text/index.js';
import type { CallMeter } from '../call-meter.js';
import type { ActiveTrace, CallSpans } from '../call-spans.js';
import { ServerShuttingDown } from '../errors.js';
import type { ReplyEnvelope, RequestEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import { contextFromDict, mapArguments, type Serializer } from '../message/serializer.js';
import type { Delivery } from '../transport/transport.js';
import type { Endpoints, ServedMethod } from './endpoints.js';
import { HeldLoop } from './held-loop.js';
import type { Interruption } from './interruption.js';
import type { RecentKeys } from './recent-keys.js';
import type { ReplySender } from './reply-sender.js';

/** A request that has come. */
export interface IncomingCall {
  readonly request: RequestEnvelope;
  /** Of a method that is acknowledged late another one, where the message came again while it runs. */
  delivery: Delivery;
  /** When it came, by the clock. */
  readonly since: number;
  /** When its caller stops waiting. */
  readonly deadline: number | undefined;
  /** Fires when the caller does not wait any more, or the server ends. */
  readonly abort: AbortController;
}

/** What calls are handled with. */
export interface CallHandlerParts {
  readonly host: string;
  readonly binary: string;
  readonly endpoints: Endpoints;
  readonly replies: ReplySender;
  /** Messages that were begun. */
  readonly seen: RecentKeys;
  readonly serializer: Serializer;
  readonly tracker: TaskTracker;
  readonly log: Logger;
  readonly clock: Clock;
  readonly topic: string;
  /** Undefined: nothing is counted. */
  readonly meter?: CallMeter | undefined;
  /** Undefined: no spans are made. */
  readonly spans?: CallSpans | undefined;
  /** Tell callers the stack of what failed. */
  readonly sendStack: boolean;
  /** Of handlers that go on when the server ends. */
  readonly interruption: Interruption;
}

/** Of an error, with a dead letter. */
const REASON_CHARACTERS = 300;

/** Errors of methods whose names end so are logged here, and not told to their callers. */
const IGNORING = '_ignore_errors';

/** Runs the method of a call and sends what came of it. */
export class CallHandler {
  readonly #parts: CallHandlerParts;
  readonly #held: HeldLoop;
  /** Calls under way that are acknowledged late, by their messages. */
  readonly #late = new Map<string, IncomingCall>();

  constructor(parts: CallHandlerParts) {
    this.#parts = parts;
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

  /** The method that is to run; undefined where none is. A message that need not come again is acknowledged. */
  async #begin(call: IncomingCall): Promise<ServedMethod | undefined> {
    const { log, clock, seen, endpoints, meter, topic } = this.#parts;
    const { request, delivery, deadline, abort } = call;
    if (delivery.redelivered) meter?.redelivered(topic);
    const { id, method: name } = request;
    const running = this.#late.get(id);
    if (running !== undefined) {
      // The connection was lost meanwhile: what comes of it settles the message that is there now.
      running.delivery = delivery;
      return undefined;
    }
    const drop = seen.has(id)
      ? 'it came before'
      : deadline !== undefined && clock.now() >= deadline
        ? 'its caller does not wait any more'
        : abort.signal.aborted
          ? 'its caller took it back'
          : undefined;
    let method: ServedMethod | undefined;
    let failure: unknown;
    try {
      if (drop === undefined) {
        const found = endpoints.find(request);
        found.checkArguments?.(request.args);
        method = found;
      }
    } catch (error) {
      failure = error;
    }
    if (method?.options.ack !== 'late') {
      try {
        await delivery.ack();
      } catch (err) {
        log.info(`${name}: message ${id} was not begun, it will come again`, { err });
        return undefined;
      }
    }
    if (drop !== undefined) {
      log.info(`${name}: message ${id} was dropped, ${drop}`);
      meter?.dropped(topic, drop);
    }
    if (failure !== undefined) await this.#fail(call, name, failure, true);
    if (method !== undefined) seen.add(id);
    return method;
  }

  async #run(call: IncomingCall, method: ServedMethod): Promise<void> {
    const { log, clock, interruption } = this.#parts;
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
      if (late && (await this.#giveBack(call, method, error))) return;
      await this.#ended(call, method, error);
      if (late) {
        this.#parts.meter?.died(this.#parts.topic, 'failed');
        // Where the connection is lost the message comes again, and is no dead letter.
        this.#parts.seen.forget(call.request.id);
        await call.delivery.deadLetter(deathReason(error));
      }
      return;
    } finally {
      stopBeats();
      stopTime();
      ended();
    }
    log.debug(`${method.name}: done`, { elapsedMs: Math.round(clock.now() - call.since) });
    await this.#reply(call, method.name, result);
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

  async #invoke(
    { request, delivery, abort, deadline }: IncomingCall,
    method: ServedMethod,
    active: ActiveTrace | undefined,
  ): Promise<unknown> {
    const { serializer, tracker } = this.#parts;
    const { id, ctx } = request;
    const { redelivered, count } = delivery;
    const here = { signal: abort.signal, delivery: Object.freeze({ id, redelivered, count }) };
    const context = contextFromDict(serializer, ctx, here);
    const args = mapArguments(request.args, (value) => serializer.deserializeEntity?.(context, value) ?? value);
    const known = context instanceof RequestContext ? { context } : {};
    const requestId = requestIdOf(ctx);
    const env = {
      ...known,
      ...(requestId && { requestId }),
      ...(deadline !== undefined && { deadline }),
      ...(active && { [ACTIVE_TRACE]: active }),
    };
    const work = async (): Promise<unknown> => {
      const result = await method.call(context, args);
      return serializer.serializeEntity === undefined ? result : serializer.serializeEntity(context, result);
    };
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
        monitor / 2,
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
  async #giveBack(
    { request, delivery }: IncomingCall,
    { name, options }: ServedMethod,
    err: unknown,
  ): Promise<boolean> {
    const { seen, log } = this.#parts;
    // One that came back of a call which the method made speaks of another server.
    const ends = err instanceof ServerShuttingDown && err.started && !('remote' in err);
    if (!ends && (err as { retryable?: unknown } | null)?.retryable !== true) return false;
    log.warn(`${name}: failed and will run again`, { err, delivery: delivery.count });
    seen.forget(request.id);
    await delivery.requeue(ends ? {} : { delayMs: (options.retryDelay ?? 5) * 1000 });
    return true;
  }

  async #reply(call: IncomingCall, name: string, result: unknown): Promise<void> {
    const { reply } = call.request;
    if (reply === undefined) return;
    try {
      await this.#send(call, name, { id: reply.id, result });
    } catch (error) {
      await this.#fail(call, name, error, false);
    }
  }

  /** A method failed. */
  async #ended(call: IncomingCall, method: ServedMethod, error: unknown): Promise<void> {
    const expected = isExpected(error, method);
    if (!method.name.endsWith(IGNORING)) return this.#fail(call, method.name, error, expected);
    this.#log(call, method.name, error, expected);
    await this.#reply(call, method.name, null);
  }

  #log({ request }: IncomingCall, name: string, err: unknown, expected: boolean): void {
    const { log } = this.#parts;
    const facts = { requestId: requestIdOf(request.ctx), message: request.id };
    if (expected) log.debug(`${name}: ${messageOf(err)}`, facts);
    else log.error(`${name} failed`, { err, ...facts });
  }

  async #fail(call: IncomingCall, name: string, err: unknown, expected: boolean): Promise<void> {
    const { host, binary, sendStack } = this.#parts;
    const { request } = call;
    this.#log(call, name, err, expected);
    if (request.reply === undefined) return;
    const { id } = request.reply;
    const requestId = requestIdOf(request.ctx);
    const failure = failureOf(err, { host, binary, requestId }, { expected, stack: sendStack });
    try {
      await this.#send(call, name, { id, failure });
    } catch {
      await this.#send(call, name, { id, failure: shortened(failure) });
    }
  }

  async #send({ request, since }: IncomingCall, name: string, envelope: ReplyEnvelope): Promise<void> {
    await this.#parts.replies.send({ to: request.reply!.to, envelope, name, since });
  }
}

function isExpected(error: unknown, { options }: ServedMethod): boolean {
  if (error instanceof ServerShuttingDown) return true;
  return options.expected?.some((each) => error instanceof each) ?? false;
}

/** For the operator who reads dead letters. */
function deathReason(error: unknown): string {
  const { type, message } = failureOf(error, { host: '', binary: '' });
  return `failed: ${type}: ${maskUris(message)}`.slice(0, REASON_CHARACTERS);
}

function requestIdOf({ request_id: id, requestId = id }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof requestId === 'string' ? requestId : undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
