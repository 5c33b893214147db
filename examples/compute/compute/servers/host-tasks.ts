/** Tasks that hosts perform. The API begins one and sends it to the host; the host tells the conductor when it starts and ends it. */
import type { ActionRequest } from 'portico/routing';
import type { Stored } from 'portico/sqlite';
import type { Server, TaskOfServer } from '../../records.js';
import { type ComputeApi, refuse } from '../api.js';
import { type ConsoleOwner, consoleLines } from '../managers.js';
import { findServer, findUnlocked, recordAction, takeBack } from './stored-servers.js';
import { begin, HOST_TASK_MS, TRANSITIONS, type TransitionName } from './transitions.js';

/** Returns the duration of a task in milliseconds; null if the server's host reports its end. */
export function taskMs({ hosts, settings }: ComputeApi, host: string | null): number | null {
  return hosts === null || host === null ? settings.transitionMs : null;
}

/**
 * Sends the server's task to its host. Returns false if the host cannot be reached and will not perform it; the members in `before` are
 * then restored.
 */
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
    // The message may have arrived: a host that asks later is refused the task; one that has begun it counts as reached.
    const isTold = !cloud.write(() => takeBack(cloud, told, before));
    if (!isTold) log.warn({ err }, `host ${host} cannot be reached for ${task.state} of server ${id}`);
    return isTold;
  }
}

/** Changes a server, and sends the task that this begins to its host. If the host cannot be reached, undoes the change and throws 503. */
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
  // Restores only the members changed here, because other requests may have changed others meanwhile.
  const changed = (Object.keys(server) as (keyof Server)[]).filter((name) => server[name] !== found[name]);
  const before = Object.fromEntries(changed.map((name) => [name, found[name]]));
  if (await tellHost(api, request, server, before)) return server;
  return refuse(503, `Host ${server.host} cannot be reached: nothing was changed.`);
}

/**
 * Begins a transition, and applies the changes that `change` returns. Fails like {@link changeOnHost}, and with 409 if the transition
 * cannot begin.
 */
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

/** Returns the lines of a server's console. 503 if its host does not respond. */
export async function readConsole(api: ComputeApi, request: ActionRequest, id: unknown): Promise<readonly string[]> {
  const { cloud, hosts, log } = api;
  const { name, flavor, host } = cloud.read(() => findServer(cloud, request, id));
  const owner: ConsoleOwner = { name, vcpus: flavor.vcpus, ram: flavor.ram };
  if (hosts === null || host === null) return consoleLines(owner);
  try {
    return await hosts.prepare({ server: host }).call(request.context, 'consoleLines', owner);
  } catch (err) {
    log.warn({ err }, `host ${host} does not show the console of server ${name}`);
    return refuse(503, `Host ${host} does not respond.`);
  }
}
