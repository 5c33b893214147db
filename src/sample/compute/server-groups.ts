/** Server groups: which servers should be on one host, and which should not. */
import { randomUUID } from 'node:crypto';
import { pageRequest } from 'portico/openstack';
import { listOf, members, object, objectSince, view, wholeNumber } from 'portico/routing';
import type { Group, Server } from '../records.js';
import { type Call, reads, refuse, writes } from './call.js';
import { settled } from './server-states.js';
import { name } from './texts.js';

const groupView = view(
  'id name members \n -2.63 policies metadata={} \n 2.13+ project_id user_id \n 2.64+ policy rules',
  ({ id, policy }: Group, call: Call) => {
    return { members: membersOf(call, id).map((server) => server.id), policies: [policy] };
  },
);

/** The servers of a group that are there. */
export function membersOf({ cloud, now }: Call, groupId: string): Server[] {
  return cloud.servers.list().filter((server) => server.group_id === groupId && settled(server, now) !== undefined);
}

/** The group the path names; 404 for somebody else's. */
function groupOf({ params, cloud, who }: Call): Group {
  const group = cloud.groups.get(params.id!);
  const mine = group !== undefined && (who.isAdmin || group.project_id === who.projectId);
  return mine ? group : refuse(404, `Instance group ${params.id} could not be found.`);
}

const hard = ['affinity', 'anti-affinity'];
const all = [...hard, 'soft-affinity', 'soft-anti-affinity'];
const one = (policies: string[]) => listOf({ enum: policies }, { minItems: 1, maxItems: 1 });
const rules = object({ 'max_server_per_host?': wholeNumber(1) });
const body = objectSince(
  {
    '2.1': { name, policies: one(hard) },
    '2.15': { policies: one(all) },
    '2.64': { policies: null, policy: { enum: all }, 'rules?': rules },
  },
  (server_group) => object({ server_group }),
);
type Asked = { server_group: Pick<Group, 'name'> & Partial<Group> & { policies?: [string] } };

export class ServerGroups {
  readonly index = reads({ query: { '2.1': members('all_projects limit offset') } }, (call) => {
    const everybodys = call.who.isAdmin && call.queryValue('all_projects') !== undefined;
    const groups = call.cloud.groups.list(everybodys ? undefined : call.who.projectId);
    const { offset, limit } = pageRequest(call, { maxLimit: call.settings.maxLimit, offset: true });
    return { server_groups: groups.slice(offset, offset + limit).map((group) => groupView(group, call)) };
  });
  readonly show = reads({}, (call) => ({ server_group: groupView(groupOf(call), call) }));
  readonly create = writes<Asked>({ body }, (call) => {
    const { name, policies, policy = policies![0], rules = {} } = call.body.server_group;
    const { projectId: project_id, userId: user_id } = call.who;
    const ruled = Object.keys(rules).length > 0 && policy !== 'anti-affinity';
    if (ruled) refuse(400, 'Only anti-affinity policy supports rules.');
    const full = call.cloud.groups.list(project_id).length >= call.settings.quotaServerGroups;
    if (full) refuse(403, 'Quota exceeded, too many server groups.');
    const group = { id: randomUUID(), name, project_id, user_id, policy, rules };
    return { server_group: groupView(call.cloud.groups.insert(group.id, group, project_id), call) };
  });
  readonly delete = writes({ status: 204 }, (call) => call.cloud.groups.delete(groupOf(call).id));
}
