/**
 * What state a server is in, and what may be done to it then. A transition is a record with a beginning and an end, and
 * what it leads to is worked out when the server is read: no timer, so no restart loses it and no worker owns it.
 */
import type { Stored } from 'portico/sqlite';
import type { Cloud } from '../../cloud.js';
import type { Server, Task, VmState } from '../../records.js';
import { refuse } from '../api.js';

interface Transition {
  /** As messages name it. */
  readonly verb: string;
  /** The states it begins in. */
  readonly from: readonly VmState[];
  /** nova's `task_state` while it runs. Null: it is over at once. */
  readonly task: string | null;
  /** The state it ends in. Default: the one before. */
  readonly to?: VmState;
}

/** What clients can ask for. */
export const TRANSITIONS = {
  start: { verb: 'start', from: ['stopped'], task: 'powering-on', to: 'active' },
  stop: { verb: 'stop', from: ['active', 'error'], task: 'powering-off', to: 'stopped' },
  softReboot: { verb: 'reboot', from: ['active'], task: 'rebooting', to: 'active' },
  hardReboot: {
    verb: 'reboot',
    from: ['active', 'stopped', 'paused', 'suspended', 'error'],
    task: 'rebooting_hard',
    to: 'active',
  },
  pause: { verb: 'pause', from: ['active'], task: 'pausing', to: 'paused' },
  unpause: { verb: 'unpause', from: ['paused'], task: 'unpausing', to: 'active' },
  suspend: { verb: 'suspend', from: ['active'], task: 'suspending', to: 'suspended' },
  resume: { verb: 'resume', from: ['suspended'], task: 'resuming', to: 'active' },
  rebuild: { verb: 'rebuild', from: ['active', 'stopped', 'error'], task: 'rebuilding' },
  changePassword: { verb: 'changePassword', from: ['active'], task: null },
} as const satisfies Record<string, Transition>;

export type TransitionName = keyof typeof TRANSITIONS;

/** The server with the transition begun, as {@link beginTask}. 409 in the wrong state, and while another transition runs. */
export function begin(server: Stored<Server>, name: TransitionName, ms: number | null): Stored<Server> {
  const { verb, from, task, to = server.vm_state }: Transition = TRANSITIONS[name];
  const now = Date.now();
  const cannot = `Cannot '${verb}' instance ${server.id} while it is in`;
  if (!from.includes(server.vm_state)) refuse(409, `${cannot} vm_state ${server.vm_state}`);
  if (server.task !== null) refuse(409, `${cannot} task_state ${taskState(server)}`);
  return { ...server, updatedAt: now, task: task === null ? null : beginTask(task, to, ms) };
}

/** A task that begins now, and takes so many milliseconds; null: as long as its host needs. */
export function beginTask(state: string, to: Task['to'], ms: number | null): Task {
  const now = Date.now();
  return { state, startedAt: now, endsAt: ms === null ? null : now + ms, to };
}

/** The server as it is at that time: a transition that is over has happened. Undefined: it is gone. */
export function settled(server: Stored<Server>, now: number): Stored<Server> | undefined {
  const { task, vm_state } = server;
  if (!isOver(task, now)) return server;
  if (task.to === 'deleted') return undefined;
  const launchedAt = vm_state === 'building' && task.to === 'active' ? task.endsAt : server.launchedAt;
  return { ...server, vm_state: task.to, task: null, launchedAt, updatedAt: task.endsAt };
}

function isOver(task: Task | null, now: number): task is Task & { endsAt: number } {
  return task !== null && task.endsAt !== null && now >= task.endsAt;
}

/** The servers, of a project or of all, whose transition is over and not written down. */
export function overdue({ servers }: Cloud, now: number, project?: string): Stored<Server>[] {
  return servers.list(project).filter(({ task }) => isOver(task, now));
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

/** Ends the task of a server that began then, now. False where the server has another one, or none. */
export function finishTask(cloud: Cloud, id: string, startedAt: number): boolean {
  const [server, now] = [cloud.servers.get(id), Date.now()];
  if (server?.task?.startedAt !== startedAt) return false;
  writeDown(cloud, { ...server, task: { ...server.task, endsAt: now } }, now);
  return true;
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

const STATUS: Readonly<Record<VmState, string>> = {
  building: 'BUILD',
  active: 'ACTIVE',
  stopped: 'SHUTOFF',
  paused: 'PAUSED',
  suspended: 'SUSPENDED',
  error: 'ERROR',
};
/** Transitions that show in the status. */
const BUSY: Readonly<Record<string, string>> = {
  rebooting: 'REBOOT',
  rebooting_hard: 'HARD_REBOOT',
  rebuilding: 'REBUILD',
};
/** nova's numbers: 0 unknown, 1 running, 3 paused, 4 off. */
const POWER: Readonly<Record<VmState, number>> = {
  building: 0,
  active: 1,
  stopped: 4,
  paused: 3,
  suspended: 4,
  error: 0,
};

/** As clients see it: `ACTIVE`, `REBOOT`. */
export function statusOf({ vm_state, task }: Server): string {
  return BUSY[task?.state ?? ''] ?? STATUS[vm_state];
}

/** Whether the filter `status` finds the server: one that reboots is still an active one. */
export function hasStatus(server: Server, wanted: string): boolean {
  return [statusOf(server), STATUS[server.vm_state]].includes(wanted.toUpperCase());
}

export function powerState({ vm_state }: Server): number {
  return POWER[vm_state];
}

/** nova's `task_state`. Building has two halves. */
export function taskState({ task }: Server): string | null {
  if (task?.state !== 'scheduling') return task?.state ?? null;
  // The API has found the host before it tells it.
  if (task.endsAt === null) return 'spawning';
  const isHalfway = Date.now() - task.startedAt >= (task.endsAt - task.startedAt) / 2;
  return isHalfway ? 'spawning' : 'scheduling';
}
