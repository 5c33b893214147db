/** Lists of servers: which ones, and in which order. */
import { clientFlag, clientPattern, clientTime } from 'portico/openstack';
import { isTrue, listOf, members, type QueryFilter, queryFilters, sortKeys, tagFilters } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../records.js';
import { allow, type Call } from './call.js';
import { hasStatus, settled } from './server-states.js';

/** What lists are sorted by. */
const order = sortKeys<Stored<Server>>(
  `uuid=id display_name=name display_description=description created_at=seq updated_at=updatedAt launched_at=launchedAt
   vm_state task_state=task.state host user_id project_id key_name=key.name`,
);

type Filter = QueryFilter<Stored<Server>, Call>;
const changedSince: Filter = (text) => {
  const time = clientTime(text);
  return ({ updatedAt }) => updatedAt >= time;
};
/** Administrators filter by it; others are not asked what they want. */
const forAdmins =
  (member: 'host' | 'user_id' | 'project_id'): Filter =>
  (text, { who }) =>
  (server) =>
    !who.isAdmin || server[member] === text;

/** What the parameters look for, by the version that knows them. */
const filters = queryFilters<Stored<Server>, Call>({
  '2.1': {
    name: (text) => {
      const search = clientPattern(text, { name: 'name' });
      return ({ name }) => search(name);
    },
    status: (text) => (server) => hasStatus(server, text),
    flavor: (text) => (server) => server.flavor.id === text,
    image: (text) => (server) => server.image_id === text,
    host: forAdmins('host'),
    user_id: forAdmins('user_id'),
    project_id: forAdmins('project_id'),
    tenant_id: forAdmins('project_id'),
    reservation_id: (text) => (server) => server.reservation_id === text,
    'changes-since': changedSince,
    // There are no addresses, and what was deleted is forgotten.
    ip: () => () => false,
    ip6: () => () => false,
    deleted: (text) => () => !isTrue(text),
  },
  '2.26': tagFilters<Server>(({ tags }) => tags),
  '2.66': { 'changes-before': (text, call) => (server) => !changedSince(text, call)(server) },
  '2.73': { locked: (text) => (server) => (server.locked_by !== null) === isTrue(text) },
});

const sorting = { sort_key: listOf({ enum: order.names }), sort_dir: listOf({ enum: ['asc', 'desc'] }) };
const others = members('limit marker uuid key_name availability_zone all_tenants all_projects');
export const query = { ...filters.members, '2.1': { ...filters.members['2.1'], ...others, ...sorting } };

/** The servers a list request asks for, in its order: newest first. */
export function listed(call: Call, policy: string): Stored<Server>[] {
  const asked = call.queryValue('all_tenants') ?? call.queryValue('all_projects');
  const everybodys = asked !== undefined && (asked === '' || clientFlag(asked, { name: 'all_tenants' }));
  if (everybodys) allow(call, `servers:${policy}:get_all_tenants`);
  const servers = call.cloud.servers.list(everybodys ? undefined : call.who.projectId);
  const here = servers.flatMap((server) => settled(server, call.now) ?? []);
  const { sort_key = [], sort_dir = ['desc'] } = call.query as Record<string, string[] | undefined>;
  return order.sort(filters.select(call, here), [...sort_key, 'created_at'], sort_dir);
}
