/** What belongs to a server: its metadata, its tags, its history, and parts that are always empty here. */
import { keyValueActions, listOf, object, Reply, view } from 'portico/routing';
import type { Action } from '../records.js';
import { type Call, reads, refuse, writes } from './call.js';
import { change, serverOf } from './server-of.js';
import { tag } from './texts.js';

export const serverMetadata = keyValueActions<Call>({
  all: 'metadata',
  one: 'meta',
  looks: reads,
  changes: writes,
  read: (call) => serverOf(call).metadata,
  store: (call, values) => {
    if (Object.keys(values).length > 128) refuse(403, 'Maximum number of metadata items exceeds 128');
    change(call, { metadata: values as Record<string, string> });
  },
});

/** The tags of the server, among them the one the path names; 404 without it. */
function tagsOf(call: Call): string[] {
  const { tags, id } = serverOf(call);
  return tags.includes(call.params.id!) ? tags : refuse(404, `Server ${id} has no tag '${call.params.id}'`);
}

const since = { versions: ['2.26'] } as const;
const manyTags = { ...since, body: object({ tags: listOf(tag, { maxItems: 50 }) }) };

export class Tags {
  readonly index = reads(since, (call) => ({ tags: serverOf(call).tags }));
  readonly updateAll = writes<{ tags: string[] }>(manyTags, (call) => {
    return { tags: change(call, { tags: [...new Set(call.body.tags)] }).tags };
  });
  readonly deleteAll = writes({ ...since, status: 204 }, (call) => void change(call, { tags: [] }));
  readonly show = reads({ ...since, status: 204 }, (call) => void tagsOf(call));
  readonly update = writes(since, (call) => {
    const [{ tags, id: server_id }, id] = [serverOf(call), call.params.id!];
    if (tags.includes(id)) return new Reply(null, { status: 204 });
    if (!/^[^,/]{1,60}$/.test(id) || tags.length >= 50) refuse(400, `The tag ${id} cannot be added.`);
    change(call, { tags: [...tags, id] });
    const Location = call.url('/servers/{server_id}/tags/{id}', { server_id, id });
    return new Reply(null, { status: 201, headers: { Location } });
  });
  readonly delete = writes({ ...since, status: 204 }, (call) => {
    change(call, { tags: tagsOf(call).filter((tag) => tag !== call.params.id) });
  });
}

const actionView = view<Action>(
  'action instance_uuid request_id user_id project_id message=null start_time \n 2.58+ updated_at=start_time',
);

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
