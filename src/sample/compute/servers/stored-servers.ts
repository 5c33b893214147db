/** Servers in the store: found, changed, and what was done to them. All of it inside a transaction. */
import { randomUUID } from 'node:crypto';
import { isoMicros } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Server } from '../../records.js';
import { callerOf, refuse } from '../api.js';
import { settled } from './transitions.js';

/** The server of that id, as it is now. 404: there is none, or it is another project's. */
export function findServer(cloud: Cloud, request: ActionRequest, id: unknown): Stored<Server> {
  const { isAdmin, projectId } = callerOf(request);
  const stored = cloud.servers.get(String(id));
  const server = stored && settled(stored, Date.now());
  const isSeen = server !== undefined && (isAdmin || server.project_id === projectId);
  return isSeen ? server : refuse(404, `Instance ${String(id)} could not be found.`);
}

/** The same, to be changed: 409 for all but administrators while it is locked. */
export function findUnlocked(cloud: Cloud, request: ActionRequest, id: unknown): Stored<Server> {
  const server = findServer(cloud, request, id);
  const mayChange = server.locked_by === null || callerOf(request).isAdmin;
  return mayChange ? server : refuse(409, `Instance ${server.id} is locked`);
}

/** Changes the server of that id, unless it is locked. */
export function changeServer(
  cloud: Cloud,
  request: ActionRequest,
  id: unknown,
  changes: Partial<Server>,
): Stored<Server> {
  const server = { ...findUnlocked(cloud, request, id), ...changes };
  return cloud.servers.update(server.id, server);
}

/** Keeps what was done to a server, and in which request. */
export function recordAction(cloud: Cloud, request: ActionRequest, action: string, { id, project_id }: Server): void {
  const record = {
    action,
    instance_uuid: id,
    user_id: callerOf(request).userId,
    project_id,
    request_id: request.environ.requestId ?? '',
    start_time: isoMicros(Date.now()),
  };
  cloud.actions.insert(randomUUID(), record, id);
}
