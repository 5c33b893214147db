/**
 * Access to flavors: a caller finds public ones, and private ones that its project may use; administrators list, add and remove the
 * projects that may use one.
 */
import { type ActionRequest, type Args, action } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Flavor } from '../../records.js';
import { Controller, callerOf, refuse, requireAdmin } from '../api.js';
import { closed, text } from '../schemas.js';

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

const tenant = closed({ tenant: text }, 'tenant');
const adding = closed({ addTenantAccess: tenant }, 'addTenantAccess');
const removing = closed({ removeTenantAccess: tenant }, 'removeTenantAccess');

export class FlavorAccess extends Controller {
  index(request: ActionRequest, { flavor_id }: Args) {
    requireAdmin(request, 'os-flavor-access');
    return this.cloud.read(() => {
      const flavor = findFlavor(this.cloud, request, String(flavor_id));
      if (isPublic(flavor)) refuse(404, 'Access list not available for public flavors.');
      return this.#view(flavor);
    });
  }

  readonly add = action({ bodyKey: 'addTenantAccess', body: adding }, (request, { id }) => {
    requireAdmin(request, 'os-flavor-access:add_tenant_access');
    const { tenant } = request.body.addTenantAccess;
    return this.cloud.write(() => {
      const flavor = findFlavor(this.cloud, request, String(id));
      if (request.apiVersion.atLeast('2.7') && isPublic(flavor)) refuse(409, 'Can not add access to a public flavor.');
      const key = accessKey(flavor.id, tenant);
      if (this.cloud.flavorAccess.get(key)) {
        refuse(409, `Flavor access already exists for flavor ${flavor.id} and project ${tenant} combination.`);
      }
      this.cloud.flavorAccess.insert(key, { flavor_id: flavor.id, tenant_id: tenant }, flavor.id);
      return this.#view(flavor);
    });
  });

  readonly remove = action({ bodyKey: 'removeTenantAccess', body: removing }, (request, { id }) => {
    requireAdmin(request, 'os-flavor-access:remove_tenant_access');
    const { tenant } = request.body.removeTenantAccess;
    return this.cloud.write(() => {
      const flavor = findFlavor(this.cloud, request, String(id));
      const key = accessKey(flavor.id, tenant);
      if (!this.cloud.flavorAccess.get(key)) {
        refuse(404, `Flavor access not found for ${flavor.id} / ${tenant} combination.`);
      }
      this.cloud.flavorAccess.delete(key);
      return this.#view(flavor);
    });
  });

  #view({ id }: Flavor): object {
    const access = this.cloud.flavorAccess.listOf(id);
    return { flavor_access: access.map(({ flavor_id, tenant_id }) => ({ flavor_id, tenant_id })) };
  }
}

function isPublic(flavor: Flavor): boolean {
  return flavor['os-flavor-access:is_public'];
}
