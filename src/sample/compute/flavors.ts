/** Flavors: sizes of servers. Everybody may look; administrators make and remove them. */
import { randomUUID } from 'node:crypto';
import type { Stored } from '../cloud.js';
import type { Flavor } from '../records.js';
import { PLAIN_FLAVOR } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';
import { since, until, type View, view } from './fields.js';
import { KeyValues } from './key-values.js';
import { page, type SortKey, sorted } from './pages.js';
import { description, flag, isTrue, name, object, parameters, text, whole } from './parameters.js';

const links = ({ id }: Flavor, call: Call): unknown => call.links('flavors', id);
const briefView = view<Flavor>('id name', { links, description: since('2.55') });

const MEMBERS = 'id name ram disk vcpus rxtx_factor OS-FLV-EXT-DATA:ephemeral os-flavor-access:is_public';
const flavorView = view<Flavor>(MEMBERS, {
  ...{ links, 'OS-FLV-DISABLED:disabled': () => false },
  swap: [until('2.74', ({ swap }) => swap || ''), since('2.75')],
  ...{ description: since('2.55'), extra_specs: since('2.61') },
});

const SORT_KEYS: Record<string, SortKey<Stored<Flavor>>> = {
  ...{ flavorid: ({ id }) => id, name: ({ name }) => name, description: ({ description }) => description },
  ...{
    memory_mb: ({ ram }) => ram,
    root_gb: ({ disk }) => disk,
    vcpus: ({ vcpus }) => vcpus,
    swap: ({ swap }) => swap,
  },
  ...{ rxtx_factor: (it) => it.rxtx_factor, ephemeral_gb: (it) => it['OS-FLV-EXT-DATA:ephemeral'] },
  ...{
    is_public: (it) => Number(it['os-flavor-access:is_public']),
    id: ({ seq }) => seq,
    created_at: ({ seq }) => seq,
  },
  ...{ updated_at: () => null, disabled: () => 0, vcpu_weight: () => 0 },
};
const sorting = {
  sort_key: { type: 'string', enum: Object.keys(SORT_KEYS) },
  sort_dir: { type: 'string', enum: ['asc', 'desc'] },
};
const query = { '2.1': parameters('limit marker is_public minRam minDisk', sorting) };

/** The flavors of a list request, in its order. */
function listed(call: Call, show: View<Flavor>): object {
  const [ram, disk, isPublic] = [atLeast(call, 'minRam'), atLeast(call, 'minDisk'), wantedPublic(call)];
  const big = call.cloud.flavors.list().filter((it) => it.ram >= ram && it.disk >= disk);
  const found = big.filter((it) => isPublic === null || it['os-flavor-access:is_public'] === isPublic);
  const keys = [SORT_KEYS[call.query('sort_key') ?? 'flavorid']!, ({ seq }: Stored<Flavor>) => seq];
  const all = sorted(
    found,
    keys.map((key) => [key, call.query('sort_dir') ?? 'asc'] as const),
  );
  return page(call, 'flavors', all, show, ({ id }) => id);
}

function atLeast(call: Call, parameter: string): number {
  const text = call.query(parameter) ?? '0';
  return /^\s*[-+]?\d+\s*$/.test(text) ? Number(text) : refuse(400, `Invalid ${parameter} filter [${text}]`);
}

/** Null: public and private ones. Only administrators are asked what they want. */
function wantedPublic(call: Call): boolean | null {
  const text = call.who.isAdmin ? (call.query('is_public') ?? 'true') : 'true';
  if (/^none$/i.test(text)) return null;
  const no = /^(false|f|0|no|n|off)$/i.test(text);
  return no || /^(true|t|1|yes|y|on)$/i.test(text) ? !no : refuse(400, `Invalid is_public filter [${text}]`);
}

/** The flavor the path names, or 404. */
function flavorOf(call: Call, id = call.args.id!): Stored<Flavor> {
  return call.cloud.flavors.get(id) ?? refuse(404, `Flavor ${id} could not be found.`);
}

const numbers = {
  ram: whole(1),
  vcpus: whole(1),
  disk: whole(0),
  'swap?': whole(0),
  'OS-FLV-EXT-DATA:ephemeral?': whole(0),
};
const asked = {
  name,
  'id?': text({ type: ['string', 'number', 'null'], pattern: '^(?! )[a-zA-Z0-9. _\\-]+(?<! )$' }),
  ...numbers,
  'rxtx_factor?': { type: ['number', 'string'], pattern: '^[0-9]+(\\.[0-9]+)?$', exclusiveMinimum: 0, maximum: 3.4e38 },
  'os-flavor-access:is_public?': flag,
};
const described = object({ flavor: object({ ...asked, 'description?': description }) });
const creation = {
  admin: 'os-flavor-manage:create',
  body: { '2.1': object({ flavor: object(asked) }), '2.55': described },
};
const update = { admin: 'os-flavor-manage:update', body: { '2.55': object({ flavor: object({ description }) }) } };

export class Flavors {
  readonly index = reads({ query }, (call) => listed(call, briefView));
  readonly detail = reads({ query }, (call) => listed(call, flavorView));
  readonly show = reads({}, (call) => ({ flavor: flavorView(flavorOf(call), call) }));

  readonly create = writes<{ flavor: { name: string; id?: string | number | null } }>(creation, (call) => {
    const { flavor: asked } = call.body;
    const id = String(asked.id ?? randomUUID());
    const taken = call.cloud.flavors.list().find((it) => it.id === id || it.name === asked.name);
    if (taken) refuse(409, `Flavor with ${taken.id === id ? `ID ${id}` : `name ${asked.name}`} already exists.`);
    const flavor: Flavor = { ...PLAIN_FLAVOR, ...(asked as Flavor), id };
    for (const key of [...Object.keys(numbers), 'rxtx_factor']) {
      const member = key.replace('?', '') as 'ram';
      flavor[member] = Number(flavor[member]);
    }
    flavor['os-flavor-access:is_public'] = isTrue(flavor['os-flavor-access:is_public']);
    return { flavor: flavorView(call.cloud.flavors.insert(id, flavor), call) };
  });

  readonly update = writes<{ flavor: Pick<Flavor, 'description'> }>(update, (call) => {
    const flavor = { ...flavorOf(call), ...call.body.flavor };
    return { flavor: flavorView(call.cloud.flavors.update(flavor.id, flavor), call) };
  });

  readonly delete = writes({ admin: 'os-flavor-manage:delete', status: 202 }, (call) => {
    call.cloud.flavors.delete(flavorOf(call).id);
  });
}

/** What a flavor asks of a host. */
export const extraSpecs = new KeyValues({
  ...{ all: 'extra_specs', type: ['string', 'number'], admin: 'os-flavor-extra-specs', deleted: 200 },
  read: (call) => flavorOf(call, call.args.flavor_id).extra_specs,
  store: (call, extra_specs) => {
    const flavor = flavorOf(call, call.args.flavor_id);
    call.cloud.flavors.update(flavor.id, { ...flavor, extra_specs });
  },
});
