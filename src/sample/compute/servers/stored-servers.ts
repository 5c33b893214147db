/**
 * Servers in the store: found, changed, what was done to them, and tasks that hosts begin and end or that are over by the clock.
 * All of it inside a transaction.
 */
import { randomUUID } from 'node:crypto';
import { isoMicros } from 'portico/openstack';
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Server, Task, TaskOfServer } from '../../records.js';
import { callerOf, maySee, refuse } from '../api.js';
import { endOf, settled } from './transitions.js';

/** The server of that id, as it is now. 404: there is none, or it is another project's. 403 for callers without a project. */
export function findServer(cloud: Cloud, request: ActionRequest, id: unknown): Stored<Server> {
  const isSeen = maySee(request, 'servers:show');
  const stored = cloud.servers.get(String(id));
  const server = stored && settled(stored, Date.now());
  return server !== undefined && isSeen(server) ? server : refuse(404, `Instance ${String(id)} could not be found.`);
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

/** Those of the servers whose transition is over and not written down. */
export function overdue(servers: readonly Stored<Server>[], now: number): Stored<Server>[] {
  return servers.filter(({ task }) => task !== null && now >= endOf(task));
}

/** Writes down what has become of these servers, and forgets those that are gone with their history. How many of each. */
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

/** Keeps that a host does a task. False where the server has another one, or none: it was taken back, or given up. */
export function startTask(cloud: Cloud, asked: TaskOfServer): boolean {
  return changeTask(cloud, asked, (server, task) => {
    cloud.servers.update(server.id, { ...server, task: { ...task, isBegun: true } });
    return true;
  });
}

/** Ends a task, now. False as {@link startTask}. */
export function finishTask(cloud: Cloud, asked: TaskOfServer): boolean {
  return changeTask(cloud, asked, (server, task) => {
    const now = Date.now();
    writeDown(cloud, { ...server, task: { ...task, endsAt: now } }, now);
    return true;
  });
}

/** Takes a task back, with what else was changed for it. False as {@link startTask}, and where its host does it. */
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

/** False: nothing is left of it. */
function writeDown(cloud: Cloud, server: Stored<Server>, now: number): boolean {
  const left = settled(server, now);
  if (left !== undefined) cloud.servers.update(server.id, left);
  else {
    cloud.servers.delete(server.id);
    cloud.actions.deleteOf(server.id);
  }
  return left !== undefined;
}
