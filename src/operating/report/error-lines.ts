/** Failed requests of the last ten minutes in words. */
import type { FailedRequests } from '../../metrics/index.js';
import { countText } from '../../text/index.js';

/** Returns a line for each. */
export function errorLines(errors: readonly FailedRequests[]): string[] {
  return errors.map(({ route, error, place, count, at, requestId }) => {
    const where = place === undefined ? '' : ` at ${place}`;
    const request = requestId === undefined ? '' : `, request ${requestId}`;
    return `${route}: ${error}${where}, ${countText(count, 'time')}, last ${at}${request}`;
  });
}
