/** How servers are made. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Stored } from '../cloud.js';
import type { Server } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, refuse } from './call.js';
import { keyOf } from './key-pairs.js';
import { roomFor } from './limits.js';
import {
  anyText,
  description,
  each,
  flag,
  isTrue,
  keyValues,
  name,
  object,
  type Schema,
  text,
  whole,
} from './parameters.js';
import { membersOf } from './server-groups.js';
import { during, settled } from './server-states.js';
import { zoneOf } from './services.js';

type Texts = 'key_name' | 'availability_zone' | 'user_data' | 'accessIPv4' | 'accessIPv6' | 'adminPass' | 'imageRef';
type Asked = Partial<Record<Texts | 'min_count' | 'max_count' | 'config_drive' | 'return_reservation_id', string>> &
  Partial<Pick<Server, 'metadata' | 'tags' | 'description'>> &
  Pick<Server, 'name'> & { flavorRef: string | number; networks?: unknown; security_groups?: object[] };
export type NewServer = { server: Asked; 'os:scheduler_hints'?: { group?: string } };

export const userData: Schema = { type: 'string', format: 'base64', maxLength: 65_535 };
export const tag = text({ maxLength: 60, pattern: '^[^,/]+$' });
const networks = { type: 'array', items: { type: 'object' } };
const base = {
  flavorRef: { type: ['string', 'integer'], minLength: 1 },
  ...each('name key_name? availability_zone?', name),
  ...each('imageRef? adminPass?', anyText),
  ...each('min_count? max_count?', whole(1)),
  ...each('return_reservation_id? config_drive?', flag),
  'metadata?': keyValues('string'),
  'user_data?': userData,
  'accessIPv4?': { type: 'string', format: 'ipv4' },
  'accessIPv6?': { type: 'string', format: 'ipv6' },
  'OS-DCF:diskConfig?': { enum: ['AUTO', 'MANUAL'] },
  'security_groups?': { type: 'array', items: object({ name }) },
};
const described = { ...base, 'description?': description };
const connected = { ...described, networks: { anyOf: [networks, { enum: ['none', 'auto'] }] } };
const tagged = { ...connected, 'tags?': { type: 'array', items: tag, maxItems: 50 } };
const hints = { type: 'object', properties: { group: { type: 'string', format: 'uuid' } } };
const body = (server: Record<string, Schema>) => object({ server: object(server), 'os:scheduler_hints?': hints });
export const newServer = {
  '2.1': body({ ...base, 'networks?': networks }),
  '2.19': body({ ...described, 'networks?': networks }),
  '2.37': body(connected),
  '2.52': body(tagged),
};

/** Makes as many servers as were asked for and the quota lets. 400 for what does not exist, 403 for too much. */
export function createServers(call: Call<NewServer>): Stored<Server>[] {
  const { cloud, now, who } = call;
  const { server: asked, 'os:scheduler_hints': { group: groupId } = {} } = call.body;
  const flavorId = String(asked.flavorRef).split('/').at(-1)!;
  const flavor = cloud.flavors.get(flavorId) ?? refuse(400, `Flavor ${flavorId} could not be found.`);
  const image = cloud.images.get(asked.imageRef ?? '') ?? refuse(400, 'Can not find requested image');
  const key = keyFor(call, asked.key_name, null);
  const { availability_zone: zone = zoneOf(cloud), min_count: least = 1, max_count: most = least } = asked;
  if (zone !== zoneOf(cloud)) refuse(400, 'The requested availability zone is not available');
  if (Array.isArray(asked.networks) && asked.networks.length > 0) refuse(400, 'Network could not be found.');
  const group = groupId === undefined ? undefined : cloud.groups.get(groupId);
  if (group?.project_id !== (groupId && who.projectId)) refuse(400, `Instance group ${groupId} could not be found.`);
  if (Number(least) > Number(most)) refuse(400, 'min_count must be <= max_count');
  const count = Math.min(Number(most), roomFor(call, flavor));
  if (count < Number(least)) refuse(403, `Quota exceeded for instances, cores or ram: Requested ${least}.`);

  // Whoever makes servers clears away those that are gone: reading them leaves no trace.
  const gone = cloud.servers.list(who.projectId).filter((server) => settled(server, now) === undefined);
  for (const server of gone) cloud.servers.delete(server.id);
  const reservation_id = `r-${randomBytes(4).toString('hex')}`;
  return Array.from({ length: count }, (_, launch_index) => {
    const crowded = group?.policy === 'anti-affinity' && membersOf(call, group.id).length > 0;
    const created: Server = {
      id: randomUUID(),
      project_id: who.projectId,
      user_id: who.userId,
      name: Number(most) === 1 ? asked.name : `${asked.name}-${launch_index + 1}`,
      description: call.within('2.19') ? (asked.description ?? null) : asked.name,
      metadata: asked.metadata ?? {},
      tags: [...new Set(asked.tags)],
      image_id: image.id,
      flavor,
      key,
      zone,
      host: crowded ? null : HOST.name,
      group_id: groupId ?? null,
      reservation_id,
      launch_index,
      user_data: asked.user_data ?? null,
      accessIPv4: asked.accessIPv4 ?? '',
      accessIPv6: asked.accessIPv6 ?? '',
      config_drive: isTrue(asked.config_drive) ? 'True' : '',
      locked_by: null,
      locked_reason: null,
      vm_state: 'building',
      task: during(call, 'scheduling', crowded ? 'error' : 'active'),
      fault: crowded ? 'No valid host was found. There are not enough hosts available.' : null,
      createdAt: now,
      updatedAt: now,
      launchedAt: null,
    };
    const stored = cloud.servers.insert(created.id, created, who.projectId);
    call.record('create', stored);
    return stored;
  });
}

/** The user's key of that name; without a name, another one. 400 when there is none. */
export function keyFor<K>({ cloud, who }: Call, name: string | null | undefined, otherwise: K) {
  if (name == null) return name === null ? null : otherwise;
  return cloud.keyPairs.get(keyOf(who.userId, name)) ?? refuse(400, 'Invalid key_name provided.');
}
