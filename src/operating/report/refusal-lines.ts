/** Refused requests of the last ten minutes in words. */
import type { ShownRefusals } from '../../metrics/index.js';
import { countText } from '../../text/index.js';

/** Returns a line for each reason: `429 rate limit: 120 times, most from 192.0.2.7, last 2026-01-01T00:00:00.000Z`. */
export function refusalLines(refusals: readonly ShownRefusals[]): string[] {
  return refusals.map(({ reason, status, count, at, address }) => {
    const from = address === undefined ? '' : `, ${count === 1 ? '' : 'most '}from ${address}`;
    return `${status === undefined ? '' : `${status} `}${reason}: ${countText(count, 'time')}${from}, last ${at}`;
  });
}
