/** Tasks that hosts carry out: the API begins one, and tells the host; the host tells the conductor when it is done. */
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server } from '../../records.js';
import { type ComputeApi, callerOf, refuse } from '../api.js';
import { type ConsoleOwner, consoleLines, type TaskOfServer } from '../hosts/host-manager.js';
import { findServer, findUnlocked, recordAction } from './stored-servers.js';
import { begin, TRANSITIONS, type TransitionName } from './transitions.js';

/** Milliseconds that a task takes; null: the server's host says when it is over. */
export function taskMs({ hosts, settings }: ComputeApi, host: string | null): number | null {
  return hosts === null || host === null ? settings.transitionMs : null;
}

/** Tells the server's host of its task. False where the message cannot be sent: the host will not do it. */
export async function tellHost({ hosts, log }: ComputeApi, request: ActionRequest, server: Server): Promise<boolean> {
  const { id, host, task } = server;
  if (hosts === null || host === null || task?.endsAt !== null) return true;
  const told: TaskOfServer = { server: id, startedAt: task.startedAt };
  try {
    await hosts.prepare({ server: host }).cast(callerOf(request), 'perform', told);
    return true;
  } catch (err) {
    log.warn(`host ${host} cannot be told of ${task.state} of server ${id}`, { err });
    return false;
  }
}

/** Begins a transition, with what `change` makes of the server. 503, and the server as it was, where its host cannot be told. */
export async function beginTransition(
  api: ComputeApi,
  request: ActionRequest,
  id: unknown,
  name: TransitionName,
  change: (server: Stored<Server>) => Partial<Server> = () => ({}),
): Promise<Stored<Server>> {
  const { cloud } = api;
  const [before, server] = cloud.write(() => {
    const found = findUnlocked(cloud, request, id);
    const begun = { ...begin(found, name, taskMs(api, found.host)), ...change(found) };
    recordAction(cloud, request, TRANSITIONS[name].verb, begun);
    return [found, cloud.servers.update(begun.id, begun)] as const;
  });
  if (await tellHost(api, request, server)) return server;
  cloud.write(() => cloud.servers.update(before.id, before));
  return refuse(503, `Host ${server.host} cannot be told: nothing was changed.`);
}

/** What a server's console shows. 503 where its host does not answer. */
export async function readConsole(api: ComputeApi, request: ActionRequest, id: unknown): Promise<readonly string[]> {
  const { cloud, hosts, log } = api;
  const { name, flavor, host } = cloud.read(() => findServer(cloud, request, id));
  const owner: ConsoleOwner = { name, vcpus: flavor.vcpus, ram: flavor.ram };
  if (hosts === null || host === null) return consoleLines(owner);
  try {
    return await hosts.prepare({ server: host }).call(callerOf(request), 'consoleLines', owner);
  } catch (err) {
    log.warn(`host ${host} does not show the console of server ${name}`, { err });
    return refuse(503, `Host ${host} does not answer.`);
  }
}
