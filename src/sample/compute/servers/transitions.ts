/**
 * States of a server, and the actions that each allows. A transition is a record with a beginning and an end, and
 * its result is worked out when the server is read: no timer, so no restart loses it and no worker owns it.
 */
import type { Stored } from 'portico/sqlite';
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

/** A host that has not done in that time what it was asked for is not expected to: the server is in error then. */
export const HOST_TASK_MS = 3_600_000;

/** Transitions that clients can ask for. */
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

/**
 * The server with the transition begun, as {@link beginTask}. 409 in the wrong state, while another transition runs, and for a
 * server that its host never made.
 */
export function begin(server: Stored<Server>, name: TransitionName, ms: number | null): Stored<Server> {
  const { verb, from, task, to = server.vm_state }: Transition = TRANSITIONS[name];
  const now = Date.now();
  const cannot = `Cannot '${verb}' instance ${server.id} while it is in`;
  if (!from.includes(server.vm_state)) refuse(409, `${cannot} vm_state ${server.vm_state}`);
  if (server.task !== null) refuse(409, `${cannot} task_state ${taskState(server)}`);
  if (server.launchedAt === null) refuse(409, `Cannot '${verb}' an instance which has never been active`);
  return { ...server, updatedAt: now, task: task === null ? null : beginTask(task, to, ms) };
}

/** A task that begins now, and takes so many milliseconds; null: as long as its host needs, up to {@link HOST_TASK_MS}. */
export function beginTask(state: string, to: Task['to'], ms: number | null): Task {
  const now = Date.now();
  return { state, startedAt: now, endsAt: ms === null ? null : now + ms, isBegun: false, to };
}

/** The server as it is at that time: a transition that is over has happened. Undefined: it is gone. */
export function settled(server: Stored<Server>, now: number): Stored<Server> | undefined {
  const { task, vm_state, host } = server;
  if (task === null || now < endOf(task)) return server;
  const updatedAt = endOf(task);
  if (task.endsAt === null) {
    return { ...server, ...failed(`Host ${host} did not do in time what was asked of it.`), updatedAt };
  }
  if (task.to === 'deleted') return undefined;
  const launchedAt = vm_state === 'building' && task.to === 'active' ? task.endsAt : server.launchedAt;
  return { ...server, vm_state: task.to, task: null, launchedAt, updatedAt };
}

/** When a task is over, or is given up. */
export function endOf({ startedAt, endsAt }: Task): number {
  return endsAt ?? startedAt + HOST_TASK_MS;
}

/** Members of a server whose transition failed. */
export function failed(fault: string): Pick<Server, 'vm_state' | 'task' | 'fault'> {
  return { vm_state: 'error', task: null, fault };
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
  if (task.endsAt === null) return task.isBegun ? 'spawning' : 'scheduling';
  const isHalfway = Date.now() - task.startedAt >= (task.endsAt - task.startedAt) / 2;
  return isHalfway ? 'spawning' : 'scheduling';
}
