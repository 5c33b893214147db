/** Flavors in the store, and who may use those that are not public. */
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Flavor } from '../../records.js';
import { callerOf, refuse } from '../api.js';

/** The flavor of that id. Refused, by default with 404, for one that neither is public nor may be used by the project, except for administrators. */
export function findFlavor(cloud: Cloud, request: ActionRequest, id: string, status = 404): Stored<Flavor> {
  const flavor = cloud.flavors.get(id);
  const isSeen =
    flavor !== undefined &&
    (callerOf(request).isAdmin || flavor['os-flavor-access:is_public'] || hasAccess(cloud, request, flavor));
  return isSeen ? flavor : refuse(status, `Flavor ${id} could not be found.`);
}

/** Whether the caller's project is in the access list of a flavor that is not public. */
export function hasAccess(cloud: Cloud, request: ActionRequest, { id }: Flavor): boolean {
  const { projectId } = callerOf(request);
  return projectId !== null && cloud.flavorAccess.get(accessKey(id, projectId)) !== undefined;
}

/** Storage key of a project's access to a flavor. */
export const accessKey = (flavor: string, project: string): string => `${flavor}\n${project}`;
