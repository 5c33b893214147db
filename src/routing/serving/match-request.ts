/** A request as matching sees it. */
import type { IncomingMessage } from 'node:http';
import { Fault } from '../../app/index.js';
import type { MatchRequest } from '../route/conditions.js';

/** Returns the parts of a request that conditions of routes use, with the method to match. */
export function matchRequest(req: IncomingMessage, method: string): MatchRequest {
  return { method, host: req.headers.host, headers: req.headers, req };
}

/** Throws a `Fault` 400 for a path that another program may read in another way. */
export function refuseOddPath(raw: string): void {
  if (!/%2f|%00|\0|%(?![0-9a-f]{2})/i.test(raw)) return;
  throw new Fault(400, { message: 'The path has an encoded slash, a NUL or a malformed escape.' });
}
