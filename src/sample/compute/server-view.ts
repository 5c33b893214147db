/** How a server looks to its clients. */
import { bookmarkUrl, isoMicros, isoSeconds, resourceLinks } from 'portico/openstack';
import { view } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import { hostId, hostName, instanceName } from '../names.js';
import type { Server } from '../records.js';
import type { Call } from './call.js';
import { powerState, status, taskState } from './server-states.js';

/** Below 2.75 the answers to changes leave out what nova had added to the others as extensions. */
const SERVER = `id name status tenant_id=project_id user_id metadata hostId image created updated addresses={} links
  accessIPv4 accessIPv6 progress fault OS-DCF:diskConfig="MANUAL"
  -2.46 flavor=flavorReference
  2.9+ locked
  2.19+ description
  2.26+ tags
  2.47+ flavor=flavorMembers
  2.63+ trusted_image_certificates=null
  2.73+ locked_reason
  change2.75+ key_name=key.name config_drive os-extended-volumes:volumes_attached=[] OS-EXT-AZ:availability_zone=zoneOfHost
  change2.75+ OS-EXT-STS:vm_state=vm_state OS-EXT-STS:task_state=task_state OS-EXT-STS:power_state=power_state
  change2.75+ OS-SRV-USG:launched_at=launched_at OS-SRV-USG:terminated_at=null
  change2.75+ admin OS-EXT-SRV-ATTR:host=host OS-EXT-SRV-ATTR:hypervisor_hostname=host
  change2.75+ admin OS-EXT-SRV-ATTR:instance_name=instance_name
  change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:reservation_id=reservation_id OS-EXT-SRV-ATTR:launch_index=launch_index
  change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:hostname=hostname OS-EXT-SRV-ATTR:root_device_name="/dev/vda"
  change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:kernel_id="" OS-EXT-SRV-ATTR:ramdisk_id=""
  change2.75+ admin 2.16+ host_status`;
const USER_DATA = '\n change2.75+ admin 2.3+ OS-EXT-SRV-ATTR:user_data=user_data';

/** In nova's words; this API runs where its host does. */
function hostStatus({ cloud }: Call): string {
  const host = cloud.services.list().find(({ binary }) => binary === 'nova-compute');
  if (host?.forced_down) return 'DOWN';
  return host?.disabled ? 'MAINTENANCE' : 'UP';
}

/** What is not in the record, or not in that form. */
function worked(server: Stored<Server>, call: Call): object {
  const { id, flavor, host, image_id, updatedAt, launchedAt, group_id } = server;
  const bookmark = (route: string, id: string) => {
    return { id, links: [{ rel: 'bookmark', href: bookmarkUrl(call, route, { id }) }] };
  };
  const { ram, vcpus, disk, swap, extra_specs, name: original_name, 'OS-FLV-EXT-DATA:ephemeral': ephemeral } = flavor;
  const shown = status(server);
  const fault = { code: 500, created: isoSeconds(updatedAt), message: server.fault };
  return {
    status: shown,
    hostId: hostId(server),
    image: bookmark('/images/{id}', image_id),
    flavorReference: bookmark('/flavors/{id}', flavor.id),
    flavorMembers: { vcpus, ram, disk, ephemeral, swap, original_name, extra_specs },
    created: isoSeconds(server.createdAt),
    updated: isoSeconds(updatedAt),
    links: resourceLinks(call, '/servers/{id}', { id }),
    progress: /ACTIVE|BUILD/.test(shown) ? 0 : undefined,
    fault: shown === 'ERROR' && server.fault !== null ? fault : undefined,
    locked: server.locked_by !== null,
    server_groups: call.cloud.groups.get(group_id ?? '') ? [group_id] : [],
    host_status: host === null ? '' : hostStatus(call),
    zoneOfHost: host === null ? '' : server.zone,
    task_state: taskState(server, call.now),
    power_state: powerState(server),
    launched_at: launchedAt === null ? null : isoMicros(launchedAt),
    instance_name: instanceName(server),
    hostname: hostName(server),
  };
}

/** In lists, in the answer to a creation, in lists with details, alone (and then with its groups), and rebuilt. */
export const briefView = view('id name links', worked);
export const createdView = view('id links OS-DCF:diskConfig="MANUAL"', worked);
export const detailView = view(SERVER + USER_DATA, worked);
export const serverView = view(`${SERVER + USER_DATA}\n 2.71+ server_groups`, worked);
export const rebuiltView = view(
  `${SERVER}
   2.71+ server_groups
   2.54+ key_name=key.name
   2.57+ user_data`,
  worked,
);
