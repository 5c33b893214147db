/**
 * Servers in the store: finding and changing them, recording actions, and storing the results of tasks, which hosts or the clock end.
 * Call these functions in a transaction.
 */
import { randomUUID } from 'node:crypto';
import { isoMicros } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Server, Task, TaskOfServer } from '../../records.js';
import { callerOf, maySee, refuse } from '../api.js';
import { endOf, settled } from './transitions.js';

/**
 * Returns the server with this id, in its current state. 404 if there is none or it belongs to another project; 403 for callers without
 * a project. Administrators see all servers.
 */
export function findServer(cloud: Cloud, request: ActionRequest, id: unknown): Stored<Server> {
  const isSeen = maySee(request, 'servers:show');
  const stored = cloud.servers.get(String(id));
  const server = stored && settled(stored, Date.now());
  return server !== undefined && isSeen(server) ? server : refuse(404, `Instance ${String(id)} could not be found.`);
}

/** Returns the server for a change, like {@link findServer}. 409 if it is locked, except for administrators. */
export function findUnlocked(cloud: Cloud, request: ActionRequest, id: unknown): Stored<Server> {
  const server = findServer(cloud, request, id);
  const mayChange = server.locked_by === null || callerOf(request).isAdmin;
  return mayChange ? server : refuse(409, `Instance ${server.id} is locked`);
}

/** Changes the server with this id. Fails like {@link findUnlocked}. */
export function changeServer(
  cloud: Cloud,
  request: ActionRequest,
  id: unknown,
  changes: Partial<Server>,
): Stored<Server> {
  const server = { ...findUnlocked(cloud, request, id), ...changes };
  return cloud.servers.update(server.id, server);
}

/** Records an action on a server, with the id of its request. */
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

/** Returns the servers whose transition is over but whose result is not stored. */
export function overdue(servers: readonly Stored<Server>[], now: number): Stored<Server>[] {
  return servers.filter(({ task }) => task !== null && now >= endOf(task));
}

/**
 * Stores the results of transitions that are over, and removes deleted servers with their history. Returns how many servers were stored
 * and removed.
 */
export function finishTransitions(
  cloud: Cloud,
  servers: readonly Stored<Server>[],
  now: number,
): { finished: number; removed: number } {
  const count = { finished: 0, removed: 0 };
  for (const server of overdue(servers, now)) {
    if (writeDown(cloud, server, now)) count.finished += 1;
    else count.removed += 1;
  }
  return count;
}

/**
 * Records that the host has begun a task. Returns false if the server has another task or none, because the task was withdrawn or given
 * up.
 */
export function startTask(cloud: Cloud, asked: TaskOfServer): boolean {
  return changeTask(cloud, asked, (server, task) => {
    cloud.servers.update(server.id, { ...server, task: { ...task, isBegun: true } });
    return true;
  });
}

/** Ends a task now, and stores its result. Returns false like {@link startTask}. */
export function finishTask(cloud: Cloud, asked: TaskOfServer): boolean {
  return changeTask(cloud, asked, (server, task) => {
    const now = Date.now();
    writeDown(cloud, { ...server, task: { ...task, endsAt: now } }, now);
    return true;
  });
}

/** Withdraws a task, and restores the members in `before`. Returns false like {@link startTask}, and if the host has begun the task. */
export function takeBack(cloud: Cloud, asked: TaskOfServer, before: Partial<Server>): boolean {
  return changeTask(cloud, asked, (server, { isBegun }) => {
    if (!isBegun) cloud.servers.update(server.id, { ...server, ...before });
    return !isBegun;
  });
}

function changeTask(
  { servers }: Cloud,
  { server: id, startedAt }: TaskOfServer,
  change: (server: Stored<Server>, task: Task) => boolean,
): boolean {
  const stored = servers.get(id);
  const server = stored && settled(stored, Date.now());
  return server?.task?.startedAt === startedAt && change(server, server.task);
}

/** Stores a server as it is at `now`, or removes it with its history. Returns whether it still exists. */
function writeDown(cloud: Cloud, server: Stored<Server>, now: number): boolean {
  const left = settled(server, now);
  if (left !== undefined) cloud.servers.update(server.id, left);
  else {
    cloud.servers.delete(server.id);
    cloud.actions.deleteOf(server.id);
  }
  return left !== undefined;
}
