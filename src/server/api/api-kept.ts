/**
 * Options that a renewal of an API does not change.
 */
import type { Logger } from '../../log/index.js';
import type { ConfigChanges } from '../../service/index.js';

/** Options that decide whether there is a registry: they count even if there is none. */
const OPENS_REGISTRY = /^servicegroup\.(connection|driver)$|^database\.connection$/;
/** The registry and the record in it are created once. */
const REGISTRY = /^servicegroup\.(?!purge_after_days$)|^database\.|^DEFAULT\.(report_interval|service_down_time|host)$/;
const MANAGERS =
  /^(rpc|oslo_messaging_\w+)\.|^DEFAULT\.(host|periodic_fuzzy_delay|periodic_interval_max|run_external_periodic_tasks)$/;

/**
 * Reports whether an API, with these managers and this registry, applies a change of this option only at its next
 * start.
 */
export function isKept(
  name: string,
  option: string,
  { managers, registry }: { readonly managers: readonly unknown[]; readonly registry: unknown },
): boolean {
  return (
    option === `api:${name}.manager` ||
    OPENS_REGISTRY.test(option) ||
    (registry !== null && REGISTRY.test(option)) ||
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
  log.warn(`${api.name} keeps its old settings for registry and managers: ${kept.join(', ')} ${verb} a restart`);
}
