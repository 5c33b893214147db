/** How servers are made. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Stored } from '../cloud.js';
import type { Flavor, Server } from '../records.js';
import { HOST } from '../seed.js';
import { type Call, refuse } from './call.js';
import { zoneOf } from './hosts.js';
import { keyOf } from './key-pairs.js';
import { usage } from './limits.js';
import { anyText, description, flag, isTrue, keyValues, name, object, type Schema, text, whole } from './parameters.js';
import { membersOf } from './server-groups.js';
import { during } from './server-states.js';

type Texts = 'key_name' | 'availability_zone' | 'user_data' | 'accessIPv4' | 'accessIPv6' | 'adminPass' | 'imageRef';
type Asked = Partial<Record<Texts, string> & Record<'config_drive' | 'return_reservation_id', boolean | string>> &
  Partial<Pick<Server, 'metadata' | 'tags' | 'description'> & Record<'min_count' | 'max_count', number | string>> & {
    name: string;
    flavorRef: string | number;
    networks?: string | unknown[];
    security_groups?: { name: string }[];
  };
export type NewServer = { server: Asked; 'os:scheduler_hints'?: { group?: string } };

export const userData: Schema = { type: 'string', format: 'base64', maxLength: 65_535 };
export const tag = text({ maxLength: 60, pattern: '^[^,/]+$' });
const networks = { type: 'array', items: { type: 'object' } };
const base = {
  ...{
    name,
    flavorRef: { type: ['string', 'integer'], minLength: 1 },
    'imageRef?': anyText,
    'metadata?': keyValues('string'),
  },
  ...{
    'networks?': networks,
    'key_name?': name,
    'availability_zone?': name,
    'user_data?': userData,
    'adminPass?': anyText,
  },
  ...{ 'min_count?': whole(1), 'max_count?': whole(1), 'return_reservation_id?': flag, 'config_drive?': flag },
  ...{ 'accessIPv4?': { type: 'string', format: 'ipv4' }, 'accessIPv6?': { type: 'string', format: 'ipv6' } },
  ...{
    'OS-DCF:diskConfig?': { enum: ['AUTO', 'MANUAL'] },
    'security_groups?': { type: 'array', items: object({ name }) },
  },
};
const { 'networks?': _optional, ...described } = { ...base, 'description?': description };
const connected = { ...described, networks: { anyOf: [networks, { enum: ['none', 'auto'] }] } };
const tagged = { ...connected, 'tags?': { type: 'array', items: tag, maxItems: 50 } };
const hints = { type: 'object', properties: { group: { type: 'string', format: 'uuid' } } };
const body = (server: Record<string, Schema>): Schema =>
  object({ server: object(server), 'os:scheduler_hints?': hints });
export const newServer = {
  ...{ '2.1': body(base), '2.19': body({ ...described, 'networks?': networks }) },
  ...{ '2.37': body(connected), '2.52': body(tagged) },
};

/** Makes as many servers as were asked for and the quota lets. 400 for what does not exist, 403 for too much. */
export function createServers(call: Call<NewServer>): Stored<Server>[] {
  const { cloud, now, who } = call;
  const { server: asked, 'os:scheduler_hints': { group: groupId } = {} } = call.body;
  const flavorId = String(asked.flavorRef).split('/').at(-1)!;
  const flavor = cloud.flavors.get(flavorId) ?? refuse(400, `Flavor ${flavorId} could not be found.`);
  const image = cloud.images.get(asked.imageRef ?? '') ?? refuse(400, 'Can not find requested image');
  const { key_name, availability_zone: zone = zoneOf(cloud) } = asked;
  const key =
    key_name && (cloud.keyPairs.get(keyOf(who.userId, key_name)) ?? refuse(400, 'Invalid key_name provided.'));
  if (zone !== zoneOf(cloud)) refuse(400, 'The requested availability zone is not available');
  if (Array.isArray(asked.networks) && asked.networks.length > 0) refuse(400, 'Network could not be found.');
  const group = groupId === undefined ? undefined : cloud.groups.get(groupId);
  if (group?.project_id !== (groupId && who.projectId)) refuse(400, `Instance group ${groupId} could not be found.`);

  const least = Number(asked.min_count ?? 1);
  const most = Number(asked.max_count ?? least);
  if (least > most) refuse(400, 'min_count must be <= max_count');
  const reservation_id = `r-${randomBytes(4).toString('hex')}`;
  return Array.from({ length: withinQuota(call, flavor, least, most) }, (_, launch_index) => {
    const id = randomUUID();
    const crowded = group?.policy === 'anti-affinity' && membersOf(call, group.id).length > 0;
    const created: Server = {
      ...{ id, project_id: who.projectId, user_id: who.userId, image_id: image.id, flavor, key: key || null, zone },
      ...{ reservation_id, launch_index, group_id: groupId ?? null, host: crowded ? null : HOST.name },
      name: most === 1 ? asked.name : `${asked.name}-${launch_index + 1}`,
      description: call.within('2.19') ? (asked.description ?? null) : asked.name,
      ...{ metadata: asked.metadata ?? {}, tags: [...new Set(asked.tags)], user_data: asked.user_data ?? null },
      ...{
        accessIPv4: asked.accessIPv4 ?? '',
        accessIPv6: asked.accessIPv6 ?? '',
        locked_by: null,
        locked_reason: null,
      },
      ...{ config_drive: isTrue(asked.config_drive) ? 'True' : '', createdAt: now, updatedAt: now, launchedAt: null },
      ...{ vm_state: 'building', task: during(call, 'scheduling', crowded ? 'error' : 'active') },
      fault: crowded ? 'No valid host was found. There are not enough hosts available.' : null,
    };
    const stored = cloud.servers.insert(id, created, who.projectId);
    call.record(stored, 'create');
    return stored;
  });
}

/** How many servers of a flavor may be made: at most `most`. 403 when that is fewer than `least`. */
function withinQuota(call: Call, flavor: Flavor, least: number, most: number): number {
  const { instances, cores, ram } = usage(call, call.who.projectId);
  const { quotaInstances, quotaCores, quotaRam } = call.settings;
  const room = [quotaInstances - instances, (quotaCores - cores) / flavor.vcpus, (quotaRam - ram) / flavor.ram];
  const count = Math.min(most, ...room.map(Math.floor));
  return count < least ? refuse(403, `Quota exceeded for instances, cores or ram: Requested ${least}.`) : count;
}
