/**
 * A request between its match and its action: what the stage that runs the action finds again.
 */
import type { IncomingMessage } from 'node:http';
import type { ActionRequest } from '../actions/action-request.js';
import type { ApiVersion } from '../versions/api-version.js';
import type { ActionTarget, Entry, RunnableAction } from './served-route.js';

/** What the match has decided. */
export interface Pending {
  readonly request: ActionRequest;
  readonly target: ActionTarget;
  readonly entry: Entry;
  /** Undefined: a key of the body selects the method. */
  readonly method: RunnableAction | undefined;
  readonly version: ApiVersion | null;
  /** Arguments of the action, without the body. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The URL as the action is to see it. */
  readonly url: string;
  /** The format that the path asks for. */
  readonly format: string | null;
  /** Bytes of body that were read. */
  received: number;
  /** What the action gave, where it has run before Fastify got the request. */
  outcome: Outcome | undefined;
}

/** What came of an action: settled, or a promise. */
export interface Outcome {
  readonly method: RunnableAction;
  /** The media type that was negotiated; null: JSON. */
  readonly type: string | null;
  readonly value: unknown;
}

const PENDING: unique symbol = Symbol('portico.routing.pending');

type Carrier = IncomingMessage & { [PENDING]?: Pending };

export function setPending(req: IncomingMessage, pending: Pending): void {
  (req as Carrier)[PENDING] = pending;
}

export function pendingOf(req: IncomingMessage): Pending {
  return (req as Carrier)[PENDING]!;
}
