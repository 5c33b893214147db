/**
 * One call or cast, from the message to the reply.
 */
import { RequestContext } from '../../app/index.js';
import { runInRequest } from '../../app/internal.js';
import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { TaskTracker } from '../../service/index.js';
import type { Cancel, Clock } from '../../tasks/index.js';
import { ServerShuttingDown } from '../errors.js';
import type { ReplyEnvelope, RequestEnvelope } from '../message/envelope.js';
import { failureOf, shortened } from '../message/failure.js';
import { contextFromDict, mapArguments, type Serializer } from '../message/serializer.js';
import type { Delivery } from '../transport/transport.js';
import type { Endpoints, ServedMethod } from './endpoints.js';
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
  /** Tell callers the stack of what failed. */
  readonly sendStack: boolean;
  /** Rejects when a handler that goes on is not waited for any more. */
  readonly interrupted: Promise<never>;
}

/** Runs the method of a call and sends what came of it. */
export class CallHandler {
  readonly #parts: CallHandlerParts;
  /** Calls under way that are acknowledged late, by their messages. */
  readonly #late = new Map<string, IncomingCall>();

  constructor(parts: CallHandlerParts) {
    this.#parts = parts;
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
    const { log, clock, seen, endpoints } = this.#parts;
    const { request, delivery, deadline, abort } = call;
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
      if (drop === undefined) method = endpoints.find(request);
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
    if (drop !== undefined) log.info(`${name}: message ${id} was dropped, ${drop}`);
    if (failure !== undefined) await this.#fail(call, name, failure, true);
    if (method !== undefined) seen.add(id);
    return method;
  }

  async #run(call: IncomingCall, method: ServedMethod): Promise<void> {
    const { log, clock, interrupted } = this.#parts;
    const late = method.options.ack === 'late';
    if (late) this.#late.set(call.request.id, call);
    const stopBeats = this.#beat(call, method);
    const stopTime = this.#limit(call);
    let result: unknown;
    try {
      result = await Promise.race([this.#invoke(call, method), interrupted]);
    } catch (error) {
      this.#late.delete(call.request.id);
      if (late && (await this.#giveBack(call, method, error))) return;
      await this.#fail(call, method.name, error, isExpected(error, method));
      if (late) await call.delivery.deadLetter('failed');
      return;
    } finally {
      stopBeats();
      stopTime();
    }
    log.debug(`${method.name}: done`, { elapsedMs: Math.round(clock.now() - call.since) });
    await this.#reply(call, method.name, result);
    this.#late.delete(call.request.id);
    // Not written: the message comes again, and is known then.
    if (late) await call.delivery.ack().catch((err: unknown) => log.info(`${method.name}: not acknowledged`, { err }));
  }

  async #invoke({ request, delivery, abort, deadline }: IncomingCall, method: ServedMethod): Promise<unknown> {
    const { serializer, tracker } = this.#parts;
    const { id, ctx } = request;
    const { redelivered, count } = delivery;
    const here = { signal: abort.signal, delivery: Object.freeze({ id, redelivered, count }) };
    const context = contextFromDict(serializer, ctx, here);
    const args = mapArguments(request.args, (value) => serializer.deserializeEntity?.(context, value) ?? value);
    const known = context instanceof RequestContext ? { context } : {};
    const requestId = requestIdOf(ctx);
    const env = { ...known, ...(requestId && { requestId }), ...(deadline !== undefined && { deadline }) };
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

  async #fail(call: IncomingCall, name: string, err: unknown, expected: boolean): Promise<void> {
    const { log, host, binary, sendStack } = this.#parts;
    const { request } = call;
    const requestId = requestIdOf(request.ctx);
    const facts = { requestId, message: request.id };
    if (expected) log.debug(`${name}: ${messageOf(err)}`, facts);
    else log.error(`${name} failed`, { err, ...facts });
    if (request.reply === undefined) return;
    const { id } = request.reply;
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

function requestIdOf({ request_id: id, requestId = id }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof requestId === 'string' ? requestId : undefined;
}

function messageOf(error: unknown): string {
  if (error instanceof PorticoError) return error.describe();
  return error instanceof Error ? error.message : String(error);
}
