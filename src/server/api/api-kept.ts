/**
 * Options that a renewal of an API leaves as it was started.
 */
import type { Logger } from '../../log/index.js';
import type { ConfigChanges } from '../../service/index.js';

/** Options that managers and registration read when they start, and no renewal applies. */
const AT_START = /^(rpc|servicegroup|database)\.|^DEFAULT\.(report_interval|service_down_time|host)$/;

/** Warns of the options among these changes that an API applies at its next start. */
export function warnKept(name: string, changes: ConfigChanges, log: Logger): void {
  const kept = [...changes.keys()].filter((option) => option === `api:${name}.manager` || AT_START.test(option));
  if (kept.length === 0) return;
  log.warn(`managers and registration of ${name} keep their old settings: ${kept.join(', ')} needs a restart`);
}
