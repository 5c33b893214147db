/** Failed requests of the last ten minutes in words. */
import type { FailedRequests } from '../../metrics/index.js';
import { countText } from '../../text/index.js';

/** Returns the most frequent and the last error of each route, the routes with the most failures first. */
export function toldErrors(errors: readonly FailedRequests[]): readonly FailedRequests[] {
  const routes = new Map<string, FailedRequests[]>();
  for (const each of errors) routes.set(each.route, [...(routes.get(each.route) ?? []), each]);
  return [...routes.values()].flatMap((all) => {
    const last = all.reduce((a, b) => (b.at > a.at ? b : a));
    return [...new Set([all[0]!, last])];
  });
}

/** Returns them as lines. */
export function errorLines(errors: readonly FailedRequests[]): string[] {
  return toldErrors(errors).map(({ route, error, place, count, at, requestId }) => {
    const where = place === undefined ? '' : ` at ${place}`;
    const request = requestId === undefined ? '' : `, request ${requestId}`;
    return `${route}: ${error}${where}, ${countText(count, 'time')}, last ${at}${request}`;
  });
}
