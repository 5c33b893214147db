/**
 * A request that has come, and when its caller stops to wait for it.
 */
import type { RequestEnvelope } from '../message/envelope.js';
import type { Delivery } from '../transport/transport.js';

/** A request that has come. */
export interface IncomingCall {
  readonly request: RequestEnvelope;
  /** Of a method that is acknowledged late another one, where the message came again while it runs. */
  delivery: Delivery;
  /** A fanout: every other process of the topic has it as well. */
  readonly isCopy: boolean;
  /** When it came, by the clock. */
  readonly since: number;
  /** When its caller stops waiting. */
  readonly deadline: number | undefined;
  /** Fires when the caller does not wait any more, or the server ends. */
  readonly abort: AbortController;
}

/**
 * How much longer than its time a message may have been under way, in milliseconds: the broker counts from when it has it,
 * and drops it when it would deliver it. One that seems older than that was sent by a clock that is wrong.
 */
const LATE_MS = 1_000;

/** A call that comes now, by the clock. */
export function incomingCall(
  request: RequestEnvelope,
  { delivery, isCopy, now }: { readonly delivery: Delivery; readonly isCopy: boolean; readonly now: number },
): IncomingCall {
  return { request, delivery, isCopy, since: now, deadline: deadlineOf(request, now), abort: new AbortController() };
}

/**
 * When the caller stops waiting, by this process's clock. The message says how long it waits when it was sent, and by its own
 * clock when that was; where the two clocks cannot agree, only the former counts.
 */
function deadlineOf({ deadline, sent }: RequestEnvelope, now: number): number | undefined {
  if (deadline === undefined) return undefined;
  const queued = sent === undefined ? 0 : Date.now() - sent;
  const believed = queued > 0 && queued <= deadline + LATE_MS ? queued : 0;
  return now + deadline - believed;
}

/** Of the request that the call is made for. */
export function requestIdOf({ request }: IncomingCall): string | undefined {
  const { request_id: id, requestId = id } = request.ctx;
  return typeof requestId === 'string' ? requestId : undefined;
}

/** Which call a line of the log is about. */
export function factsOf(call: IncomingCall): { readonly requestId: string | undefined; readonly message: string } {
  return { requestId: requestIdOf(call), message: call.request.id };
}
