/** Servers, and what belongs to them. */
import { randomBytes } from 'node:crypto';
import { Reply } from 'portico/routing';
import type { Stored } from '../cloud.js';
import { microTime } from '../names.js';
import type { Action, Server } from '../records.js';
import { type Call, reads, refuse, writes } from './call.js';
import { since, view } from './fields.js';
import { KeyValues } from './key-values.js';
import { page } from './pages.js';
import { description, isTrue, name, object } from './parameters.js';
import { createServers, type NewServer, newServer, tag } from './server-create.js';
import { listed, query } from './server-list.js';
import { during, settled } from './server-states.js';
import { briefView, createdView, oneServer, serverView } from './server-view.js';

/** The server the path names, as it is now. 404: there is none, or it is somebody else's. */
export function serverOf(call: Call): Stored<Server> {
  const id = call.args.server_id ?? call.args.id!;
  const server = settled(call.cloud.servers.get(id) ?? refuse(404, `Instance ${id} could not be found.`), call.now);
  const mine = server !== undefined && (call.who.isAdmin || server.project_id === call.who.projectId);
  return mine ? server : refuse(404, `Instance ${id} could not be found.`);
}

/** The same, to be changed: 409 for everybody but administrators while it is locked. */
export function unlocked(call: Call): Stored<Server> {
  const server = serverOf(call);
  if (server.locked_by !== null && !call.who.isAdmin) refuse(409, `Instance ${server.id} is locked`);
  return server;
}

export const password = (): string => randomBytes(9).toString('base64url');
const idOf = ({ id }: Server): string => id;
const address = (format: string) => ({ type: 'string', format });
const changed = { 'name?': name, 'accessIPv4?': address('ipv4'), 'accessIPv6?': address('ipv6') };
const described = object({ server: object({ ...changed, 'description?': description }) });

export class Servers {
  readonly index = reads({ query }, (call) => page(call, 'servers', listed(call, 'index'), briefView, idOf));
  readonly detail = reads({ query }, (call) => page(call, 'servers', listed(call, 'detail'), serverView, idOf));
  readonly show = reads({}, (call) => ({ server: oneServer(serverOf(call), call) }));

  readonly create = writes<NewServer>({ status: 202, body: newServer }, (call) => {
    const { server: asked } = call.body;
    const first = createServers(call)[0]!;
    if (isTrue(asked.return_reservation_id)) return { reservation_id: first.reservation_id };
    const { security_groups = [{ name: 'default' }], adminPass = password() } = asked;
    const server = { ...createdView(first, call), adminPass, security_groups };
    return new Reply({ server }, { status: 202, headers: { Location: call.href('/servers/{id}', first) } });
  });

  readonly update = writes<{ server: Partial<Server> }>(
    { body: { '2.1': object({ server: object(changed) }), '2.19': described } },
    (call) => {
      const server = { ...serverOf(call), ...call.body.server, updatedAt: call.now };
      return { server: oneServer(call.cloud.servers.update(server.id, server), call, 'change') };
    },
  );

  readonly delete = writes({ status: 204 }, (call) => {
    const server = unlocked(call);
    call.record(server, 'delete');
    call.cloud.servers.update(server.id, { ...server, task: during(call, 'deleting', 'deleted') });
  });
}

function change(call: Call, changes: Partial<Server>): Server {
  const server = { ...unlocked(call), ...changes };
  return call.cloud.servers.update(server.id, server);
}

export const serverMetadata = new KeyValues({
  ...{ all: 'metadata', one: 'meta', type: ['string'], deleted: 204 },
  read: (call) => serverOf(call).metadata,
  store: (call, values) => {
    if (Object.keys(values).length > 128) refuse(403, 'Maximum number of metadata items exceeds 128');
    change(call, { metadata: values as Record<string, string> });
  },
});

/** Labels, from 2.26 on. */
const tagging = { from: '2.26' };
const manyTags = { '2.26': object({ tags: { type: 'array', items: tag, maxItems: 50 } }) };

export class Tags {
  readonly index = reads(tagging, (call) => ({ tags: serverOf(call).tags }));
  readonly show = reads({ ...tagging, status: 204 }, (call) => void this.#known(call));
  readonly deleteAll = writes({ ...tagging, status: 204 }, (call) => void change(call, { tags: [] }));
  readonly delete = writes({ ...tagging, status: 204 }, (call) => {
    change(call, { tags: this.#known(call).filter((tag) => tag !== call.args.id) });
  });

  readonly updateAll = writes<{ tags: string[] }>({ ...tagging, body: manyTags }, (call) => {
    return { tags: change(call, { tags: [...new Set(call.body.tags)] }).tags };
  });

  readonly update = writes(tagging, (call) => {
    const [{ tags, id: server_id }, added] = [serverOf(call), call.args.id!];
    if (tags.includes(added)) return new Reply(null, { status: 204 });
    if (!/^[^,/]{1,60}$/.test(added) || tags.length >= 50) refuse(400, `The tag ${added} cannot be added.`);
    change(call, { tags: [...tags, added] });
    const Location = call.href('/servers/{server_id}/tags/{id}', { server_id, id: added });
    return new Reply(null, { status: 201, headers: { Location } });
  });

  #known(call: Call): string[] {
    const [{ tags, id }, tag] = [serverOf(call), call.args.id!];
    return tags.includes(tag) ? tags : refuse(404, `Server ${id} has no tag '${tag}'`);
  }
}

const actionView = view<Action>('action instance_uuid request_id user_id project_id', {
  ...{ message: () => null, start_time: ({ startedAt }) => microTime(startedAt) },
  updated_at: since('2.58', ({ startedAt }) => microTime(startedAt)),
});

/** What can only be looked at; most of it is empty here. */
export class ServerParts {
  readonly ips = reads({}, (call) => ({ addresses: serverOf(call) && {} }));
  readonly interfaces = reads({}, (call) => ({ interfaceAttachments: serverOf(call) && [] }));
  readonly volumes = reads({}, (call) => ({ volumeAttachments: serverOf(call) && [] }));
  readonly securityGroups = reads({}, (call) => ({ security_groups: serverOf(call) && [] }));
  readonly actions = reads({}, (call) => {
    const actions = call.cloud.actions.list(serverOf(call).id).toReversed();
    return { instanceActions: actions.map((action) => actionView(action, call)) };
  });
}
