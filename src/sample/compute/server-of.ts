/** The server a request is about, what may be done to it, and what was. */
import { randomUUID } from 'node:crypto';
import { isoMicros } from 'portico/openstack';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../records.js';
import { type Call, refuse } from './call.js';
import { settled } from './server-states.js';

/** The server the path names, as it is now. 404: there is none, or it is somebody else's. */
export function serverOf({ params, cloud, now, who }: Call): Stored<Server> {
  const id = params.server_id ?? params.id!;
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
export function change(call: Call, changes: Partial<Server>): Stored<Server> {
  const server = { ...unlocked(call), ...changes };
  return call.cloud.servers.update(server.id, server);
}

/** Keeps what was done to a server, and in which request. */
export function record({ cloud, who, now, environ }: Call, action: string, { id, project_id }: Server): void {
  const by = { user_id: who.userId, project_id, request_id: environ.requestId ?? '' };
  cloud.actions.insert(randomUUID(), { action, instance_uuid: id, ...by, start_time: isoMicros(now) }, id);
}
