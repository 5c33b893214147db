/** How a server looks to its clients. */
import type { Stored } from '../cloud.js';
import { hostId, hostName, instanceName, isoTime, microTime } from '../names.js';
import type { Flavor, Server } from '../records.js';
import type { Call } from './call.js';
import { view } from './fields.js';
import { powerState, status, taskState } from './server-states.js';

type S = Stored<Server>;

/** Below 2.75 the answers to changes leave out what nova had added to the others as extensions. */
const SERVER = `id name status tenant_id user_id metadata hostId image created updated addresses accessIPv4 accessIPv6 links
  progress fault OS-DCF:diskConfig
  -2.46 flavor=flavorReference
  2.9+ locked
  2.19+ description
  2.26+ tags
  2.47+ flavor=flavorMembers
  2.63+ trusted_image_certificates
  2.73+ locked_reason
  change2.75+ key_name config_drive os-extended-volumes:volumes_attached OS-EXT-AZ:availability_zone
  change2.75+ OS-EXT-STS:vm_state OS-EXT-STS:task_state OS-EXT-STS:power_state
  change2.75+ OS-SRV-USG:launched_at OS-SRV-USG:terminated_at
  change2.75+ admin OS-EXT-SRV-ATTR:host OS-EXT-SRV-ATTR:hypervisor_hostname OS-EXT-SRV-ATTR:instance_name
  change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:reservation_id OS-EXT-SRV-ATTR:launch_index OS-EXT-SRV-ATTR:hostname
  change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:kernel_id OS-EXT-SRV-ATTR:ramdisk_id OS-EXT-SRV-ATTR:root_device_name
  change2.75+ admin 2.16+ host_status`;
const USER_DATA = '\n change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:user_data';

const flavorMembers = view('vcpus ram disk ephemeral swap original_name extra_specs', (flavor: Flavor) => {
  return { ephemeral: flavor['OS-FLV-EXT-DATA:ephemeral'], original_name: flavor.name };
});

/** Members whose value is the record's under another name, or worked out. */
function values(server: S, call: Call): object {
  const { flavor, host, image_id, createdAt, updatedAt, key, group_id } = server;
  const reference = (route: string, id: string) => ({
    id,
    links: [{ rel: 'bookmark', href: call.bookmark(route, { id }) }],
  });
  const shown = status(server);
  const fault = { code: 500, created: isoTime(updatedAt), message: server.fault };
  return {
    status: shown,
    tenant_id: server.project_id,
    hostId: hostId(server),
    image: reference('/images/{id}', image_id),
    flavorReference: reference('/flavors/{id}', flavor.id),
    flavorMembers: flavorMembers(flavor, call),
    created: isoTime(createdAt),
    updated: isoTime(updatedAt),
    addresses: {},
    links: call.links('/servers/{id}', server),
    progress: /ACTIVE|BUILD/.test(shown) ? 0 : undefined,
    fault: shown === 'ERROR' && server.fault !== null ? fault : undefined,
    locked: server.locked_by !== null,
    trusted_image_certificates: null,
    server_groups: call.cloud.groups.get(group_id ?? '') ? [group_id] : [],
    key_name: key?.name ?? null,
    host_status: host === null ? '' : 'UP',
    'OS-DCF:diskConfig': 'MANUAL',
    'os-extended-volumes:volumes_attached': [],
    'OS-EXT-AZ:availability_zone': host === null ? '' : server.zone,
    'OS-EXT-STS:vm_state': server.vm_state,
    'OS-EXT-STS:task_state': taskState(server, call.now),
    'OS-EXT-STS:power_state': powerState(server),
    'OS-SRV-USG:launched_at': microTime(server.launchedAt),
    'OS-SRV-USG:terminated_at': null,
    'OS-EXT-SRV-ATTR:host': host,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
    'OS-EXT-SRV-ATTR:instance_name': instanceName(server),
    'OS-EXT-SRV-ATTR:reservation_id': server.reservation_id,
    'OS-EXT-SRV-ATTR:launch_index': server.launch_index,
    'OS-EXT-SRV-ATTR:hostname': hostName(server),
    'OS-EXT-SRV-ATTR:kernel_id': '',
    'OS-EXT-SRV-ATTR:ramdisk_id': '',
    'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
    'OS-EXT-SRV-ATTR:user_data': server.user_data,
  };
}

/** In lists, in the answer to a creation, in lists with details, alone (and then with its groups), and rebuilt. */
export const briefView = view<S>('id name links', values);
export const createdView = view<S>('id links OS-DCF:diskConfig', values);
export const detailView = view<S>(SERVER + USER_DATA, values);
export const serverView = view<S>(`${SERVER + USER_DATA}\n 2.71+ server_groups`, values);
export const rebuiltView = view<S>(`${SERVER}\n 2.71+ server_groups\n 2.54+ key_name\n 2.57+ user_data`, values);
