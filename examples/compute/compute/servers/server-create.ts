/** The creation of servers. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { ActionRequest, BodyOf } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import { type Cloud, HOST } from '../../cloud.js';
import type { Group, KeyPair, Server } from '../../records.js';
import { type ComputeApi, callerOf, projectOf, refuse, requireAdmin } from '../api.js';
import { findFlavor } from '../flavors/flavor-access.js';
import { type Place, placesOf } from '../hosts/compute-hosts.js';
import { keyPairOf } from '../key-pairs.js';
import { exceeds, quotasOf, roomFor } from '../project-quotas.js';
import { isTrue } from '../schemas.js';
import { membersOf } from '../server-groups.js';
import { taskMs, tellHost } from './host-tasks.js';
import type { creation } from './server-schemas.js';
import { finishTransitions, recordAction } from './stored-servers.js';
import { beginTask, existing, failed } from './transitions.js';

/** The body of a request for new servers. */
export type NewServer = BodyOf<{ body: typeof creation }>;

/** Generates a password, for requests without one. */
export const newPassword = (): string => randomBytes(9).toString('base64url');

/**
 * Creates as many servers as the request asks for and the quota allows. 400 if something that it names does not exist, 403 if the quota
 * allows fewer than `min_count`.
 */
export async function createServers(
  api: ComputeApi,
  request: ActionRequest,
  body: NewServer,
): Promise<Stored<Server>[]> {
  const { cloud } = api;
  const places = await placesOf(api);
  const servers = cloud.write(() => insertServers(api, request, body, places));
  const told = servers.map((server) => {
    const none = { ...failed(`Host ${server.host} cannot be reached.`), host: null };
    return tellHost(api, request, server, none);
  });
  await Promise.all(told);
  return servers;
}

function insertServers(
  api: ComputeApi,
  request: ActionRequest,
  body: NewServer,
  places: readonly Place[],
): Stored<Server>[] {
  const { cloud } = api;
  const { userId } = callerOf(request);
  const projectId = projectOf(request, 'servers:create');
  const { server: asked, 'os:scheduler_hints': hints } = body;
  const now = Date.now();

  // The flavor may be given as its URL.
  const flavor = findFlavor(cloud, request, String(asked.flavorRef).split('/').at(-1)!, 400);
  const image = cloud.images.get(asked.imageRef ?? '') ?? refuse(400, 'Can not find requested image');
  const key = asked.key_name === undefined ? null : findKey(cloud, userId, asked.key_name);
  const within = placesWithin(request, places, asked.availability_zone);
  if (Array.isArray(asked.networks) && asked.networks.length > 0) refuse(400, 'Network could not be found.');
  const group = hints?.group === undefined ? null : findGroup(cloud, projectId, hints.group);
  const least = Number(asked.min_count ?? 1);
  const most = Number(asked.max_count ?? least);
  if (least > most) refuse(400, 'min_count must be <= max_count');
  // Even without a quota, at most the number of items on a page of a list.
  const count = Math.min(most, roomFor(api, projectId, flavor), api.settings.maxLimit);
  if (count < least) {
    refuse(403, `Quota exceeded for instances, cores or ram: Requested ${String(asked.min_count ?? 1)}.`);
  }

  if (group !== null) {
    const { server_group_members } = quotasOf(cloud, projectId);
    const isTooMany = exceeds(membersOf(cloud, group.id).length + count, server_group_members);
    if (isTooMany) refuse(403, 'Quota exceeded, too many servers in group');
  }

  // In an API without a manager, deleted servers leave the store only here.
  finishTransitions(cloud, cloud.servers.listOf(projectId), now);
  const reservation_id = `r-${randomBytes(4).toString('hex')}`;
  return Array.from({ length: count }, (_, launch_index) => {
    const place = pickPlace(cloud, within, group);
    const ms = taskMs(api, place?.host ?? null);
    const server: Server = {
      id: randomUUID(),
      name: most === 1 ? asked.name : `${asked.name}-${launch_index + 1}`,
      project_id: projectId,
      user_id: userId,
      image_id: image.id,
      group_id: group?.id ?? null,
      flavor,
      key,
      zone: place?.zone ?? asked.availability_zone ?? HOST.zone,
      host: place?.host ?? null,
      fault: place === undefined ? 'No valid host was found. There are not enough hosts available.' : null,
      // Below 2.19, the description is the name.
      description: request.apiVersion.atLeast('2.19') ? (asked.description ?? null) : asked.name,
      metadata: asked.metadata ?? {},
      tags: [...new Set(asked.tags)],
      user_data: asked.user_data ?? null,
      accessIPv4: asked.accessIPv4 ?? '',
      accessIPv6: asked.accessIPv6 ?? '',
      config_drive: isTrue(asked.config_drive) ? 'True' : '',
      reservation_id,
      launch_index,
      seed: randomBytes(32).toString('base64'),
      createdAt: now,
      updatedAt: now,
      launchedAt: null,
      locked_by: null,
      locked_reason: null,
      vm_state: 'building',
      task: beginTask('scheduling', place === undefined ? 'error' : 'active', ms),
    };
    const stored = cloud.servers.insert(server.id, server, projectId);
    recordAction(cloud, request, 'create', stored);
    return stored;
  });
}

/** Returns the hosts in a zone, `zone`; administrators may also name the host, `zone:host`. 400 if the zone has none. */
function placesWithin(request: ActionRequest, places: readonly Place[], asked: string | undefined): readonly Place[] {
  if (asked === undefined) return places;
  const [zone = '', host] = asked.split(':');
  if (host !== undefined) requireAdmin(request, 'servers:create:forced_host');
  const within = places.filter((place) => place.zone === zone);
  if (within.length === 0) refuse(400, 'The requested availability zone is not available');
  return within.filter((place) => host === undefined || place.host === host);
}

/** Returns the user's key pair with this name. 400 if there is none. */
export function findKey(cloud: Cloud, user: string, name: string): KeyPair {
  return keyPairOf(cloud, user, name) ?? refuse(400, 'Invalid key_name provided.');
}

function findGroup(cloud: Cloud, projectId: string, id: string) {
  const group = cloud.groups.get(id);
  return group?.project_id === projectId ? group : refuse(400, `Instance group ${id} could not be found.`);
}

/** Returns the host with the fewest servers that the group's policy allows; undefined if there is none. */
function pickPlace(cloud: Cloud, places: readonly Place[], group: Group | null): Place | undefined {
  const taken = new Set(group === null ? [] : membersOf(cloud, group.id).map(({ host }) => host));
  const suits = ({ host }: Place): boolean => {
    if (group?.policy === 'anti-affinity') return !taken.has(host);
    return group?.policy !== 'affinity' || taken.size === 0 || taken.has(host);
  };
  const [best] = places.filter(suits).toSorted((a, b) => serversOn(cloud, a.host) - serversOn(cloud, b.host));
  return best;
}

function serversOn(cloud: Cloud, host: string): number {
  return existing(cloud.servers.list()).filter((server) => server.host === host).length;
}
