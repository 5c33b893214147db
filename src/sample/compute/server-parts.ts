/** What belongs to a server: its metadata, its tags, its history, and parts that are always empty here. */
import { keyValueActions, tagActions, view } from 'portico/routing';
import type { Action } from '../records.js';
import { type Call, reads, refuse, writes } from './call.js';
import { change, serverOf } from './server-of.js';

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

const since = { versions: ['2.26'] } as const;

export const serverTags = tagActions<Call>({
  looks: (options, handler) => reads({ ...options, ...since }, handler),
  changes: (options, handler) => writes({ ...options, ...since }, handler),
  read: (call) => serverOf(call).tags,
  store: (call, tags) => void change(call, { tags: [...tags] }),
});

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
