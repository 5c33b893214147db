/** Extra specs: a flavor's requirements of a host, as keys and values. */
import { quoteClient } from 'portico/app';
import { type ActionRequest, type Args, action } from 'portico/routing';
import type { Flavor } from '../../records.js';
import { Controller, refuse, requireAdmin } from '../api.js';
import { closed, metadataOf } from '../schemas.js';
import { findFlavor } from './flavor-access.js';

const extraSpecs = metadataOf('string', 'number');
const newExtraSpecs = closed({ extra_specs: extraSpecs }, 'extra_specs');
const oneExtraSpec = { ...extraSpecs, minProperties: 1, maxProperties: 1 } as const;

export class ExtraSpecs extends Controller {
  index(request: ActionRequest, { flavor_id }: Args) {
    return this.cloud.read(() => ({ extra_specs: findFlavor(this.cloud, request, String(flavor_id)).extra_specs }));
  }

  show(request: ActionRequest, { flavor_id, id }: Args) {
    return this.cloud.read(() => {
      const { extra_specs } = findFlavor(this.cloud, request, String(flavor_id));
      return { [String(id)]: knownValue(extra_specs, String(id)) };
    });
  }

  readonly create = action({ body: newExtraSpecs }, (request, { flavor_id }) => {
    requireAdmin(request, 'os-flavor-extra-specs:create');
    this.#change(request, flavor_id, (known) => ({ ...known, ...request.body.extra_specs }));
    return request.body;
  });

  readonly update = action({ body: oneExtraSpec }, (request, { flavor_id, id }) => {
    requireAdmin(request, 'os-flavor-extra-specs:update');
    if (!Object.hasOwn(request.body, String(id))) refuse(400, 'Request body and URI mismatch');
    this.#change(request, flavor_id, (known) => ({ ...known, ...request.body }));
    return request.body;
  });

  readonly delete = action({ status: 200 }, (request, { flavor_id, id }) => {
    requireAdmin(request, 'os-flavor-extra-specs:delete');
    this.#change(request, flavor_id, (known) => {
      knownValue(known, String(id));
      const { [String(id)]: _, ...left } = known;
      return left;
    });
  });

  #change(
    request: ActionRequest,
    flavorId: unknown,
    change: (known: Flavor['extra_specs']) => Flavor['extra_specs'],
  ): void {
    this.cloud.write(() => {
      const flavor = findFlavor(this.cloud, request, String(flavorId));
      this.cloud.flavors.update(flavor.id, { ...flavor, extra_specs: change(flavor.extra_specs) });
    });
  }
}

function knownValue(extraSpecs: Flavor['extra_specs'], key: string): string | number {
  if (Object.hasOwn(extraSpecs, key)) return extraSpecs[key]!;
  refuse(404, `There is no key ${quoteClient(key)} in extra_specs.`);
}
