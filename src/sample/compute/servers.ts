/** Servers, their metadata and their tags. */
import { randomBytes } from 'node:crypto';
import { Reply } from 'portico/routing';
import type { Stored } from '../cloud.js';
import { microTime } from '../names.js';
import type { Action, Server } from '../records.js';
import { type Call, reads, refuse, writes } from './call.js';
import { view } from './fields.js';
import { KeyValues } from './key-values.js';
import { page } from './pages.js';
import { description, isTrue, name, object } from './parameters.js';
import { createServers, type NewServer, newServer, tag } from './server-create.js';
import { listed, query } from './server-list.js';
import { during, settled } from './server-states.js';
import { briefView, createdView, detailView, serverView } from './server-view.js';

/** The server the path names, as it is now. 404: there is none, or it is somebody else's. */
export function serverOf({ args, cloud, now, who }: Call): Stored<Server> {
  const id = args.server_id ?? args.id!;
  const stored = cloud.servers.get(id);
  const server = stored && settled(stored, now);
  const mine = server !== undefined && (who.isAdmin || server.project_id === who.projectId);
  return mine ? server : refuse(404, `Instance ${id} could not be found.`);
}

/** The same, to be changed: 409 for everybody but administrators while it is locked. */
export function unlocked(call: Call): Stored<Server> {
  const server = serverOf(call);
  return server.locked_by === null || call.who.isAdmin ? server : refuse(409, `Instance ${server.id} is locked`);
}

/** The server the path names, changed. */
function change(call: Call, changes: Partial<Server>): Stored<Server> {
  const server = { ...unlocked(call), ...changes };
  return call.cloud.servers.update(server.id, server);
}

/** For a server whose maker did not choose one. */
export const newPassword = (): string => randomBytes(9).toString('base64url');

const addresses = {
  'accessIPv4?': { type: 'string', format: 'ipv4' },
  'accessIPv6?': { type: 'string', format: 'ipv6' },
};
const described = { 'name?': name, ...addresses, 'description?': description };
const { 'description?': _later, ...changed } = described;
const updating = {
  body: { '2.1': object({ server: object(changed) }), '2.19': object({ server: object(described) }) },
};

export class Servers {
  readonly index = reads({ query }, (call) => page(call, 'servers', listed(call, 'index'), briefView, 'id'));
  readonly detail = reads({ query }, (call) => page(call, 'servers', listed(call, 'detail'), detailView, 'id'));
  readonly show = reads({}, (call) => ({ server: serverView(serverOf(call), call) }));
  readonly create = writes<NewServer>({ status: 202, body: newServer }, (call) => {
    const {
      security_groups = [{ name: 'default' }],
      adminPass = newPassword(),
      return_reservation_id,
    } = call.body.server;
    const first = createServers(call)[0]!;
    if (isTrue(return_reservation_id)) return { reservation_id: first.reservation_id };
    const server = { ...createdView(first, call), adminPass, security_groups };
    return new Reply({ server }, { status: 202, headers: { Location: call.href('/servers/{id}', first) } });
  });
  readonly update = writes<{ server: Partial<Server> }>(updating, (call) => {
    const server = { ...serverOf(call), ...call.body.server, updatedAt: call.now };
    return { server: serverView(call.cloud.servers.update(server.id, server), call, 'change') };
  });
  readonly delete = writes({ status: 204 }, (call) => {
    call.record('delete', change(call, { task: during(call, 'deleting', 'deleted') }));
  });
}

export const serverMetadata = new KeyValues({
  all: 'metadata',
  one: 'meta',
  types: ['string'],
  deleted: 204,
  read: (call) => serverOf(call).metadata,
  store: (call, values) => {
    if (Object.keys(values).length > 128) refuse(403, 'Maximum number of metadata items exceeds 128');
    change(call, { metadata: values as Record<string, string> });
  },
});

const tagging = { from: '2.26' };
const manyTags = { body: { '2.26': object({ tags: { type: 'array', items: tag, maxItems: 50 } }) } };

export class Tags {
  readonly index = reads(tagging, (call) => ({ tags: serverOf(call).tags }));
  readonly updateAll = writes<{ tags: string[] }>(manyTags, (call) => {
    return { tags: change(call, { tags: [...new Set(call.body.tags)] }).tags };
  });
  readonly deleteAll = writes({ ...tagging, status: 204 }, (call) => void change(call, { tags: [] }));
  readonly show = reads({ ...tagging, status: 204 }, (call) => void this.#known(call));
  readonly update = writes(tagging, (call) => {
    const [{ tags, id: server_id }, added] = [serverOf(call), call.args.id!];
    if (tags.includes(added)) return new Reply(null, { status: 204 });
    if (!/^[^,/]{1,60}$/.test(added) || tags.length >= 50) refuse(400, `The tag ${added} cannot be added.`);
    change(call, { tags: [...tags, added] });
    const Location = call.href('/servers/{server_id}/tags/{id}', { server_id, id: added });
    return new Reply(null, { status: 201, headers: { Location } });
  });
  readonly delete = writes({ ...tagging, status: 204 }, (call) => {
    change(call, { tags: this.#known(call).filter((tag) => tag !== call.args.id) });
  });

  #known(call: Call): string[] {
    const { tags, id } = serverOf(call);
    return tags.includes(call.args.id!) ? tags : refuse(404, `Server ${id} has no tag '${call.args.id}'`);
  }
}

const actionView = view<Action>(
  'action instance_uuid request_id user_id project_id message start_time \n 2.58+ updated_at=start_time',
  ({ startedAt }) => ({ message: null, start_time: microTime(startedAt) }),
);

/** What can only be looked at; most of it is empty here. */
export class ServerParts {
  readonly ips = reads({}, (call) => serverOf(call) && { addresses: {} });
  readonly interfaces = reads({}, (call) => serverOf(call) && { interfaceAttachments: [] });
  readonly volumes = reads({}, (call) => serverOf(call) && { volumeAttachments: [] });
  readonly securityGroups = reads({}, (call) => serverOf(call) && { security_groups: [] });
  readonly actions = reads({}, (call) => {
    const actions = call.cloud.actions.list(serverOf(call).id).toReversed();
    return { instanceActions: actions.map((action) => actionView(action, call)) };
  });
}
