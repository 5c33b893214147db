/** How servers are made. */
import { randomBytes, randomUUID } from 'node:crypto';
import {
  anyText,
  flag,
  isTrue,
  keyValuePairs,
  listOf,
  members,
  object,
  objectSince,
  wholeNumber,
} from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, refuse } from './call.js';
import { flavorOf } from './flavors.js';
import { keyOf } from './key-pairs.js';
import { roomFor } from './limits.js';
import { membersOf } from './server-groups.js';
import { record } from './server-of.js';
import { during, finishTransitions } from './server-states.js';
import { zoneOf } from './service-records.js';
import { description, name, tag, userData } from './texts.js';

type Texts = 'key_name' | 'availability_zone' | 'adminPass' | 'imageRef' | 'user_data' | 'accessIPv4' | 'accessIPv6';
type Asked = Partial<Record<Texts | 'min_count' | 'max_count' | 'config_drive' | 'return_reservation_id', string>> &
  Partial<Pick<Server, 'metadata' | 'tags' | 'description'>> &
  Pick<Server, 'name'> & { flavorRef: string | number; networks?: unknown; security_groups?: object[] };
export type NewServer = { server: Asked; 'os:scheduler_hints'?: { group?: string } };

export const addresses = {
  'accessIPv4?': { type: 'string', format: 'ipv4' },
  'accessIPv6?': { type: 'string', format: 'ipv6' },
};
const networks = listOf({ type: 'object' });
const hints = { type: 'object', properties: { group: { type: 'string', format: 'uuid' } } };
export const newServer = objectSince(
  {
    '2.1': {
      flavorRef: { type: ['string', 'integer'], minLength: 1 },
      ...members('name key_name? availability_zone?', name),
      ...members('imageRef? adminPass?', anyText),
      ...members('min_count? max_count?', wholeNumber(1)),
      ...members('return_reservation_id? config_drive?', flag),
      'metadata?': keyValuePairs('string'),
      'user_data?': userData,
      ...addresses,
      'OS-DCF:diskConfig?': { enum: ['AUTO', 'MANUAL'] },
      'security_groups?': listOf(object({ name })),
      'networks?': networks,
    },
    '2.19': { 'description?': description },
    '2.37': { networks: { anyOf: [networks, { enum: ['none', 'auto'] }] } },
    '2.52': { 'tags?': listOf(tag, { maxItems: 50 }) },
  },
  (server) => object({ server, 'os:scheduler_hints?': hints }),
);

/** For a server whose maker did not choose one. */
export const newPassword = (): string => randomBytes(9).toString('base64url');

/** Makes as many servers as were asked for and the quota lets. 400 for what does not exist, 403 for too much. */
export function createServers(call: Call<NewServer>): Stored<Server>[] {
  const { cloud, now, who } = call;
  const { server: asked, 'os:scheduler_hints': { group: groupId } = {} } = call.body;
  const flavor = flavorOf(call, String(asked.flavorRef).split('/').at(-1)!, 400);
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

  // Whoever makes servers clears away those that are gone: an API without a manager forgets them too.
  finishTransitions(cloud, now, who.projectId);
  const { metadata = {}, user_data = null, accessIPv4 = '', accessIPv6 = '', description = null } = asked;
  const whose = { project_id: who.projectId, user_id: who.userId, image_id: image.id, group_id: groupId ?? null };
  const given = { flavor, key, zone, metadata, tags: [...new Set(asked.tags)], user_data, accessIPv4, accessIPv6 };
  const fresh = { createdAt: now, updatedAt: now, launchedAt: null, locked_by: null, locked_reason: null };
  const alike = {
    ...whose,
    ...given,
    ...fresh,
    description: call.apiVersion.atLeast('2.19') ? description : asked.name,
    config_drive: isTrue(asked.config_drive) ? 'True' : '',
    reservation_id: `r-${randomBytes(4).toString('hex')}`,
  };
  return Array.from({ length: count }, (_, launch_index) => {
    const [id, seed] = [randomUUID(), randomBytes(32).toString('base64')];
    const name = Number(most) === 1 ? asked.name : `${asked.name}-${launch_index + 1}`;
    const crowded = group?.policy === 'anti-affinity' && membersOf(call, group.id).length > 0;
    const placed = crowded ? NOWHERE : { host: HOST.name, fault: null };
    const task = during(call, 'scheduling', crowded ? 'error' : 'active');
    const created: Server = { id, name, seed, launch_index, ...alike, ...placed, vm_state: 'building', task };
    const stored = cloud.servers.insert(id, created, who.projectId);
    record(call, 'create', stored);
    return stored;
  });
}

const NOWHERE = { host: null, fault: 'No valid host was found. There are not enough hosts available.' };

/** The user's key of that name; without a name, another one. 400 when there is none. */
export function keyFor<K>({ cloud, who }: Call, name: string | null | undefined, otherwise: K) {
  if (name == null) return name === null ? null : otherwise;
  return cloud.keyPairs.get(keyOf(who.userId, name)) ?? refuse(400, 'Invalid key_name provided.');
}
