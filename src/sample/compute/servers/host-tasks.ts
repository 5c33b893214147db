/** Tasks that hosts carry out: the API begins one, and tells the host; the host tells the conductor when it begins and ends. */
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server, TaskOfServer } from '../../records.js';
import { type ComputeApi, refuse } from '../api.js';
import { type ConsoleOwner, consoleLines } from '../managers.js';
import { findServer, findUnlocked, recordAction, takeBack } from './stored-servers.js';
import { begin, HOST_TASK_MS, TRANSITIONS, type TransitionName } from './transitions.js';

/** Milliseconds that a task takes; null: the server's host says when it is over. */
export function taskMs({ hosts, settings }: ComputeApi, host: string | null): number | null {
  return hosts === null || host === null ? settings.transitionMs : null;
}

/** Tells the server's host of its task. False where it cannot be told, and will not do it; the server is as `before` then. */
export async function tellHost(
  { cloud, hosts, log }: ComputeApi,
  request: ActionRequest,
  { id, host, task }: Server,
  before: Partial<Server>,
): Promise<boolean> {
  if (hosts === null || host === null || task?.endsAt !== null) return true;
  const told: TaskOfServer = { server: id, startedAt: task.startedAt };
  try {
    await hosts.prepare({ server: host, ttl: HOST_TASK_MS / 1000 }).cast(request.context, 'perform', told);
    return true;
  } catch (err) {
    // The message may have arrived: a host that asks from now on is told that nothing is to be done, one that has begun was told.
    const isTold = !cloud.write(() => takeBack(cloud, told, before));
    if (!isTold) log.warn(`host ${host} cannot be reached for ${task.state} of server ${id}`, { err });
    return isTold;
  }
}

/** Changes a server, and tells its host of the task that this begins. 503, and none of it, where the host cannot be told. */
export async function changeOnHost(
  api: ComputeApi,
  request: ActionRequest,
  id: unknown,
  change: (server: Stored<Server>) => Stored<Server>,
): Promise<Stored<Server>> {
  const { cloud } = api;
  const [found, server] = cloud.write(() => {
    const unlocked = findUnlocked(cloud, request, id);
    return [unlocked, cloud.servers.update(unlocked.id, change(unlocked))] as const;
  });
  // Members that others changed meanwhile stay.
  const changed = (Object.keys(server) as (keyof Server)[]).filter((name) => server[name] !== found[name]);
  const before = Object.fromEntries(changed.map((name) => [name, found[name]]));
  if (await tellHost(api, request, server, before)) return server;
  return refuse(503, `Host ${server.host} cannot be reached: nothing was changed.`);
}

/** Begins a transition, with what `change` makes of the server beside it. As {@link changeOnHost}. */
export function beginTransition(
  api: ComputeApi,
  request: ActionRequest,
  id: unknown,
  name: TransitionName,
  change: (server: Stored<Server>) => Partial<Server> = () => ({}),
): Promise<Stored<Server>> {
  return changeOnHost(api, request, id, (found) => {
    const begun = { ...begin(found, name, taskMs(api, found.host)), ...change(found) };
    recordAction(api.cloud, request, TRANSITIONS[name].verb, begun);
    return begun;
  });
}

/** The lines of a server's console. 503 where its host does not answer. */
export async function readConsole(api: ComputeApi, request: ActionRequest, id: unknown): Promise<readonly string[]> {
  const { cloud, hosts, log } = api;
  const { name, flavor, host } = cloud.read(() => findServer(cloud, request, id));
  const owner: ConsoleOwner = { name, vcpus: flavor.vcpus, ram: flavor.ram };
  if (hosts === null || host === null) return consoleLines(owner);
  try {
    return await hosts.prepare({ server: host }).call(request.context, 'consoleLines', owner);
  } catch (err) {
    log.warn(`host ${host} does not show the console of server ${name}`, { err });
    return refuse(503, `Host ${host} does not answer.`);
  }
}
