/**
 * What state a server is in, and what may be done to it then. A transition is a record with a beginning and an end, and
 * what it leads to is worked out when the server is read: no timer, so no restart loses it and no worker owns it.
 */
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../cloud.js';
import type { Server, Task, VmState } from '../records.js';
import { type Call, refuse } from './call.js';

const STATUS = {
  building: 'BUILD',
  active: 'ACTIVE',
  stopped: 'SHUTOFF',
  paused: 'PAUSED',
  suspended: 'SUSPENDED',
  error: 'ERROR',
};
/** nova's numbers: 0 unknown, 1 running, 3 paused, 4 off. */
const POWER = { building: 0, active: 1, stopped: 4, paused: 3, suspended: 4, error: 0 };
/** Transitions that show in the status. */
const BUSY: Record<string, string> = { rebooting: 'REBOOT', rebooting_hard: 'HARD_REBOOT', rebuilding: 'REBUILD' };

/** As messages name it, from which states, nova's `task_state` while it runs (null: at once), and to which state. */
type Transition = readonly [verb: string, from: string, task: string | null, to?: VmState];

/** What clients can ask for, by the key of the action's body; a reboot by its type. Without an end: the state before. */
export const TRANSITIONS = {
  'os-stop': ['stop', 'active error', 'powering-off', 'stopped'],
  'os-start': ['start', 'stopped', 'powering-on', 'active'],
  SOFT: ['reboot', 'active', 'rebooting', 'active'],
  HARD: ['reboot', 'active stopped paused suspended error', 'rebooting_hard', 'active'],
  pause: ['pause', 'active', 'pausing', 'paused'],
  unpause: ['unpause', 'paused', 'unpausing', 'active'],
  suspend: ['suspend', 'active', 'suspending', 'suspended'],
  resume: ['resume', 'suspended', 'resuming', 'active'],
  rebuild: ['rebuild', 'active stopped error', 'rebuilding'],
  changePassword: ['changePassword', 'active', null],
} as const satisfies Record<string, Transition>;

/** The server as it is now: a transition that is over has happened. Undefined: it is gone. */
export function settled<S extends Server>(server: S, now: number): S | undefined {
  const { task, vm_state } = server;
  if (task === null || now < task.endsAt) return server;
  if (task.to === 'deleted') return undefined;
  const launchedAt = vm_state === 'building' && task.to === 'active' ? task.endsAt : server.launchedAt;
  return { ...server, vm_state: task.to, task: null, launchedAt, updatedAt: task.endsAt };
}

/** The servers, of a project or of all, whose transition is over and not written down. */
export function overdue({ servers }: Cloud, now: number, projectId?: string): Stored<Server>[] {
  return servers.list(projectId).filter(({ task }) => task !== null && now >= task.endsAt);
}

/** Writes down what has become of them, and forgets those that are gone with their history. How many of each. */
export function finishTransitions(
  cloud: Cloud,
  now: number,
  projectId?: string,
): { finished: number; removed: number } {
  const count = { finished: 0, removed: 0 };
  for (const server of overdue(cloud, now, projectId)) {
    const left = settled(server, now);
    count[left ? 'finished' : 'removed'] += 1;
    if (left) cloud.servers.update(server.id, left);
    else {
      cloud.servers.delete(server.id);
      cloud.actions.deleteOf(server.id);
    }
  }
  return count;
}

/** The server with the transition begun. 409 in the wrong state, and while another transition runs. */
export function begin<S extends Server>(call: Call, server: S, name: keyof typeof TRANSITIONS): S {
  const [verb, from, task, to = server.vm_state]: Transition = TRANSITIONS[name];
  const cannot = `Cannot '${verb}' instance ${server.id} while it is in`;
  if (!from.split(' ').includes(server.vm_state)) refuse(409, `${cannot} vm_state ${server.vm_state}`);
  if (server.task !== null) refuse(409, `${cannot} task_state ${taskState(server, call.now)}`);
  return { ...server, updatedAt: call.now, task: task === null ? null : during(call, task, to) };
}

/** A transition that begins now. */
export function during({ now, settings }: Call, state: string, to: Task['to']): Task {
  return { state, startedAt: now, endsAt: now + settings.transitionMs, to };
}

/** nova's `task_state`. Building has two halves. */
export function taskState({ task }: Server, now: number): string | null {
  const halfway = task !== null && now - task.startedAt >= (task.endsAt - task.startedAt) / 2;
  return task?.state === 'scheduling' && halfway ? 'spawning' : (task?.state ?? null);
}

export const status = ({ vm_state, task }: Server): string => BUSY[task?.state ?? ''] ?? STATUS[vm_state];
export const powerState = ({ vm_state }: Server): number => POWER[vm_state];

/** Whether a filter `status=` finds the server: one that reboots is still an active one. */
export function hasStatus(server: Server, wanted: string): boolean {
  return [status(server), STATUS[server.vm_state]].includes(wanted.toUpperCase());
}
