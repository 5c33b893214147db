/** Lists of servers: query, filters and order. */
import { clientFlag, clientPattern, clientTime } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Server } from '../../records.js';
import { type Caller, callerOf, requireAdmin, type SortKeys, sorted } from '../api.js';
import { anyText, each, isTrue, strict } from '../schemas.js';
import { existing, hasStatus } from './transitions.js';

/** The sort keys of lists, with nova's names. */
const SORT_KEYS: SortKeys<Stored<Server>> = {
  uuid: ({ id }) => id,
  display_name: ({ name }) => name,
  display_description: ({ description }) => description,
  created_at: ({ seq }) => seq,
  updated_at: ({ updatedAt }) => updatedAt,
  launched_at: ({ launchedAt }) => launchedAt,
  vm_state: ({ vm_state }) => vm_state,
  task_state: ({ task }) => task?.state ?? null,
  host: ({ host }) => host,
  user_id: ({ user_id }) => user_id,
  project_id: ({ project_id }) => project_id,
  key_name: ({ key }) => key?.name ?? null,
};

const ofServer = ['name', 'status', 'flavor', 'image', 'host', 'uuid', 'key_name', 'availability_zone'] as const;
const ofOwner = ['user_id', 'project_id', 'tenant_id', 'all_tenants', 'all_projects', 'reservation_id'] as const;
const others = ['changes-since', 'ip', 'ip6', 'deleted', 'limit', 'marker'] as const;
const tags = ['tags', 'tags-any', 'not-tags', 'not-tags-any'] as const;

function parameters(...added: readonly string[]) {
  const sorting = {
    sort_key: { type: 'array', items: { enum: Object.keys(SORT_KEYS) } },
    sort_dir: { type: 'array', items: { enum: ['asc', 'desc'] } },
  } as const;
  const texts = each(anyText, ...ofServer, ...ofOwner, ...others, ...added);
  return { type: 'object', properties: { ...texts, ...sorting } } as const;
}

/** The query of a list, by version. */
export const listQuery = {
  '2.1': parameters(),
  '2.26': parameters(...tags),
  '2.66': parameters(...tags, 'changes-before'),
  '2.73': parameters(...tags, 'changes-before', 'locked'),
  '2.75': strict(parameters(...tags, 'changes-before', 'locked')),
} as const;

/** Returns the servers of a list, in its order; by default newest first. */
export function listServers(cloud: Cloud, request: ActionRequest, policy: 'index' | 'detail'): Stored<Server>[] {
  const asked = request.queryValue('all_tenants') ?? request.queryValue('all_projects');
  const ofAllProjects = asked !== undefined && (asked === '' || clientFlag(asked, { name: 'all_tenants' }));
  if (ofAllProjects) requireAdmin(request, `servers:${policy}:get_all_tenants`);
  const stored = ofAllProjects ? cloud.servers.list() : ownServers(cloud, callerOf(request));
  const filters = filtersOf(request);
  const found = existing(stored).filter((server) => filters.every((filter) => filter(server)));
  const { sort_key = [], sort_dir = ['desc'] } = request.query as { sort_key?: string[]; sort_dir?: string[] };
  return sorted(found, SORT_KEYS, [...sort_key, 'created_at'], sort_dir);
}

/** Returns the servers of the caller's project or, for a token without a project, those that the user created. */
function ownServers({ servers }: Cloud, { projectId, userId }: Caller): Stored<Server>[] {
  return projectId === null ? servers.list().filter((it) => it.user_id === userId) : servers.listOf(projectId);
}

type Filter = (server: Server) => boolean;

/** Returns the filters that the query asks for. */
function filtersOf(request: ActionRequest): Filter[] {
  const { apiVersion } = request;
  const filters: Filter[] = [];
  /** Adds the filter of a parameter if the query has it. */
  const filter = (parameter: string, make: (wanted: string) => Filter): void => {
    const wanted = request.queryValue(parameter);
    if (wanted !== undefined) filters.push(make(wanted));
  };
  filter('name', (pattern) => {
    const search = clientPattern(pattern, { name: 'name' });
    return ({ name }) => search(name);
  });
  filter('status', (status) => (server) => hasStatus(server, status));
  filter('flavor', (id) => (server) => server.flavor.id === id);
  filter('image', (id) => (server) => server.image_id === id);
  // Filters for administrators; ignored for other callers.
  if (callerOf(request).isAdmin) {
    filter('host', (host) => (server) => server.host === host);
    filter('user_id', (id) => (server) => server.user_id === id);
    filter('project_id', (id) => (server) => server.project_id === id);
    filter('tenant_id', (id) => (server) => server.project_id === id);
  }
  filter('reservation_id', (id) => (server) => server.reservation_id === id);
  filter('changes-since', (text) => {
    const time = clientTime(text);
    return ({ updatedAt }) => updatedAt >= time;
  });
  // Servers have no addresses, and the store does not keep deleted ones.
  filter('ip', () => () => false);
  filter('ip6', () => () => false);
  filter('deleted', (wanted) => () => !isTrue(wanted));
  if (apiVersion.atLeast('2.26')) {
    filter('tags', (wanted) => (server) => hasAll(server, wanted));
    filter('tags-any', (wanted) => (server) => hasAny(server, wanted));
    filter('not-tags', (wanted) => (server) => !hasAll(server, wanted));
    filter('not-tags-any', (wanted) => (server) => !hasAny(server, wanted));
  }
  if (apiVersion.atLeast('2.66')) {
    filter('changes-before', (text) => {
      const time = clientTime(text);
      return ({ updatedAt }) => updatedAt < time;
    });
  }
  if (apiVersion.atLeast('2.73'))
    filter('locked', (wanted) => (server) => (server.locked_by !== null) === isTrue(wanted));
  return filters;
}

const hasAll = ({ tags }: Server, wanted: string): boolean => wanted.split(',').every((tag) => tags.includes(tag));
const hasAny = ({ tags }: Server, wanted: string): boolean => wanted.split(',').some((tag) => tags.includes(tag));
