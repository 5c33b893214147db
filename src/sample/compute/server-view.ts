/** How a server looks to its clients. */
import type { Stored } from '../cloud.js';
import { hostId, hostName, instanceName, isoTime, microTime } from '../names.js';
import type { Server } from '../records.js';
import type { Call } from './call.js';
import { changeSince, forAdmin, since, until, view } from './fields.js';
import { powerState, status, taskState } from './server-states.js';

type S = Stored<Server>;

const links = ({ id }: Server, call: Call): unknown => call.links('servers', id);
const reference = (collection: string, id: string, call: Call): unknown => ({
  id,
  links: [{ rel: 'bookmark', href: call.bookmark(collection, id) }],
});
const flavorOfServer = view<Server['flavor']>('vcpus ram disk swap extra_specs', {
  ephemeral: (flavor) => flavor['OS-FLV-EXT-DATA:ephemeral'],
  original_name: ({ name }) => name,
});
const progress = (server: S): unknown => (/ACTIVE|BUILD/.test(status(server)) ? 0 : undefined);
const fault = (server: S): unknown =>
  status(server) === 'ERROR' && server.fault !== null
    ? { code: 500, created: isoTime(server.updatedAt), message: server.fault }
    : undefined;

/** In lists, and in the answer to a creation. */
export const briefView = view<S>('id name', { links });
export const createdView = view<S>('id', { links, 'OS-DCF:diskConfig': () => 'MANUAL' });

/** Members for administrators from 2.3 on. */
const attribute = (value: (server: S) => unknown) => since('2.3', forAdmin(value));
/** Members that nova added to the answers of PUT and rebuild in 2.75 only. */
const extended = {
  config_drive: {},
  key_name: ({ key }: S) => key?.name ?? null,
  'os-extended-volumes:volumes_attached': () => [],
  'OS-EXT-AZ:availability_zone': ({ zone, host }: S) => (host === null ? '' : zone),
  'OS-EXT-STS:vm_state': ({ vm_state }: S) => vm_state,
  'OS-EXT-STS:task_state': (server: S, { now }: Call) => taskState(server, now),
  'OS-EXT-STS:power_state': powerState,
  'OS-SRV-USG:launched_at': ({ launchedAt }: S) => microTime(launchedAt),
  'OS-SRV-USG:terminated_at': () => null,
  'OS-EXT-SRV-ATTR:host': forAdmin(({ host }: S) => host),
  'OS-EXT-SRV-ATTR:hypervisor_hostname': forAdmin(({ host }: S) => host),
  'OS-EXT-SRV-ATTR:instance_name': forAdmin(instanceName),
  'OS-EXT-SRV-ATTR:reservation_id': attribute(({ reservation_id }) => reservation_id),
  'OS-EXT-SRV-ATTR:launch_index': attribute(({ launch_index }) => launch_index),
  'OS-EXT-SRV-ATTR:hostname': attribute(hostName),
  'OS-EXT-SRV-ATTR:kernel_id': attribute(() => ''),
  'OS-EXT-SRV-ATTR:ramdisk_id': attribute(() => ''),
  'OS-EXT-SRV-ATTR:root_device_name': attribute(() => '/dev/vda'),
  'OS-EXT-SRV-ATTR:user_data': attribute(({ user_data }) => user_data),
  host_status: since(
    '2.16',
    forAdmin(({ host }: S) => (host === null ? '' : 'UP')),
  ),
};

/** The whole server, as lists show it. */
export const serverView = view<S>('id name user_id metadata accessIPv4 accessIPv6', {
  ...{ links, status, hostId, progress, fault, addresses: () => ({}), 'OS-DCF:diskConfig': () => 'MANUAL' },
  tenant_id: ({ project_id }) => project_id,
  image: ({ image_id }, call) => reference('images', image_id, call),
  flavor: [
    until('2.46', ({ flavor }, call) => reference('flavors', flavor.id, call)),
    since('2.47', ({ flavor }, call) => flavorOfServer(flavor, call)),
  ],
  created: ({ createdAt }) => isoTime(createdAt),
  updated: ({ updatedAt }) => isoTime(updatedAt),
  ...Object.fromEntries(Object.entries(extended).map(([name, field]) => [name, changeSince<S>('2.75', field)])),
  locked: since('2.9', ({ locked_by }) => locked_by !== null),
  description: since('2.19'),
  tags: since('2.26'),
  trusted_image_certificates: since('2.63', () => null),
  locked_reason: since('2.73'),
});

const groupsView = view<S>('', {
  server_groups: since('2.71', ({ group_id }, { cloud }) => (cloud.groups.get(group_id ?? '') ? [group_id] : [])),
});

/** One server, which alone names its groups. `change`: as the answer to one. */
export function oneServer(server: S, call: Call, form?: 'change'): Record<string, unknown> {
  return { ...serverView(server, call, form), ...groupsView(server, call) };
}

const rebuiltView = view<S>('', {
  key_name: since('2.54', ({ key }) => key?.name ?? null),
  user_data: since('2.57'),
  'OS-EXT-SRV-ATTR:user_data': () => undefined,
});

/** The answer to a rebuild, apart from the password. */
export function rebuiltServer(server: S, call: Call): Record<string, unknown> {
  return { ...oneServer(server, call, 'change'), ...rebuiltView(server, call) };
}
