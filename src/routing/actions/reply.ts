/**
 * What an action may return besides a value: an answer with status and headers, or the word that it was sent.
 */
import type { OutgoingHttpHeaders } from 'node:http';

/** An answer with a status, headers and a body of its own. */
export class Reply<Body = unknown> {
  /** Undefined: the status the action declares, else 200, or 204 without a body. */
  readonly status: number | undefined;
  readonly headers: Readonly<OutgoingHttpHeaders>;
  /** As an action's value: an object is JSON, a stream or a `Buffer` is sent as it is, null is no body. */
  readonly body: Body;

  constructor(body?: Body, options: { readonly status?: number; readonly headers?: OutgoingHttpHeaders } = {}) {
    this.body = body as Body;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

/** Returned by an action that has answered on `request.res` itself. */
export const SENT: unique symbol = Symbol('portico.sent');
