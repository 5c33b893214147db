/** Flavors: the sizes of servers. All callers may list and show them; administrators create, change and delete them. */
import { randomUUID } from 'node:crypto';
import { clientFlag, collectionPage } from 'portico/openstack';
import { type ActionRequest, type Args, action } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Flavor } from '../../records.js';
import { Controller, callerOf, refuse, requireAdmin, type SortKeys, sorted } from '../api.js';
import {
  anyText,
  closed,
  description,
  each,
  flag,
  isTrue,
  name,
  positiveNumber,
  queryByVersion,
  text,
  wholeNumber,
} from '../schemas.js';
import { findFlavor, hasAccess } from './flavor-access.js';
import { flavorReference, flavorView } from './flavor-view.js';

/** The sort keys of lists, with nova's names. */
const SORT_KEYS: SortKeys<Stored<Flavor>> = {
  flavorid: ({ id }) => id,
  name: ({ name }) => name,
  memory_mb: ({ ram }) => ram,
  root_gb: ({ disk }) => disk,
  vcpus: ({ vcpus }) => vcpus,
  swap: ({ swap }) => swap,
  ephemeral_gb: (flavor) => flavor['OS-FLV-EXT-DATA:ephemeral'],
  rxtx_factor: ({ rxtx_factor }) => rxtx_factor,
  description: ({ description }) => description,
  id: ({ seq }) => seq,
  created_at: ({ seq }) => seq,
};

const listQuery = queryByVersion({
  type: 'object',
  properties: {
    ...each(anyText, 'limit', 'marker', 'is_public', 'minRam', 'minDisk'),
    sort_key: { ...text, enum: Object.keys(SORT_KEYS) },
    sort_dir: { ...text, enum: ['asc', 'desc'] },
  },
});

const members = {
  name,
  id: { ...text, type: ['string', 'number', 'null'], pattern: '^(?! )[a-zA-Z0-9. _\\-]+(?<! )$' },
  ram: positiveNumber,
  vcpus: positiveNumber,
  disk: wholeNumber,
  swap: wholeNumber,
  'OS-FLV-EXT-DATA:ephemeral': wholeNumber,
  rxtx_factor: { type: ['number', 'string'], pattern: '^[0-9]+(\\.[0-9]+)?$', exclusiveMinimum: 0, maximum: 3.4e38 },
  'os-flavor-access:is_public': flag,
} as const;
const flavor = closed(members, 'name', 'ram', 'vcpus', 'disk');
const describedFlavor = closed({ ...members, description }, 'name', 'ram', 'vcpus', 'disk');
const newFlavor = {
  '2.1': closed({ flavor }, 'flavor'),
  '2.55': closed({ flavor: describedFlavor }, 'flavor'),
} as const;
const flavorChange = closed({ flavor: closed({ description }, 'description') }, 'flavor');

export class Flavors extends Controller {
  readonly index = action({ query: listQuery }, (request) => this.#list(request, flavorReference));

  readonly detail = action({ query: listQuery }, (request) => this.#list(request, flavorView));

  show(request: ActionRequest, { id }: Args) {
    return this.cloud.read(() => ({ flavor: flavorView(request, findFlavor(this.cloud, request, String(id))) }));
  }

  readonly create = action({ body: newFlavor }, (request) => {
    requireAdmin(request, 'os-flavor-manage:create');
    const { flavor: asked } = request.body;
    const flavor: Flavor = {
      id: String(asked.id ?? randomUUID()),
      name: asked.name,
      ram: Number(asked.ram),
      vcpus: Number(asked.vcpus),
      disk: Number(asked.disk),
      swap: Number(asked.swap ?? 0),
      rxtx_factor: Number(asked.rxtx_factor ?? 1),
      'OS-FLV-EXT-DATA:ephemeral': Number(asked['OS-FLV-EXT-DATA:ephemeral'] ?? 0),
      'os-flavor-access:is_public': isTrue(asked['os-flavor-access:is_public'] ?? true),
      description: asked.description ?? null,
      extra_specs: {},
    };
    return this.cloud.write(() => {
      const taken = this.cloud.flavors.list().find(({ id, name }) => id === flavor.id || name === flavor.name);
      if (taken?.id === flavor.id) refuse(409, `Flavor with ID ${flavor.id} already exists.`);
      if (taken) refuse(409, `Flavor with name ${flavor.name} already exists.`);
      return { flavor: flavorView(request, this.cloud.flavors.insert(flavor.id, flavor)) };
    });
  });

  readonly update = action({ versions: ['2.55'], body: flavorChange }, (request, { id }) => {
    requireAdmin(request, 'os-flavor-manage:update');
    return this.cloud.write(() => {
      const flavor = { ...findFlavor(this.cloud, request, String(id)), description: request.body.flavor.description };
      return { flavor: flavorView(request, this.cloud.flavors.update(flavor.id, flavor)) };
    });
  });

  readonly delete = action({ status: 202 }, (request, { id }) => {
    requireAdmin(request, 'os-flavor-manage:delete');
    this.cloud.write(() => {
      const flavor = findFlavor(this.cloud, request, String(id));
      this.cloud.flavors.delete(flavor.id);
      this.cloud.flavorAccess.deleteOf(flavor.id);
    });
  });

  #list(request: ActionRequest, show: (request: ActionRequest, flavor: Flavor) => object): object {
    const [ram, disk, isPublic] = [atLeast(request, 'minRam'), atLeast(request, 'minDisk'), wantedPublic(request)];
    const found = this.cloud.read(() =>
      this.cloud.flavors
        .list()
        .filter((flavor) => flavor.ram >= ram && flavor.disk >= disk)
        .filter(
          (flavor) =>
            isPublic === null ||
            flavor['os-flavor-access:is_public'] === isPublic ||
            (isPublic && hasAccess(this.cloud, request, flavor)),
        ),
    );
    const key = request.queryValue('sort_key') ?? 'flavorid';
    const direction = request.queryValue('sort_dir') ?? 'asc';
    return collectionPage(request, 'flavors', sorted(found, SORT_KEYS, [key, 'id'], [direction]), {
      show: (flavor) => show(request, flavor),
      maxLimit: this.settings.maxLimit,
    });
  }
}

function atLeast(request: ActionRequest, parameter: 'minRam' | 'minDisk'): number {
  const text = request.queryValue(parameter) ?? '0';
  return /^\s*[-+]?\d+\s*$/.test(text) ? Number(text) : refuse(400, `Invalid ${parameter} filter [${text}]`);
}

/**
 * Reads `is_public`. True: public flavors, and private ones that the project may use; false: private ones; null: all. Only
 * administrators can choose; for other callers it is true.
 */
function wantedPublic(request: ActionRequest): boolean | null {
  const wanted = callerOf(request).isAdmin ? (request.queryValue('is_public') ?? 'true') : 'true';
  return /^none$/i.test(wanted) ? null : clientFlag(wanted, { name: 'is_public' });
}
