/** The JSON form of flavors. */
import { resourceLinks } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Flavor } from '../../records.js';

/** A flavor in a list without details. */
export function flavorReference(request: ActionRequest, { id, name, description }: Flavor) {
  const links = resourceLinks(request, 'flavor', { id });
  return { id, name, links, ...(request.apiVersion.atLeast('2.55') && { description }) };
}

/** A flavor with all its members. */
export function flavorView(request: ActionRequest, flavor: Flavor) {
  const { apiVersion } = request;
  const { extra_specs, swap } = flavor;
  return {
    ...flavorReference(request, flavor),
    ram: flavor.ram,
    disk: flavor.disk,
    vcpus: flavor.vcpus,
    rxtx_factor: flavor.rxtx_factor,
    'OS-FLV-EXT-DATA:ephemeral': flavor['OS-FLV-EXT-DATA:ephemeral'],
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': flavor['os-flavor-access:is_public'],
    // Below 2.75, `swap` is an empty string for a flavor without swap.
    swap: apiVersion.atLeast('2.75') ? swap : swap || '',
    ...(apiVersion.atLeast('2.61') && { extra_specs }),
  };
}
