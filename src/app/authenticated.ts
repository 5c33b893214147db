/** Whether the caller of a request is known. */
import type { IncomingMessage } from 'node:http';
import { environ } from './exchange.js';

/** Reports whether an authenticator has accepted the caller of a request. */
export function isAuthenticated(req: IncomingMessage): boolean {
  const { context, identity } = environ(req);
  return identity !== undefined || context?.userId !== undefined;
}
