/** Flavors: sizes of servers. Everybody may look; administrators make and remove them. */
import { randomUUID } from 'node:crypto';
import { clientFlag, resourceLinks } from 'portico/openstack';
import {
  flag,
  isTrue,
  keyValueActions,
  members,
  object,
  objectSince,
  sortKeys,
  text,
  type View,
  view,
  wholeNumber,
} from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Flavor } from '../records.js';
import { PLAIN_FLAVOR } from '../seed.js';
import { type Call, page, reads, refuse, writes } from './call.js';
import { description, name } from './texts.js';

const worked = (flavor: Flavor, call: Call) => {
  return { links: resourceLinks(call, '/flavors/{id}', { id: flavor.id }), swapOrNothing: flavor.swap || '' };
};
const briefView = view('id name links \n 2.55+ description', worked);
const flavorView = view(
  `id name ram disk vcpus rxtx_factor links
   OS-FLV-EXT-DATA:ephemeral OS-FLV-DISABLED:disabled=false os-flavor-access:is_public
   -2.74 swap=swapOrNothing
   2.55+ description
   2.61+ extra_specs
   2.75+ swap`,
  worked,
);

/** What nova calls the members that lists are sorted by. */
const order = sortKeys<Flavor>(
  `flavorid=id name memory_mb=ram root_gb=disk vcpus swap ephemeral_gb=OS-FLV-EXT-DATA:ephemeral rxtx_factor description
   id=seq created_at=seq`,
);
const sorting = { sort_key: text({ enum: order.names }), sort_dir: text({ enum: ['asc', 'desc'] }) };
const query = { '2.1': { ...members('limit marker is_public minRam minDisk'), ...sorting } };

function listed(call: Call, show: View<Flavor, Call>): object {
  const [ram, disk, isPublic] = [atLeast(call, 'minRam'), atLeast(call, 'minDisk'), wantedPublic(call)];
  const big = call.cloud.flavors.list().filter((it) => it.ram >= ram && it.disk >= disk);
  const found = big.filter((it) => isPublic === null || it['os-flavor-access:is_public'] === isPublic);
  const [key, direction] = [call.queryValue('sort_key') ?? 'flavorid', call.queryValue('sort_dir') ?? 'asc'];
  return page(call, 'flavors', order.sort(found, [key, 'id'], [direction]), show);
}

function atLeast(call: Call, parameter: string): number {
  const text = call.queryValue(parameter) ?? '0';
  return /^\s*[-+]?\d+\s*$/.test(text) ? Number(text) : refuse(400, `Invalid ${parameter} filter [${text}]`);
}

/** Null: public and private ones. Only administrators are asked what they want. */
function wantedPublic(call: Call): boolean | null {
  const text = call.who.isAdmin ? (call.queryValue('is_public') ?? 'true') : 'true';
  return /^none$/i.test(text) ? null : clientFlag(text, { name: 'is_public' });
}

/** The flavor of that id, or 404, also for one that is not public, except for administrators. */
export function flavorOf({ cloud, who }: Call, id: string, status = 404): Stored<Flavor> {
  const flavor = cloud.flavors.get(id);
  const seen = flavor !== undefined && (who.isAdmin || flavor['os-flavor-access:is_public']);
  return seen ? flavor : refuse(status, `Flavor ${id} could not be found.`);
}

const NUMBERS = ['ram', 'vcpus', 'disk', 'swap', 'rxtx_factor', 'OS-FLV-EXT-DATA:ephemeral'] as const;
const asked = {
  name,
  'id?': text({ type: ['string', 'number', 'null'], pattern: '^(?! )[a-zA-Z0-9. _\\-]+(?<! )$' }),
  ...members('ram vcpus', wholeNumber(1)),
  ...members('disk swap? OS-FLV-EXT-DATA:ephemeral?', wholeNumber()),
  'rxtx_factor?': { type: ['number', 'string'], pattern: '^[0-9]+(\\.[0-9]+)?$', exclusiveMinimum: 0, maximum: 3.4e38 },
  'os-flavor-access:is_public?': flag,
};
const body = objectSince({ '2.1': asked, '2.55': { 'description?': description } }, (flavor) => object({ flavor }));
const change = object({ flavor: object({ description }) });
const manage = (verb: string) => ({ policy: `os-flavor-manage:${verb}` });

export class Flavors {
  readonly index = reads({ query }, (call) => listed(call, briefView));
  readonly detail = reads({ query }, (call) => listed(call, flavorView));
  readonly show = reads({}, (call) => ({ flavor: flavorView(flavorOf(call, call.params.id!), call) }));
  readonly create = writes<{ flavor: Partial<Flavor> }>({ ...manage('create'), body }, (call) => {
    const { flavor: asked } = call.body;
    const id = String(asked.id ?? randomUUID());
    const taken = call.cloud.flavors.list().find((it) => it.id === id || it.name === asked.name);
    if (taken) refuse(409, `Flavor with ${taken.id === id ? `ID ${id}` : `name ${asked.name}`} already exists.`);
    const flavor = { ...PLAIN_FLAVOR, ...asked, id } as Flavor;
    for (const member of NUMBERS) flavor[member] = Number(flavor[member]);
    flavor['os-flavor-access:is_public'] = isTrue(flavor['os-flavor-access:is_public']);
    return { flavor: flavorView(call.cloud.flavors.insert(id, flavor), call) };
  });
  readonly update = writes<{ flavor: Pick<Flavor, 'description'> }>(
    { ...manage('update'), versions: ['2.55'], body: change },
    (call) => {
      const flavor = { ...flavorOf(call, call.params.id!), ...call.body.flavor };
      return { flavor: flavorView(call.cloud.flavors.update(flavor.id, flavor), call) };
    },
  );
  readonly delete = writes({ ...manage('delete'), status: 202 }, (call) => {
    call.cloud.flavors.delete(flavorOf(call, call.params.id!).id);
  });
}

/** What a flavor asks of a host. */
export const extraSpecs = keyValueActions<Call>({
  all: 'extra_specs',
  types: ['string', 'number'],
  deleted: 200,
  looks: reads,
  changes: (options, handler, verb) => writes({ ...options, policy: `os-flavor-extra-specs:${verb}` }, handler),
  read: (call) => flavorOf(call, call.params.flavor_id!).extra_specs,
  store: (call, extra_specs) => {
    const flavor = flavorOf(call, call.params.flavor_id!);
    call.cloud.flavors.update(flavor.id, { ...flavor, extra_specs });
  },
});
