/** Tasks in the store: those that hosts begin and end, and those that are over by the clock. All of it inside a transaction. */
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Server, Task } from '../../records.js';
import type { TaskOfServer } from '../hosts/host-manager.js';
import { endOf, settled } from './transitions.js';

/** The servers, of a project or of all, whose transition is over and not written down. */
export function overdue({ servers }: Cloud, now: number, project?: string): Stored<Server>[] {
  return servers.list(project).filter(({ task }) => task !== null && now >= endOf(task));
}

/** Writes down what has become of them, and forgets those that are gone with their history. How many of each. */
export function finishTransitions(cloud: Cloud, now: number, project?: string): { finished: number; removed: number } {
  const count = { finished: 0, removed: 0 };
  for (const server of overdue(cloud, now, project)) {
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
