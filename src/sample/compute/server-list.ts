/** Lists of servers: which ones, and in which order. */
import { runInNewContext } from 'node:vm';
import type { Stored } from '../cloud.js';
import type { Server } from '../records.js';
import { allow, type Call, refuse } from './call.js';
import { type SortKey, sorted } from './pages.js';
import { anyText, isTrue, parameters } from './parameters.js';
import { hasStatus, powerState, settled, taskState } from './server-states.js';

type S = Stored<Server>;

const KEYS: Record<string, SortKey<S>> = {
  ...{ uuid: ({ id }) => id, display_name: ({ name }) => name, display_description: (it) => it.description },
  ...{ created_at: ({ seq }) => seq, updated_at: (it) => it.updatedAt, launched_at: (it) => it.launchedAt },
  ...{ vm_state: (it) => it.vm_state, task_state: (it) => taskState(it, it.updatedAt), power_state: powerState },
  ...{
    host: (it) => it.host,
    node: (it) => it.host,
    availability_zone: (it) => it.zone,
    key_name: (it) => it.key?.name ?? null,
  },
  ...{ user_id: (it) => it.user_id, project_id: (it) => it.project_id, image_ref: (it) => it.image_id },
  ...{ locked: (it) => Number(it.locked_by !== null), launch_index: (it) => it.launch_index },
};

const known = `limit marker name status flavor image host all_tenants all_projects changes-since user_id project_id
 tenant_id ip ip6 deleted reservation_id uuid key_name availability_zone`.replaceAll('\n', '');
const sorting = {
  sort_key: { type: 'array', items: { enum: Object.keys(KEYS) } },
  sort_dir: { type: 'array', items: anyText },
};
const tagged = `${known} tags tags-any not-tags not-tags-any`;
export const query = {
  '2.1': parameters(known, sorting),
  '2.26': parameters(tagged, sorting),
  '2.66': parameters(`${tagged} changes-before`, sorting),
};

/** The servers a list request asks for, in its order: newest first. */
export function listed(call: Call, policy: string): S[] {
  const asked = call.query('all_tenants') ?? call.query('all_projects');
  const everybodys = asked === '' || isTrue(asked);
  if (everybodys) allow(call, `servers:${policy}:get_all_tenants`);
  const servers = call.cloud.servers.list(everybodys ? undefined : call.who.projectId);
  const here = servers.flatMap((server) => settled(server, call.now) ?? []);
  const found = filters(call).reduce((rest, filter) => rest.filter(filter), here);
  const [keys, directions] = [[...call.queries('sort_key'), 'created_at'], call.queries('sort_dir')];
  return sorted(
    found,
    keys.map((key, index) => [KEYS[key]!, directions[index] ?? directions.at(-1) ?? 'desc'] as const),
  );
}

type Filter = (server: S) => boolean;

/** The filters of the query; others than administrators have some of them only. */
function filters(call: Call): Filter[] {
  const { isAdmin } = call.who;
  const tags = (make: (wanted: string[]) => Filter) => (text: string) =>
    call.within('2.26') ? make(text.split(',')) : () => true;
  const exact = (key: SortKey<S>) => (text: string) => (isAdmin ? (server: S) => key(server) === text : () => true);
  const known: Record<string, (text: string) => Filter> = {
    name: matches,
    status: (text) => (server) => hasStatus(server, text),
    flavor: (text) => (server) => server.flavor.id === text,
    image: (text) => (server) => server.image_id === text,
    ...{ host: exact(KEYS.host!), user_id: exact(KEYS.user_id!), project_id: exact(KEYS.project_id!) },
    reservation_id: (text) => (server) => server.reservation_id === text,
    'changes-since': (text) => (server) => server.updatedAt >= timeOf(text),
    'changes-before': (text) => (server) => server.updatedAt <= timeOf(text),
    tags: tags((wanted) => (server) => wanted.every((tag) => server.tags.includes(tag))),
    'tags-any': tags((wanted) => (server) => wanted.some((tag) => server.tags.includes(tag))),
    'not-tags': tags((wanted) => (server) => !wanted.every((tag) => server.tags.includes(tag))),
    'not-tags-any': tags((wanted) => (server) => !wanted.some((tag) => server.tags.includes(tag))),
  };
  return Object.entries(known).flatMap(([name, make]) => {
    const text = call.query(name);
    return text === undefined ? [] : [make(text)];
  });
}

function timeOf(text: string): number {
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time) ? refuse(400, `Invalid time: ${text}`) : time;
}

/** A client's regular expression, found anywhere in the name; with a bound on its length and on its time. */
function matches(pattern: string): Filter {
  const refused = () => refuse(400, 'name is no regular expression, or one that takes too long');
  if (pattern.length > 255) refused();
  return ({ name }) => {
    try {
      return runInNewContext('new RegExp(pattern).test(name)', { pattern, name }, { timeout: 50 }) as boolean;
    } catch {
      return refused();
    }
  };
}
