/** Server groups, whose policies place servers on one host or on different hosts. */
import { randomUUID } from 'node:crypto';
import { pageRequest } from 'portico/openstack';
import { type ActionRequest, type Args, action } from 'portico/routing';
import type { Cloud } from '../cloud.js';
import type { Group, Server } from '../records.js';
import { Controller, callerOf, maySee, projectOf, refuse } from './api.js';
import { exceeds, quotasOf } from './project-quotas.js';
import { closed, name, positiveNumber, query, queryByVersion } from './schemas.js';
import { existing } from './servers/transitions.js';

const listQuery = queryByVersion(query('all_projects', 'limit', 'offset'));

const HARD = ['affinity', 'anti-affinity'] as const;
const ALL = [...HARD, 'soft-affinity', 'soft-anti-affinity'] as const;
const onePolicy = { type: 'array', minItems: 1, maxItems: 1 } as const;
const rules = closed({ max_server_per_host: positiveNumber });
const hardGroup = closed({ name, policies: { ...onePolicy, items: { enum: HARD } } }, 'name', 'policies');
const softGroup = closed({ name, policies: { ...onePolicy, items: { enum: ALL } } }, 'name', 'policies');
/** From 2.64 on, a group has one policy, and rules. */
const ruledGroup = closed({ name, policy: { enum: ALL }, rules }, 'name', 'policy');
const body = {
  '2.1': closed({ server_group: hardGroup }, 'server_group'),
  '2.15': closed({ server_group: softGroup }, 'server_group'),
  '2.64': closed({ server_group: ruledGroup }, 'server_group'),
} as const;

export class ServerGroups extends Controller {
  readonly index = action({ query: listQuery }, (request) => {
    const { isAdmin, projectId } = callerOf(request);
    const { offset, limit } = pageRequest(request, { maxLimit: this.settings.maxLimit, offset: true });
    return this.cloud.read(() => {
      const ofAllProjects = isAdmin && request.queryValue('all_projects') !== undefined;
      const own = projectId === null ? [] : this.cloud.groups.listOf(projectId);
      const groups = ofAllProjects ? this.cloud.groups.list() : own;
      return {
        server_groups: groups.slice(offset, offset + limit).map((group) => groupView(this.cloud, request, group)),
      };
    });
  });

  show(request: ActionRequest, { id }: Args) {
    return this.cloud.read(() => ({
      server_group: groupView(this.cloud, request, findGroup(this.cloud, request, String(id))),
    }));
  }

  readonly create = action({ body }, (request) => {
    const { userId: user_id } = callerOf(request);
    const project_id = projectOf(request, 'os-server-groups:create');
    const { name, policies, policy = policies?.[0] ?? '', rules = {} } = request.body.server_group;
    if (Object.keys(rules).length > 0 && policy !== 'anti-affinity') {
      refuse(400, 'Only anti-affinity policy supports rules.');
    }
    return this.cloud.write(() => {
      const count = this.cloud.groups.listOf(project_id).length;
      const { server_groups } = quotasOf(this.cloud, project_id);
      if (exceeds(count + 1, server_groups)) refuse(403, 'Quota exceeded, too many server groups.');
      const group: Group = { id: randomUUID(), name, project_id, user_id, policy, rules };
      return { server_group: groupView(this.cloud, request, this.cloud.groups.insert(group.id, group, project_id)) };
    });
  });

  readonly delete = action({ status: 204 }, (request, { id }) => {
    this.cloud.write(() => this.cloud.groups.delete(findGroup(this.cloud, request, String(id)).id));
  });
}

/** Returns the servers of a group, without deleted ones. */
export function membersOf(cloud: Cloud, groupId: string): Server[] {
  return existing(cloud.servers.list()).filter(({ group_id }) => group_id === groupId);
}

/**
 * Returns the group with this id. 404 if there is none or it belongs to another project; 403 for callers without a project.
 * Administrators see all groups.
 */
function findGroup(cloud: Cloud, request: ActionRequest, id: string): Group {
  const isSeen = maySee(request, 'os-server-groups:show');
  const group = cloud.groups.get(id);
  return group !== undefined && isSeen(group) ? group : refuse(404, `Instance group ${id} could not be found.`);
}

function groupView(cloud: Cloud, { apiVersion }: ActionRequest, group: Group) {
  const { id, name, policy, rules, project_id, user_id } = group;
  return {
    id,
    name,
    members: membersOf(cloud, id).map((server) => server.id),
    ...(!apiVersion.atLeast('2.64') && { policies: [policy], metadata: {} }),
    ...(apiVersion.atLeast('2.13') && { project_id, user_id }),
    ...(apiVersion.atLeast('2.64') && { policy, rules }),
  };
}
