/** Faults of requests whose caller is unknown. */
import { Fault, type FaultDetails } from '../../app/index.js';

/** Returns the fault for a request without valid credentials. */
export function unauthenticated(headers?: FaultDetails['headers']): Fault {
  return new Fault(401, { message: 'The request requires authentication.', headers });
}

/** Headers of a response for a token that may be valid. */
export const UNAVAILABLE_HEADERS = { 'retry-after': '5' };

/** Returns the fault for a token that may be valid: the caller should retry, not log in again. */
export function unavailable(): Fault {
  return new Fault(503, { message: 'The token cannot be validated at the moment.', headers: UNAVAILABLE_HEADERS });
}
