/**
 * This process and its children, as a report lists them.
 */
import { readdir, readFile } from 'node:fs/promises';

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

/**
 * `Process <pid> (under <ppid>) [ run by: <user> (<uid>), state: <state> ]`, and the same for each child, indented. Reads
 * without holding up the event loop, however many processes the machine has.
 */
export async function processTree(pid: number, parent: number): Promise<string> {
  const all = await processes();
  const own = all.find((each) => each.pid === pid) ?? { pid, parent, state: 'running' };
  const users = await readText('/etc/passwd');
  const lines = async (one: ProcessFacts, indent: string): Promise<string[]> => {
    const owner = await ownerOf(one.pid, users);
    const text = `${indent}Process ${one.pid} (under ${one.parent}) [ run by: ${owner}, state: ${one.state} ]`;
    const children = all.filter((each) => each.parent === one.pid);
    const below: string[] = [];
    for (const child of children) below.push(...(await lines(child, `${indent}  `)));
    return [text, ...below];
  };
  return (await lines(own, '')).join('\n');
}

/** So many files are read at a time: each takes a thread of Node's pool. */
const AT_ONCE = 16;

/** All processes of the machine where it has a /proc; none elsewhere. */
async function processes(): Promise<ProcessFacts[]> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found: (ProcessFacts | undefined)[] = [];
  for (let at = 0; at < names.length; at += AT_ONCE) {
    found.push(...(await Promise.all(names.slice(at, at + AT_ONCE).map(factsOf))));
  }
  return found.filter((facts) => facts !== undefined);
}

async function factsOf(pid: string): Promise<ProcessFacts | undefined> {
  const stat = await readText(`/proc/${pid}/stat`);
  // It ended while we looked.
  if (stat === '') return undefined;
  // The command's name is in parentheses and may hold any character, parentheses too.
  const [state = '', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid: Number(pid), parent: Number(parent), state: STATES[state] ?? state };
}

async function ownerOf(pid: number, users: string): Promise<string> {
  const uid = /^Uid:\s+(\d+)/m.exec(await readText(`/proc/${pid}/status`))?.[1];
  if (uid === undefined) return `unknown (${process.getuid?.() ?? '?'})`;
  const user = new RegExp(`^([^:]*):[^:]*:${uid}:`, 'm').exec(users)?.[1] ?? 'unknown';
  return `${user} (${uid})`;
}

function readText(file: string): Promise<string> {
  return readFile(file, 'latin1').catch(() => '');
}
