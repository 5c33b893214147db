/**
 * The media type that an action declares for its responses.
 */
import { isThenable } from '../../app/internal.js';
import type { ActionRequest, AnyHandler, Args } from './action-request.js';
import { kindOf } from './answer-kind.js';
import { Reply } from './reply.js';

/** Returns a handler whose responses have the type, unless they set another one; without a type the handler itself. */
export function withMediaType(handler: AnyHandler, type: string | undefined): AnyHandler {
  if (type === undefined) return handler;
  return function (this: unknown, request: ActionRequest, args: Args): unknown {
    const result = handler.call(this, request, args);
    if (!isThenable(result)) return typed(result, type, request);
    return result.then((value: unknown) => typed(value, type, request));
  };
}

/** A symbol is `SENT`; an action may also return the response that it has ended. */
function typed(value: unknown, type: string, { response }: ActionRequest): unknown {
  if (value === undefined || value === null || typeof value === 'symbol' || value === response) return value;
  if (!(value instanceof Reply)) {
    return kindOf(value) === 'response' ? value : new Reply(value, { headers: { 'content-type': type } });
  }
  const { body, status, headers } = value;
  const hasOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  if (hasOwn || body === undefined || body === null) return value;
  return new Reply(body, { ...(status !== undefined && { status }), headers: { ...headers, 'content-type': type } });
}
