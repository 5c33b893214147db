/** The scheduler: which host a new server is placed on. */
import type { Cloud } from '../../cloud.js';
import type { Group } from '../../records.js';
import type { Place } from '../hosts/compute-hosts.js';
import { membersOf } from '../server-groups.js';
import { settled } from './transitions.js';

/** The place with the fewest servers that suits the group; undefined where none does. */
export function pickPlace(cloud: Cloud, places: readonly Place[], group: Group | null): Place | undefined {
  const taken = new Set(group === null ? [] : membersOf(cloud, group.id).map(({ host }) => host));
  const suits = ({ host }: Place): boolean => {
    if (group?.policy === 'anti-affinity') return !taken.has(host);
    return group?.policy !== 'affinity' || taken.size === 0 || taken.has(host);
  };
  const [best] = places.filter(suits).toSorted((a, b) => serversOn(cloud, a.host) - serversOn(cloud, b.host));
  return best;
}

function serversOn(cloud: Cloud, host: string): number {
  const now = Date.now();
  return cloud.servers.list().filter((server) => server.host === host && settled(server, now) !== undefined).length;
}
