/** The JSON form of flavors. */
import { type ResourceLink, resourceLinks } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Flavor } from '../../records.js';

export interface FlavorReference {
  id: string;
  name: string;
  links: ResourceLink[];
  description?: string | null;
}

/** A flavor in a list without details. */
export function flavorReference(request: ActionRequest, flavor: Flavor): FlavorReference {
  const view: FlavorReference = { id: flavor.id, name: flavor.name, links: linksOf(request, flavor) };
  if (request.apiVersion.atLeast('2.55')) view.description = flavor.description;
  return view;
}

export interface FlavorView {
  id: string;
  name: string;
  ram: number;
  disk: number;
  vcpus: number;
  rxtx_factor: number;
  links: ResourceLink[];
  'OS-FLV-EXT-DATA:ephemeral': number;
  'OS-FLV-DISABLED:disabled': boolean;
  'os-flavor-access:is_public': boolean;
  swap?: number | '';
  description?: string | null;
  extra_specs?: Flavor['extra_specs'];
}

/** A flavor with all its members. */
export function flavorView(request: ActionRequest, flavor: Flavor): FlavorView {
  const { apiVersion } = request;
  const view: FlavorView = {
    id: flavor.id,
    name: flavor.name,
    ram: flavor.ram,
    disk: flavor.disk,
    vcpus: flavor.vcpus,
    rxtx_factor: flavor.rxtx_factor,
    links: linksOf(request, flavor),
    'OS-FLV-EXT-DATA:ephemeral': flavor['OS-FLV-EXT-DATA:ephemeral'],
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': flavor['os-flavor-access:is_public'],
  };
  // Below 2.75, `swap` is an empty string for a flavor without swap.
  if (!apiVersion.atLeast('2.75')) view.swap = flavor.swap || '';
  if (apiVersion.atLeast('2.55')) view.description = flavor.description;
  if (apiVersion.atLeast('2.61')) view.extra_specs = flavor.extra_specs;
  if (apiVersion.atLeast('2.75')) view.swap = flavor.swap;
  return view;
}

function linksOf(request: ActionRequest, { id }: Flavor): ResourceLink[] {
  return resourceLinks(request, 'flavor', { id });
}
