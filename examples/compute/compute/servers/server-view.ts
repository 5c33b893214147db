/** The JSON forms of servers. */
import { isoMicros, isoSeconds, type ResourceLink, resourceLinks } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import { hostId, hostName, instanceName } from '../../names.js';
import type { Server } from '../../records.js';
import { callerOf } from '../api.js';
import type { Surroundings } from '../hosts/compute-hosts.js';
import { powerState, statusOf, taskState } from './transitions.js';

type View = Record<string, unknown>;

/** A server in a list without details. */
export function serverReference(request: ActionRequest, { id, name }: Server) {
  return { id, name, links: linksOf(request, id) };
}

/** A server with all its members, in a list. */
export function serverDetail(around: Surroundings, request: ActionRequest, server: Stored<Server>): View {
  const { user_data } = server;
  const showsData = callerOf(request).isAdmin && request.apiVersion.atLeast('2.3');
  return {
    ...basicView(request, server),
    ...extensions(around, request, server),
    ...(showsData && { 'OS-EXT-SRV-ATTR:user_data': user_data }),
  };
}

/** A single server with all its members: from 2.71 on also its groups. */
export function serverView(around: Surroundings, request: ActionRequest, server: Stored<Server>): View {
  return { ...serverDetail(around, request, server), ...groups(around, request, server) };
}

/** The response to a change. Below 2.75 it lacks the members that were extensions in nova. */
export function changedServerView(around: Surroundings, request: ActionRequest, server: Stored<Server>): View {
  if (request.apiVersion.atLeast('2.75')) return serverView(around, request, server);
  return { ...basicView(request, server), ...groups(around, request, server) };
}

/** The response to a rebuild: like the one to a change, but with the password, from 2.54 on the key, and from 2.57 on the user data. */
export function rebuiltServerView(
  around: Surroundings,
  request: ActionRequest,
  server: Stored<Server>,
  adminPass: string,
): View {
  const { apiVersion } = request;
  const { key, user_data } = server;
  return {
    ...basicView(request, server),
    ...(apiVersion.atLeast('2.75') && extensions(around, request, server)),
    ...groups(around, request, server),
    ...(apiVersion.atLeast('2.54') && { key_name: key?.name ?? null }),
    ...(apiVersion.atLeast('2.57') && { user_data }),
    adminPass,
  };
}

function linksOf(request: ActionRequest, id: string): ResourceLink[] {
  return resourceLinks(request, 'server', { id });
}

function bookmark(request: ActionRequest, route: 'image' | 'flavor', id: string) {
  const [, link] = resourceLinks(request, route, { id });
  return { id, links: [link] };
}

function basicView(request: ActionRequest, server: Stored<Server>): View {
  const { apiVersion } = request;
  const { fault, description, tags, locked_reason } = server;
  const status = statusOf(server);
  const updated = isoSeconds(server.updatedAt);
  return {
    id: server.id,
    name: server.name,
    status,
    tenant_id: server.project_id,
    user_id: server.user_id,
    metadata: server.metadata,
    hostId: hostId(server),
    image: bookmark(request, 'image', server.image_id),
    created: isoSeconds(server.createdAt),
    updated,
    addresses: {},
    links: linksOf(request, server.id),
    accessIPv4: server.accessIPv4,
    accessIPv6: server.accessIPv6,
    ...(['ACTIVE', 'BUILD', 'REBUILD'].includes(status) && { progress: 0 }),
    ...(status === 'ERROR' && fault !== null && { fault: { code: 500, created: updated, message: fault } }),
    'OS-DCF:diskConfig': 'MANUAL',
    flavor: apiVersion.atLeast('2.47') ? flavorOf(server) : bookmark(request, 'flavor', server.flavor.id),
    ...(apiVersion.atLeast('2.9') && { locked: server.locked_by !== null }),
    ...(apiVersion.atLeast('2.19') && { description }),
    ...(apiVersion.atLeast('2.26') && { tags }),
    ...(apiVersion.atLeast('2.63') && { trusted_image_certificates: null }),
    ...(apiVersion.atLeast('2.73') && { locked_reason }),
  };
}

/** The flavor's members at the time the server was created. */
function flavorOf({ flavor }: Server) {
  return {
    vcpus: flavor.vcpus,
    ram: flavor.ram,
    disk: flavor.disk,
    ephemeral: flavor['OS-FLV-EXT-DATA:ephemeral'],
    swap: flavor.swap,
    original_name: flavor.name,
    extra_specs: flavor.extra_specs,
  };
}

/** Members that were extensions in nova: zone and states and, for administrators, the host. */
function extensions({ hostStatus }: Surroundings, request: ActionRequest, server: Stored<Server>): View {
  const { apiVersion } = request;
  const { host, launchedAt } = server;
  const ofAll = {
    key_name: server.key?.name ?? null,
    config_drive: server.config_drive,
    'os-extended-volumes:volumes_attached': [],
    'OS-EXT-AZ:availability_zone': host === null ? '' : server.zone,
    'OS-EXT-STS:vm_state': server.vm_state,
    'OS-EXT-STS:task_state': taskState(server),
    'OS-EXT-STS:power_state': powerState(server),
    'OS-SRV-USG:launched_at': launchedAt === null ? null : isoMicros(launchedAt),
    'OS-SRV-USG:terminated_at': null,
  };
  if (!callerOf(request).isAdmin) return ofAll;
  return {
    ...ofAll,
    'OS-EXT-SRV-ATTR:host': host,
    'OS-EXT-SRV-ATTR:hypervisor_hostname': host,
    'OS-EXT-SRV-ATTR:instance_name': instanceName(server),
    ...(apiVersion.atLeast('2.3') && {
      'OS-EXT-SRV-ATTR:reservation_id': server.reservation_id,
      'OS-EXT-SRV-ATTR:launch_index': server.launch_index,
      'OS-EXT-SRV-ATTR:hostname': hostName(server),
      'OS-EXT-SRV-ATTR:root_device_name': '/dev/vda',
      'OS-EXT-SRV-ATTR:kernel_id': '',
      'OS-EXT-SRV-ATTR:ramdisk_id': '',
    }),
    ...(apiVersion.atLeast('2.16') && { host_status: host === null ? '' : hostStatus(host) }),
  };
}

function groups({ cloud }: Surroundings, { apiVersion }: ActionRequest, { group_id }: Server): View {
  if (!apiVersion.atLeast('2.71')) return {};
  const group = group_id === null ? undefined : cloud.groups.get(group_id);
  return { server_groups: group === undefined ? [] : [group.id] };
}
