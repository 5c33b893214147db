/**
 * The states of a server, and the actions that each state allows. A transition is a record with a start and an end; its result is
 * computed when the server is read. Without a timer, no restart loses it and no worker owns it.
 */
import type { Stored } from 'portico/sqlite';
import type { Server, Task, VmState } from '../../records.js';
import { refuse } from '../api.js';

interface Transition {
  /** The action's name in faults and in the history. */
  readonly verb: string;
  /** The states in which it can begin. */
  readonly from: readonly VmState[];
  /** nova's `task_state` during the transition. Null: it ends immediately. */
  readonly task: string | null;
  /** The state at its end. Default: the state before it. */
  readonly to?: VmState;
}

/** The time that a host has for a task, in milliseconds. After that, the task is given up and the server is in error. */
export const HOST_TASK_MS = 3_600_000;

/** The transitions that clients can request. */
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
 * Returns the server with the transition begun, like {@link beginTask}. 409 in a wrong state, during another transition, and for a
 * server that has never been active.
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

/** Returns a task that begins now and takes `ms` milliseconds; null: until its host ends it, at most {@link HOST_TASK_MS}. */
export function beginTask(state: string, to: Task['to'], ms: number | null): Task {
  const now = Date.now();
  return { state, startedAt: now, endsAt: ms === null ? null : now + ms, isBegun: false, to };
}

/** Returns the server as it is at `now`, with the result of a transition that is over by then. Undefined: it is deleted. */
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

/** Returns the servers as they are now, without deleted ones. */
export function existing(servers: readonly Stored<Server>[]): Stored<Server>[] {
  const now = Date.now();
  return servers.flatMap((server) => settled(server, now) ?? []);
}

/** Returns the time at which a task is over or given up, in milliseconds since 1970. */
export function endOf({ startedAt, endsAt }: Task): number {
  return endsAt ?? startedAt + HOST_TASK_MS;
}

/** Returns the members of a server whose transition failed. */
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
/** Tasks that the status shows instead of the state. */
const BUSY: Readonly<Record<string, string>> = {
  rebooting: 'REBOOT',
  rebooting_hard: 'HARD_REBOOT',
  rebuilding: 'REBUILD',
};
/** nova's `power_state`: 0 unknown, 1 running, 3 paused, 4 off. */
const POWER: Readonly<Record<VmState, number>> = {
  building: 0,
  active: 1,
  stopped: 4,
  paused: 3,
  suspended: 4,
  error: 0,
};

/** Returns the status that clients see, such as `ACTIVE` or `REBOOT`. */
export function statusOf({ vm_state, task }: Server): string {
  return BUSY[task?.state ?? ''] ?? STATUS[vm_state];
}

/**
 * Reports whether the filter `status` matches. During a task it also matches the status of the state: a server that reboots is still
 * `ACTIVE`.
 */
export function hasStatus(server: Server, wanted: string): boolean {
  return [statusOf(server), STATUS[server.vm_state]].includes(wanted.toUpperCase());
}

export function powerState({ vm_state }: Server): number {
  return POWER[vm_state];
}

/** Returns nova's `task_state`. A creation shows `scheduling`, then `spawning`. */
export function taskState({ task }: Server): string | null {
  if (task?.state !== 'scheduling') return task?.state ?? null;
  if (task.endsAt === null) return task.isBegun ? 'spawning' : 'scheduling';
  const isHalfway = Date.now() - task.startedAt >= (task.endsAt - task.startedAt) / 2;
  return isHalfway ? 'spawning' : 'scheduling';
}
