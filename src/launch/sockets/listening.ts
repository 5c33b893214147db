/**
 * Addresses of a service, from its plan or from the object itself.
 */
import type { Place } from '../../errors/index.js';
import type { Launchable, ListenAddress, ListeningService } from '../../service/index.js';
import { isListening, isPlanned } from '../../service/internal.js';

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

/** Returns the place of a service's addresses in the configuration, if known. */
export function placeOfAddress(service: Launchable): Place | undefined {
  return (service as Partial<ListeningService>).addressPlace;
}
