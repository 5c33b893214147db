/** Flavors in the store, and access to private ones. */
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Flavor } from '../../records.js';
import { callerOf, refuse } from '../api.js';

/**
 * Returns the flavor with this id. Throws `status` if there is none, or if it is private and the caller is neither an administrator nor
 * of a project that may use it.
 */
export function findFlavor(cloud: Cloud, request: ActionRequest, id: string, status = 404): Stored<Flavor> {
  const flavor = cloud.flavors.get(id);
  const isSeen =
    flavor !== undefined &&
    (callerOf(request).isAdmin || flavor['os-flavor-access:is_public'] || hasAccess(cloud, request, flavor));
  return isSeen ? flavor : refuse(status, `Flavor ${id} could not be found.`);
}

/** Reports whether the caller's project is in the access list of a private flavor. */
export function hasAccess(cloud: Cloud, request: ActionRequest, { id }: Flavor): boolean {
  const { projectId } = callerOf(request);
  return projectId !== null && cloud.flavorAccess.get(accessKey(id, projectId)) !== undefined;
}

/** Returns the storage key of a project's access to a flavor. */
export const accessKey = (flavor: string, project: string): string => `${flavor}\n${project}`;
