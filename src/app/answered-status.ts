/** The status that logs and metrics have of a response. */
import type { ServerResponse } from 'node:http';
import type { ResponseOutcome } from './after-response.js';
import { Fault } from './fault.js';

/** That of its head; 499 where the client has left before, 500 or that of a fault where the answer was broken off. */
export function answeredStatus(res: ServerResponse, { completed, error }: ResponseOutcome): number {
  if (completed) return res.statusCode;
  if (error !== undefined) return error instanceof Fault ? error.status : 500;
  return res.headersSent ? res.statusCode : 499;
}
