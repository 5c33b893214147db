// CPU time and memory of a process and its descendants, from Linux's /proc.
//
// /proc/<pid>/stat counts in ticks of 10 ms, which is too coarse for a round of one second. The schedstat of each thread counts in
// nanoseconds (Documentation/scheduler/sched-stats.rst). The time of children that have ended is in their parent's stat, in ticks.
import { readdirSync, readFileSync } from 'node:fs';

const MICROS_PER_TICK = 10_000;

/** Reports whether this machine provides the times. */
export function canMeasure() {
  return threadMicros(process.pid).own > 0;
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
    if (stat !== undefined) times.set(pid, { ...threadMicros(pid), reaped: stat.reapedTicks * MICROS_PER_TICK });
  }
  return times;
}

/** Returns the microseconds used between two readings: by the whole tree, by its root, and by all threads beside the main ones. */
export function timeBetween(before, after, root) {
  const sum = (times, of) => [...times.values()].reduce((all, each) => all + of(each), 0);
  const grown = (of) => sum(after, of) - sum(before, of);
  // The whole time of a child that has ended since is in its parent's: what it had used before is in the first sum.
  return {
    total: grown(({ own, reaped }) => own + reaped),
    root: (after.get(root)?.own ?? 0) - (before.get(root)?.own ?? 0),
    side: grown(({ own, main }) => own - main),
  };
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

/** Returns the microseconds of all threads of a process, and of its main thread. */
function threadMicros(pid) {
  const times = { own: 0, main: 0 };
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const micros = Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / 1000;
      times.own += micros;
      if (thread === String(pid)) times.main = micros;
    }
  } catch {
    // The process ended during the reading.
  }
  return times;
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
