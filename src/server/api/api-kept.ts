/**
 * Options that a renewal of an API does not change.
 */
import type { Logger } from '../../log/index.js';
import type { ConfigChanges } from '../../service/index.js';

/** Options that decide whether there is a registration, whether there is one already or not. */
const REGISTRY = /^servicegroup\.(?!purge_after_days$)|^database\.connection$/;
const REGISTRATION = /^database\.|^DEFAULT\.(report_interval|service_down_time|host)$/;
const MANAGERS =
  /^(rpc|oslo_messaging_\w+)\.|^DEFAULT\.(periodic_fuzzy_delay|periodic_interval_max|run_external_periodic_tasks)$/;

/** Whether an API applies a change of this option only at its next start, with these managers and this registration. */
export function isKept(
  name: string,
  option: string,
  { managers, registration }: { readonly managers: readonly unknown[]; readonly registration: unknown },
): boolean {
  return (
    option === `api:${name}.manager` ||
    REGISTRY.test(option) ||
    (registration !== null && REGISTRATION.test(option)) ||
    (managers.length > 0 && MANAGERS.test(option))
  );
}

/** Warns of the options among these changes that an API applies only at its next start. */
export function warnKept(
  api: { readonly name: string; keeps(option: string): boolean },
  changes: ConfigChanges,
  log: Logger,
): void {
  const kept = [...changes.keys()].filter((option) => api.keeps(option));
  if (kept.length === 0) return;
  const verb = kept.length === 1 ? 'needs' : 'need';
  log.warn(`managers and registration of ${api.name} keep their old settings: ${kept.join(', ')} ${verb} a restart`);
}
