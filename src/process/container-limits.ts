/** Limits of the container that this process runs in: cgroups(7), version 1 and 2. */
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** The mount of cgroups, and the groups of this process as in `/proc/self/cgroup`. Default: those of the system. */
export interface CgroupPlace {
  readonly mount: string;
  readonly groups: string;
}

/** Number of CPUs that this process may use, at least 1: those of the machine, or fewer by a limit of its container. */
export function processors(place?: CgroupPlace): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(processorLimit(place))));
}

/** CPUs that the container may use, such as 1.5; `Infinity` without a limit. */
export function processorLimit(place?: CgroupPlace): number {
  const two = cgroupFiles('', 'cpu.max', place).map((file) => shareOf(wordsIn(file)));
  const one = cgroupFiles('cpu', 'cpu.cfs_quota_us', place).map((file) => {
    const [quota] = wordsIn(file);
    const [period] = wordsIn(file.replace('quota', 'period'));
    return shareOf([quota, period]);
  });
  return Math.min(...two, ...one);
}

/** Bytes of memory that the container may use; `Infinity` without a limit, or with one above the memory of the machine. */
export function memoryLimit(place?: CgroupPlace): number {
  const files = [...cgroupFiles('', 'memory.max', place), ...cgroupFiles('memory', 'memory.limit_in_bytes', place)];
  // Version 1 writes no limit as a number far beyond any memory.
  const limits = files.map((file) => Number(wordsIn(file)[0])).filter((limit) => limit > 0 && limit < totalmem());
  return Math.min(Number.POSITIVE_INFINITY, ...limits);
}

/** Memory of a worker with a small application, in bytes. */
const WORKER_BYTES = 64 * 2 ** 20;

/** Most workers of a service, by the memory of the machine or container, at least 16: a slip of the keyboard must not start a million. */
export function mostWorkers(): number {
  return Math.max(16, Math.floor(Math.min(totalmem(), memoryLimit()) / WORKER_BYTES));
}

/** Describes the limits of the container: `1.5 CPUs, 512 MiB of memory`. Undefined without a limit. */
export function describeLimits(place?: CgroupPlace): string | undefined {
  const limit = processorLimit(place);
  const memory = memoryLimit(place);
  const parts = [
    ...(limit === Number.POSITIVE_INFINITY ? [] : [`${limit} ${limit === 1 ? 'CPU' : 'CPUs'}`]),
    ...(memory === Number.POSITIVE_INFINITY ? [] : [`${Math.round(memory / 2 ** 20)} MiB of memory`]),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** A quota of `max`, or -1, is no limit. */
function shareOf([quota, period]: readonly (string | undefined)[]): number {
  const share = Number(quota) / Number(period);
  return share > 0 ? share : Number.POSITIVE_INFINITY;
}

/**
 * Returns the paths that a file of the cgroup of this process may have, and of the groups above it, whose limits hold too. `controller`:
 * that of version 1; empty for version 2. Within a container the path may be that of the host, and the group is mounted at the top.
 */
export function cgroupFiles(controller: string, name: string, place: CgroupPlace = systemPlace()): string[] {
  const { mount, groups } = place;
  return groups.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined || !controllers!.split(',').includes(controller)) return [];
    const folders = path.split('/').filter((part) => part !== '');
    const above = folders.map((_, at) => `/${folders.slice(0, folders.length - at).join('/')}`);
    const mounted = controller === '' ? [mount] : [`${mount}/${controllers}`, `${mount}/${controller}`];
    return [...new Set(mounted)].flatMap((top) => [...above, ''].map((group) => `${top}${group}/${name}`));
  });
}

function systemPlace(): CgroupPlace {
  return { mount: '/sys/fs/cgroup', groups: textOf('/proc/self/cgroup') };
}

function wordsIn(file: string): string[] {
  return textOf(file).trim().split(/\s+/);
}

/** Returns `''` for a file that cannot be read: there are none on other systems. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
