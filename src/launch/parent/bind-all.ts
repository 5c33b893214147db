/**
 * Binds the addresses of services that are to be launched, and finds all that cannot be had.
 */
import type { PorticoError } from '../../errors/index.js';
import { checkService, checkWorkers, serviceName } from '../launch-arguments.js';
import type { LaunchRequest } from '../reload/fleet-reload.js';
import { bindFailure, bindFailures } from '../sockets/bind-failure.js';
import { placeOfAddress, type Supervisor } from './supervisor.js';

/** Why not all could be bound. */
export interface UnboundServices {
  /** The services concerned, between commas. */
  readonly names: string;
  readonly error: PorticoError;
}

/** Undefined: all are bound, or a stop came first. */
export async function bindServices(
  supervisor: Supervisor,
  requests: readonly LaunchRequest[],
  stopping: () => boolean,
): Promise<UnboundServices | undefined> {
  const failures = new Map<string, PorticoError>();
  for (const { service, workers } of requests) {
    if (stopping()) return undefined;
    const name = serviceName(checkService(service));
    const count = checkWorkers(workers);
    try {
      await supervisor.bind(service, name, count);
    } catch (error) {
      failures.set(name, bindFailure({ name, place: placeOfAddress(service) }, error));
    }
  }
  if (failures.size === 0) return undefined;
  return { names: [...failures.keys()].join(', '), error: bindFailures([...failures.values()]) };
}
