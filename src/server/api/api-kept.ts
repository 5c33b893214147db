/**
 * Options that a renewal of an API does not change.
 */

/** Options that are read when the server is created, or that decide whether there is a registry: they count even if there is none. */
const CREATES =
  /^wsgi\.(handshake_timeout|tcp_keepidle)$|^DEFAULT\.enabled_ssl_apis$|^servicegroup\.(connection|driver)$|^database\.connection$/;
/** The registry and the record in it are created once. */
const REGISTRY = /^servicegroup\.(?!purge_after_days$)|^database\.|^DEFAULT\.(report_interval|service_down_time|host)$/;
const MANAGERS =
  /^(rpc|oslo_messaging_\w+)\.|^DEFAULT\.(host|periodic_fuzzy_delay|periodic_interval_max|run_external_periodic_tasks)$/;

type Managed = { readonly managers: readonly unknown[]; readonly registry: unknown };

/**
 * Reports whether an API, with these managers and this registry, applies a change of this option only at its next
 * start.
 */
export function isKept(name: string, option: string, { managers, registry }: Managed): boolean {
  return (
    option === `api:${name}.manager` ||
    CREATES.test(option) ||
    (registry !== null && REGISTRY.test(option)) ||
    (managers.length > 0 && MANAGERS.test(option))
  );
}
