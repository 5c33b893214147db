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
  const view = basicView(request, server);
  addExtensions(view, around, request, server);
  addUserData(view, request, server);
  return view;
}

/** A single server with all its members: from 2.71 on also its groups. */
export function serverView(around: Surroundings, request: ActionRequest, server: Stored<Server>): object {
  const view = serverDetail(around, request, server);
  addGroups(view, around, request, server);
  return view;
}

/** The response to a change. Below 2.75 it lacks the members that were extensions in nova. */
export function changedServerView(around: Surroundings, request: ActionRequest, server: Stored<Server>): object {
  const view = basicView(request, server);
  if (request.apiVersion.atLeast('2.75')) {
    addExtensions(view, around, request, server);
    addUserData(view, request, server);
  }
  addGroups(view, around, request, server);
  return view;
}

/** The response to a rebuild: like the one to a change, but with the password, from 2.54 on the key, and from 2.57 on the user data. */
export function rebuiltServerView(
  around: Surroundings,
  request: ActionRequest,
  server: Stored<Server>,
  adminPass: string,
): object {
  const { apiVersion } = request;
  const view = basicView(request, server);
  if (apiVersion.atLeast('2.75')) addExtensions(view, around, request, server);
  addGroups(view, around, request, server);
  if (apiVersion.atLeast('2.54')) view.key_name = server.key?.name ?? null;
  if (apiVersion.atLeast('2.57')) view.user_data = server.user_data;
  view.adminPass = adminPass;
  return view;
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
  const status = statusOf(server);
  const updated = isoSeconds(server.updatedAt);
  const view: View = {
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
  };
  if (['ACTIVE', 'BUILD', 'REBUILD'].includes(status)) view.progress = 0;
  if (status === 'ERROR' && server.fault !== null) view.fault = { code: 500, created: updated, message: server.fault };
  view['OS-DCF:diskConfig'] = 'MANUAL';
  if (!apiVersion.atLeast('2.47')) view.flavor = bookmark(request, 'flavor', server.flavor.id);
  if (apiVersion.atLeast('2.9')) view.locked = server.locked_by !== null;
  if (apiVersion.atLeast('2.19')) view.description = server.description;
  if (apiVersion.atLeast('2.26')) view.tags = server.tags;
  if (apiVersion.atLeast('2.47')) view.flavor = flavorOf(server);
  if (apiVersion.atLeast('2.63')) view.trusted_image_certificates = null;
  if (apiVersion.atLeast('2.73')) view.locked_reason = server.locked_reason;
  return view;
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

/** Adds members that were extensions in nova: zone and states and, for administrators, the host. */
function addExtensions(view: View, { hostStatus }: Surroundings, request: ActionRequest, server: Stored<Server>): void {
  const { apiVersion } = request;
  const { host } = server;
  view.key_name = server.key?.name ?? null;
  view.config_drive = server.config_drive;
  view['os-extended-volumes:volumes_attached'] = [];
  view['OS-EXT-AZ:availability_zone'] = host === null ? '' : server.zone;
  view['OS-EXT-STS:vm_state'] = server.vm_state;
  view['OS-EXT-STS:task_state'] = taskState(server);
  view['OS-EXT-STS:power_state'] = powerState(server);
  view['OS-SRV-USG:launched_at'] = server.launchedAt === null ? null : isoMicros(server.launchedAt);
  view['OS-SRV-USG:terminated_at'] = null;
  if (!callerOf(request).isAdmin) return;
  view['OS-EXT-SRV-ATTR:host'] = host;
  view['OS-EXT-SRV-ATTR:hypervisor_hostname'] = host;
  view['OS-EXT-SRV-ATTR:instance_name'] = instanceName(server);
  if (apiVersion.atLeast('2.3')) {
    view['OS-EXT-SRV-ATTR:reservation_id'] = server.reservation_id;
    view['OS-EXT-SRV-ATTR:launch_index'] = server.launch_index;
    view['OS-EXT-SRV-ATTR:hostname'] = hostName(server);
    view['OS-EXT-SRV-ATTR:root_device_name'] = '/dev/vda';
    view['OS-EXT-SRV-ATTR:kernel_id'] = '';
    view['OS-EXT-SRV-ATTR:ramdisk_id'] = '';
  }
  if (apiVersion.atLeast('2.16')) view.host_status = host === null ? '' : hostStatus(host);
}

function addUserData(view: View, request: ActionRequest, { user_data }: Server): void {
  const isShown = callerOf(request).isAdmin && request.apiVersion.atLeast('2.3');
  if (isShown) view['OS-EXT-SRV-ATTR:user_data'] = user_data;
}

function addGroups(view: View, { cloud }: Surroundings, { apiVersion }: ActionRequest, { group_id }: Server): void {
  if (!apiVersion.atLeast('2.71')) return;
  const group = group_id === null ? undefined : cloud.groups.get(group_id);
  view.server_groups = group === undefined ? [] : [group.id];
}
