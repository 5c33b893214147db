// CPU time and memory of a process and its descendants, from Linux's /proc.
//
// /proc/<pid>/stat counts in ticks of 10 ms, which is too coarse for a round of one second. The schedstat of each thread counts in
// nanoseconds (Documentation/scheduler/sched-stats.rst). The time of children that have ended is in their parent's stat, in ticks.
import { readdirSync, readFileSync } from 'node:fs';

const MICROS_PER_TICK = 10_000;

/** Reports whether this machine provides the times. */
export function canMeasure() {
  return threadMicros(process.pid) > 0;
}

/** A process and its descendants, as process ids, the root first. */
export function processTree(root) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = statOf(name)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Returns the CPU time so far, in microseconds, by process id. */
export function treeTimes(root) {
  const times = new Map();
  for (const pid of processTree(root)) {
    const stat = statOf(pid);
    if (stat !== undefined) times.set(pid, { own: threadMicros(pid), reaped: stat.reapedTicks * MICROS_PER_TICK });
  }
  return times;
}

/** Returns the microseconds used between two readings, by the whole tree and by its root alone. */
export function timeBetween(before, after, root) {
  const sum = (times) => [...times.values()].reduce((all, { own, reaped }) => all + own + reaped, 0);
  // The whole time of a child that has ended since is in its parent's: what it had used before is in the first sum.
  return { total: sum(after) - sum(before), root: (after.get(root)?.own ?? 0) - (before.get(root)?.own ?? 0) };
}

/** Returns the resident memory of one process in MiB. `shared` is its part in pages that other processes may share, such as Node itself. */
export function residentMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { resident: mebibytes('VmRSS'), shared: mebibytes('RssFile') + mebibytes('RssShmem') };
}

/** Returns the proportional set size of one process in MiB: pages that processes share are divided among them. */
export function proportionalMemory(pid) {
  const [, kibibytes] = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

function threadMicros(pid) {
  let nanos = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanos += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
    }
  } catch {
    // The process ended during the reading.
  }
  return nanos / 1000;
}

function statOf(pid) {
  try {
    // The name in parentheses may contain spaces. The fields after the last parenthesis have fixed places (proc_pid_stat(5)).
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), reapedTicks: Number(fields[13]) + Number(fields[14]) };
  } catch {
    return undefined;
  }
}
