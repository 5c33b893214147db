/** Access to private flavors: administrators list, add and remove the projects that may use one. */
import { type ActionRequest, type Args, action } from 'portico/routing';
import type { Flavor } from '../../records.js';
import { Controller, refuse, requireAdmin } from '../api.js';
import { closed, text } from '../schemas.js';
import { accessKey, findFlavor } from './stored-flavors.js';

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
