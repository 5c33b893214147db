/**
 * This process and its children, as a report lists them.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** What is known of one process. */
interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
}

/** proc(5), `/proc/<pid>/stat`, field 3. */
const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'disk-sleep',
  T: 'stopped',
  t: 'tracing-stop',
  Z: 'zombie',
  X: 'dead',
  I: 'idle',
};

/** `Process <pid> (under <ppid>) [ run by: <user> (<uid>), state: <state> ]`, and the same for each child, indented. */
export function processTree(pid: number, parent: number): string {
  const all = processes();
  const own = all.find((each) => each.pid === pid) ?? { pid, parent, state: 'running' };
  const lines = (one: ProcessFacts, indent: string): string[] => [
    `${indent}Process ${one.pid} (under ${one.parent}) [ run by: ${ownerOf(one.pid)}, state: ${one.state} ]`,
    ...all.filter((each) => each.parent === one.pid).flatMap((child) => lines(child, `${indent}  `)),
  ];
  return lines(own, '').join('\n');
}

/** All processes of the machine where it has a /proc; none elsewhere. */
function processes(): ProcessFacts[] {
  let names: string[];
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The command's name is in parentheses and may hold any character, parentheses too.
      const [state = '', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(name), parent: Number(parent), state: STATES[state] ?? state }];
    } catch {
      // It ended while we looked.
      return [];
    }
  });
}

function ownerOf(pid: number): string {
  try {
    const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '?';
    const user = new RegExp(`^([^:]*):[^:]*:${uid}:`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))?.[1] ?? 'unknown';
    return `${user} (${uid})`;
  } catch {
    return `unknown (${process.getuid?.() ?? '?'})`;
  }
}
