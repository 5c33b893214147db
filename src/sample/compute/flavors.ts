/** Flavors: sizes of servers. Everybody may look; administrators make and remove them. */
import { randomUUID } from 'node:crypto';
import type { Stored } from '../cloud.js';
import type { Flavor } from '../records.js';
import { PLAIN_FLAVOR } from '../seed.js';
import { type Call, reads, refuse, writes } from './call.js';
import { type View, view } from './fields.js';
import { KeyValues } from './key-values.js';
import { page, sorted } from './pages.js';
import { description, each, flag, isTrue, name, object, text, whole } from './parameters.js';

const linked = (flavor: Flavor, call: Call) => ({ links: call.links('/flavors/{id}', flavor) });
const briefView = view('id name links \n 2.55+ description', linked);
const flavorView = view(
  `id name ram disk vcpus rxtx_factor OS-FLV-EXT-DATA:ephemeral OS-FLV-DISABLED:disabled os-flavor-access:is_public links
   -2.74 swap=swapOrNothing
   2.55+ description
   2.61+ extra_specs
   2.75+ swap`,
  (flavor: Flavor, call) => {
    return { ...linked(flavor, call), 'OS-FLV-DISABLED:disabled': false, swapOrNothing: flavor.swap || '' };
  },
);

/** What nova calls the members that lists are sorted by. */
const SORT_KEYS: Readonly<Record<string, keyof Stored<Flavor>>> = {
  flavorid: 'id',
  name: 'name',
  memory_mb: 'ram',
  root_gb: 'disk',
  vcpus: 'vcpus',
  swap: 'swap',
  ephemeral_gb: 'OS-FLV-EXT-DATA:ephemeral',
  rxtx_factor: 'rxtx_factor',
  description: 'description',
  id: 'seq',
  created_at: 'seq',
};
const sorting = { sort_key: text({ enum: Object.keys(SORT_KEYS) }), sort_dir: text({ enum: ['asc', 'desc'] }) };
const query = { '2.1': { ...each('limit marker is_public minRam minDisk'), ...sorting } };

function listed(call: Call, show: View<Flavor>): object {
  const [ram, disk, isPublic] = [atLeast(call, 'minRam'), atLeast(call, 'minDisk'), wantedPublic(call)];
  const big = call.cloud.flavors.list().filter((it) => it.ram >= ram && it.disk >= disk);
  const found = big.filter((it) => isPublic === null || it['os-flavor-access:is_public'] === isPublic);
  const keys = [SORT_KEYS[call.query('sort_key') ?? 'flavorid']!, 'seq'] as 'ram'[];
  const all = sorted(
    found,
    keys.map((key) => [(flavor) => flavor[key], call.query('sort_dir') ?? 'asc'] as const),
  );
  return page(call, 'flavors', all, show, 'id');
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
function flavorOf({ args, cloud }: Call): Stored<Flavor> {
  const id = args.flavor_id ?? args.id!;
  return cloud.flavors.get(id) ?? refuse(404, `Flavor ${id} could not be found.`);
}

const NUMBERS = ['ram', 'vcpus', 'disk', 'swap', 'rxtx_factor', 'OS-FLV-EXT-DATA:ephemeral'] as const;
const asked = {
  name,
  'id?': text({ type: ['string', 'number', 'null'], pattern: '^(?! )[a-zA-Z0-9. _\\-]+(?<! )$' }),
  ...each('ram vcpus', whole(1)),
  ...each('disk swap? OS-FLV-EXT-DATA:ephemeral?', whole(0)),
  'rxtx_factor?': { type: ['number', 'string'], pattern: '^[0-9]+(\\.[0-9]+)?$', exclusiveMinimum: 0, maximum: 3.4e38 },
  'os-flavor-access:is_public?': flag,
};
const body = {
  '2.1': object({ flavor: object(asked) }),
  '2.55': object({ flavor: object({ ...asked, 'description?': description }) }),
};
const change = { '2.55': object({ flavor: object({ description }) }) };
const manage = (verb: string) => ({ admin: `os-flavor-manage:${verb}` });

export class Flavors {
  readonly index = reads({ query }, (call) => listed(call, briefView));
  readonly detail = reads({ query }, (call) => listed(call, flavorView));
  readonly show = reads({}, (call) => ({ flavor: flavorView(flavorOf(call), call) }));
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
  readonly update = writes<{ flavor: Pick<Flavor, 'description'> }>({ ...manage('update'), body: change }, (call) => {
    const flavor = { ...flavorOf(call), ...call.body.flavor };
    return { flavor: flavorView(call.cloud.flavors.update(flavor.id, flavor), call) };
  });
  readonly delete = writes({ ...manage('delete'), status: 202 }, (call) => {
    call.cloud.flavors.delete(flavorOf(call).id);
  });
}

/** What a flavor asks of a host. */
export const extraSpecs = new KeyValues({
  all: 'extra_specs',
  types: ['string', 'number'],
  admin: 'os-flavor-extra-specs',
  deleted: 200,
  read: (call) => flavorOf(call).extra_specs,
  store: (call, extra_specs) => {
    call.cloud.flavors.update(flavorOf(call).id, { ...flavorOf(call), extra_specs });
  },
});
