/** Lists of servers: which ones, and in which order. */
import { clientPattern, clientTime, isTrue, listOf, members, sortKeys } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../records.js';
import { allow, type Call } from './call.js';
import { hasStatus, settled } from './server-states.js';

/** What lists are sorted by. */
const order = sortKeys<Stored<Server>>(
  `uuid=id display_name=name display_description=description created_at=seq updated_at=updatedAt launched_at=launchedAt
   vm_state task_state=task.state host user_id project_id key_name=key.name`,
);
export const query = {
  '2.1': {
    ...members('limit marker name status flavor image host user_id project_id tenant_id ip ip6 deleted reservation_id'),
    ...members('uuid key_name availability_zone all_tenants all_projects changes-since'),
    sort_key: listOf({ enum: order.names }),
    sort_dir: listOf({ enum: ['asc', 'desc'] }),
  },
  '2.26': members('tags tags-any not-tags not-tags-any'),
  '2.66': members('changes-before'),
  '2.73': members('locked'),
};

type Filter = (server: Server) => boolean;

/** What the parameters of a list look for, by the version that knows them. */
const FILTERS: Readonly<Record<string, Readonly<Record<string, (text: string) => Filter>>>> = {
  '2.1': {
    name: matches,
    status: (text) => (server) => hasStatus(server, text),
    flavor: (text) => (server) => server.flavor.id === text,
    image: (text) => (server) => server.image_id === text,
    host: (text) => (server) => server.host === text,
    reservation_id: (text) => (server) => server.reservation_id === text,
    'changes-since': after,
    // There are no addresses, and what was deleted is forgotten.
    ip: () => () => false,
    ip6: () => () => false,
    deleted: (text) => () => !isTrue(text),
  },
  '2.26': {
    tags: hasAll,
    'tags-any': hasAny,
    'not-tags': (text) => not(hasAll(text)),
    'not-tags-any': (text) => not(hasAny(text)),
  },
  '2.66': { 'changes-before': (text) => not(after(text)) },
  '2.73': { locked: (text) => (server) => (server.locked_by !== null) === isTrue(text) },
};

/** The servers a list request asks for, in its order: newest first. */
export function listed(call: Call, policy: string): Stored<Server>[] {
  const asked = call.queryValue('all_tenants') ?? call.queryValue('all_projects');
  const everybodys = asked === '' || isTrue(asked);
  if (everybodys) allow(call, `servers:${policy}:get_all_tenants`);
  const servers = call.cloud.servers.list(everybodys ? undefined : call.who.projectId);
  const here = servers.flatMap((server) => settled(server, call.now) ?? []);
  const known = Object.entries(FILTERS).filter(([since]) => call.apiVersion.atLeast(since));
  const filters = known
    .flatMap(([, since]) => Object.entries(since))
    .flatMap(([name, filter]) => {
      const text = name === 'host' && !call.who.isAdmin ? undefined : call.queryValue(name);
      return text === undefined ? [] : [filter(text)];
    });
  const found = here.filter((server) => filters.every((filter) => filter(server)));
  const { sort_key = [], sort_dir = ['desc'] } = call.query as Record<string, string[] | undefined>;
  return order.sort(found, [...sort_key, 'created_at'], sort_dir);
}

function hasAll(tags: string): Filter {
  return (server) => tags.split(',').every((tag) => server.tags.includes(tag));
}

function hasAny(tags: string): Filter {
  return (server) => tags.split(',').some((tag) => server.tags.includes(tag));
}

function not(filter: Filter): Filter {
  return (server) => !filter(server);
}

function after(text: string): Filter {
  const time = clientTime(text);
  return ({ updatedAt }) => updatedAt >= time;
}

/** A regular expression, found anywhere in the name. */
function matches(pattern: string): Filter {
  const search = clientPattern(pattern, { name: 'name' });
  return ({ name }) => search(name);
}
