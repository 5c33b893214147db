/** Lists of servers: which ones, and in which order. */
import { runInNewContext } from 'node:vm';
import type { Stored } from '../cloud.js';
import type { Server } from '../records.js';
import { allow, type Call, refuse } from './call.js';
import { type SortKey, sorted } from './pages.js';
import { each, isTrue } from './parameters.js';
import { hasStatus, settled } from './server-states.js';

type S = Stored<Server>;
type Filter = (server: S) => boolean;

const SORT_KEYS: Readonly<Record<string, SortKey<S>>> = {
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

const known =
  `limit marker name status flavor image host user_id project_id tenant_id ip ip6 deleted reservation_id uuid
 key_name availability_zone all_tenants all_projects changes-since`.replace('\n', '');
const tags = 'tags tags-any not-tags not-tags-any';
const list = (schema: object) => ({ type: 'array', items: schema });
const sorting = { sort_key: list({ enum: Object.keys(SORT_KEYS) }), sort_dir: list({ enum: ['asc', 'desc'] }) };
export const query = {
  '2.1': { ...each(known), ...sorting },
  '2.26': { ...each(`${known} ${tags}`), ...sorting },
  '2.66': { ...each(`${known} ${tags} changes-before`), ...sorting },
};

/** The servers a list request asks for, in its order: newest first. */
export function listed(call: Call, policy: string): S[] {
  const asked = call.query('all_tenants') ?? call.query('all_projects');
  const everybodys = asked === '' || isTrue(asked);
  if (everybodys) allow(call, `servers:${policy}:get_all_tenants`);
  const servers = call.cloud.servers.list(everybodys ? undefined : call.who.projectId);
  const here = servers.flatMap((server) => settled(server, call.now) ?? []);
  const filters = Object.entries(FILTERS).flatMap(([name, filter]) => {
    const text = call.query(name);
    const known = (call.within('2.26') || !name.includes('tags')) && (call.who.isAdmin || name !== 'host');
    return text === undefined || !known ? [] : [filter(text)];
  });
  const found = here.filter((server) => filters.every((filter) => filter(server)));
  const [keys, directions] = [[...call.queries('sort_key'), 'created_at'], call.queries('sort_dir')];
  const direction = (index: number) => directions[index] ?? directions.at(-1) ?? 'desc';
  return sorted(
    found,
    keys.map((key, index) => [SORT_KEYS[key]!, direction(index)]),
  );
}

/** What the parameters of a list look for. */
const FILTERS: Readonly<Record<string, (text: string) => Filter>> = {
  name: matches,
  status: (text) => (server) => hasStatus(server, text),
  flavor: (text) => (server) => server.flavor.id === text,
  image: (text) => (server) => server.image_id === text,
  host: (text) => (server) => server.host === text,
  reservation_id: (text) => (server) => server.reservation_id === text,
  'changes-since': (text) => after(text),
  'changes-before': (text) => (server) => !after(text)(server),
  tags: (text) => (server) => text.split(',').every((tag) => server.tags.includes(tag)),
  'tags-any': (text) => (server) => text.split(',').some((tag) => server.tags.includes(tag)),
  'not-tags': (text) => (server) => !text.split(',').every((tag) => server.tags.includes(tag)),
  'not-tags-any': (text) => (server) => !text.split(',').some((tag) => server.tags.includes(tag)),
};

function after(text: string): Filter {
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(time)) refuse(400, `Invalid time: ${text}`);
  return ({ updatedAt }) => updatedAt >= time;
}

/** A client's regular expression, found anywhere in the name; with a bound on its length and on its time. */
function matches(pattern: string): Filter {
  if (pattern.length > 255) refuse(400, 'name is longer than 255 characters');
  return ({ name }) => {
    try {
      return runInNewContext('new RegExp(pattern).test(name)', { pattern, name }, { timeout: 50 }) as boolean;
    } catch {
      return refuse(400, 'name is no regular expression, or one that takes too long');
    }
  };
}
