/**
 * Addresses of a service, from its plan or from the object itself.
 */
import type { Place, PorticoError } from '../../errors/index.js';
import type { Launchable, ListenAddress, ListeningService } from '../../service/index.js';
import { formatAddress, isListening, isPlanned } from '../../service/internal.js';
import { serviceName } from '../launcher.js';
import { bindFailure, bindFailures, openListenSockets } from './listen-sockets.js';

/** Addresses of a service, as its parent needs them. */
export interface Listening {
  readonly addresses: readonly ListenAddress[];
  readonly place: Place | undefined;
  /** True if each worker may have its own socket: a sibling helps out if a worker is missing. */
  readonly hasSlots: boolean;
}

/** Returns undefined for a service that does not listen. */
export function listeningOf(service: Launchable): Listening | undefined {
  const place = placeOfAddress(service);
  if (isPlanned(service)) {
    const { addresses } = service;
    return addresses.length === 0 ? undefined : { addresses, place, hasSlots: true };
  }
  if (!isListening(service)) return undefined;
  return { addresses: service.addresses, place, hasSlots: service.adoptSockets !== undefined };
}

/**
 * Binds the addresses of services for a moment. Rejects if the system refuses any of them, with all refusals, so that
 * none of the services is started. `own`: addresses that this process has and will release.
 */
export async function tryAddresses(services: readonly Launchable[], own: readonly ListenAddress[] = []): Promise<void> {
  const failures: PorticoError[] = [];
  const known = own.map(formatAddress);
  for (const service of services)
    for (const address of listeningOf(service)?.addresses ?? []) {
      if (known.includes(formatAddress(address))) continue;
      try {
        (await openListenSockets(address)).close();
      } catch (error) {
        failures.push(bindFailure({ name: serviceName(service), place: placeOfAddress(service) }, error));
      }
    }
  if (failures.length > 0) throw bindFailures(failures);
}

/** Returns the place of a service's addresses in the configuration, if known. */
export function placeOfAddress(service: Launchable): Place | undefined {
  return (service as Partial<ListeningService>).addressPlace;
}
