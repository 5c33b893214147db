/**
 * Subjects of a report: the services of this process, the stacks of its threads, and its child processes.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import type { Session } from 'node:inspector';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config/index.js';
import type { Counted, FailedRequests, ShownRefusals } from '../../counts/index.js';
import { withSourceLines } from '../../process/index.js';
import type { ServiceBase } from '../../service/index.js';
import type { Activity, PeriodicStatus } from '../../tasks/index.js';

/** A request without a response so far. */
export interface ReportedRequest {
  readonly method: string;
  /** Path without its query, which may hold secrets. */
  readonly path: string;
  readonly ageMs: number;
  /** The holder of its slot: `application` if its application is at work, `waiting` if it is queued. */
  readonly slot?: string;
  /** Address of its client. */
  readonly peer?: string;
}

/** Optional members of a service, in addition to its four methods. */
export interface Telling {
  readonly tasks?: { activity?(): Iterable<Activity> };
  readonly periodicTasks?: readonly { status(): Iterable<PeriodicStatus> }[];
  /** Requests without a response so far. */
  requestsInFlight?(): Iterable<ReportedRequest>;
  /** Of these, those that a reload has left to the former configuration. */
  requestsLeft?(): Iterable<ReportedRequest>;
  /** Work of the former configuration, to which a reload has left it: a line each. */
  formerWork?(): readonly string[];
  /** Returns the expiry of its certificate in a configuration. */
  certificateEndsIn?(config: Config): Date | undefined;
  /** Returns why clients may not trust it. */
  certificateUntrustedIn?(config: Config): string | undefined;
  /** Returns why its record in the registry cannot be kept alive, or that it is disabled; undefined otherwise. */
  registryTrouble?(): string | undefined;
  readonly meter?: {
    /** Number of requests that it has cut off at the deadline of a stop or a drain. */
    readonly cutOffRequests?: number;
    /** Numbers of open connections by state, and their limit. */
    readonly connections?: {
      readonly open: number;
      readonly limit: number | undefined;
      readonly idle: number;
      readonly receiving: number;
      readonly lingering: number;
      /** True if the process had no free descriptor within the last minute. */
      readonly lacksDescriptors: boolean;
      /** True if it has none now. */
      readonly isOutOfDescriptors: boolean;
    };
    /** Problems of resources that it needs, such as a broker; it serves regardless. */
    troubles?(): readonly string[];
    /** Number of remote calls that it handles, and that it waits for; those that it handles, oldest first. */
    readonly calls?:
      | { readonly running: number; readonly pending: number; readonly open: Iterable<ReportedRequest> }
      | undefined;
    /** Its failed requests of the last ten minutes. */
    readonly failures?: readonly FailedRequests[];
    /** Its refused requests of the last ten minutes. */
    readonly refusals?: readonly ShownRefusals[];
    /** Returns its counts since the last call. */
    take(): Counted;
  };
}

export function activityOf(services: Iterable<ServiceBase & Telling>): Activity[] {
  return [...services].flatMap(({ tasks }) => [...(tasks?.activity?.() ?? [])]);
}

export function requestsOf(services: Iterable<ServiceBase & Telling>): ReportedRequest[] {
  return [...services].flatMap((service) => [...(service.requestsInFlight?.() ?? [])]);
}

/** Most frames of a stack. */
const FRAMES = 40;

/** A larger file is a bundle, whose lines are of no use. */
const LARGEST_SOURCE = 1024 * 1024;

/** Files whose lines a report shows. */
type Sources = Map<string, Promise<readonly string[]>>;

/** Returns the main thread's stack, worker threads by number, and the resources that keep the event loop alive. */
export async function threads(stack: string): Promise<string> {
  const sources: Sources = new Map();
  const counted = Object.entries(activeResources()).map(([kind, count]) => `  ${kind}: ${count}`);
  const parts = [`------ Thread #0 (main) ------\n${await frames(stack, sources)}`];
  for (const worker of await workerStacks()) {
    const text = worker.stack === undefined ? NOTHING_RUNS : await frames(worker.stack, sources);
    parts.push(`------ Thread #${worker.id} (worker) ------\n${text}`);
  }
  parts.push(`Active resources:\n${counted.length === 0 ? '  none' : counted.join('\n')}`);
  return parts.join('\n\n');
}

/** Counts the resources that keep the event loop alive, by kind. */
export function activeResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const NOTHING_RUNS = '(no JavaScript is running: idle event loop, or native code)';

/** Returns `file:line in function` for each frame, with its source line below if it can be read. */
async function frames(stack: string, sources: Sources): Promise<string> {
  const lines = withSourceLines(stack)
    .split('\n')
    .map((line) => /^\s*at (?:(.*?) \()?(.*?):(\d+)(?::\d+)?\)?$/.exec(line))
    .filter((match) => match !== null)
    .slice(0, FRAMES);
  if (lines.length === 0) return NOTHING_RUNS;
  const texts: string[] = [];
  for (const [, name, file, line] of lines) {
    texts.push(await frame(name ?? '(top level)', file!, Number(line), sources));
  }
  return texts.join('\n');
}

async function frame(name: string, url: string, line: number, sources: Sources): Promise<string> {
  const file = url.startsWith('file:') ? fileURLToPath(url) : url;
  const head = `${file}:${line} in ${name}`;
  const source = file.startsWith('/') ? (await linesOf(file, sources))[line - 1]?.trim() : undefined;
  return source === undefined || source === '' ? head : `${head}\n    \`${source.slice(0, 120)}\``;
}

/** Returns the lines of a file, read once for each report without blocking the event loop. */
function linesOf(file: string, sources: Sources): Promise<readonly string[]> {
  const lines = sources.get(file) ?? readLines(file);
  sources.set(file, lines);
  return lines;
}

async function readLines(file: string): Promise<readonly string[]> {
  try {
    return (await stat(file)).size > LARGEST_SOURCE ? [] : (await readFile(file, 'utf8')).split('\n');
  } catch {
    // Missing or not readable: the location alone is shown.
    return [];
  }
}

/** Time that worker threads have to respond. */
const ANSWER_MS = 300;

/** One worker thread. */
interface WorkerStack {
  /** Its `threadId`. */
  readonly id: number;
  /** Frames in the form of `Error.stack`; absent if no JavaScript was running. */
  readonly stack?: string;
}

/** The part of the inspector's message about a thread that is used. */
interface Message {
  readonly method?: string;
  readonly params?: {
    readonly callFrames?: readonly {
      readonly functionName: string;
      readonly url: string;
      readonly location: { readonly lineNumber: number; readonly columnNumber?: number };
    }[];
  };
}

/**
 * Returns the worker threads with their stacks. A thread that does not respond in time runs no JavaScript: it is idle,
 * or busy in native code. Each one is paused for a moment; this thread is not.
 */
async function workerStacks(): Promise<WorkerStack[]> {
  const session = await openSession();
  if (session === undefined) return [];
  const threads = new Map<string, { readonly id: number; stack?: string }>();
  const over = new AbortController();
  session.on('NodeWorker.attachedToWorker', ({ params: { sessionId, workerInfo } }) => {
    threads.set(sessionId, { id: Number(workerInfo.workerId) });
    for (const [index, method] of ['Debugger.enable', 'Debugger.pause'].entries()) {
      tell(session, sessionId, index, method);
    }
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
    const { method, params } = JSON.parse(message) as Message;
    const thread = threads.get(sessionId);
    if (method !== 'Debugger.paused' || thread === undefined) return;
    tell(session, sessionId, 2, 'Debugger.resume');
    thread.stack = framesOf(params);
    if ([...threads.values()].every(({ stack }) => stack !== undefined)) over.abort();
  });
  try {
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
    // All present threads have been reported by now.
    if (threads.size > 0) await delay(ANSWER_MS, undefined, { signal: over.signal, ref: false }).catch(() => {});
    return [...threads.values()];
  } finally {
    // Otherwise a thread that returns from native code would be paused then, with no session left to resume it.
    for (const sessionId of threads.keys()) tell(session, sessionId, 3, 'Debugger.disable');
    session.post('NodeWorker.disable');
    session.disconnect();
  }
}

/** Returns undefined if Node was built without an inspector. */
async function openSession(): Promise<Session | undefined> {
  try {
    const { Session: Inspector } = await import('node:inspector');
    const session = new Inspector();
    session.connect();
    return session;
  } catch {
    return undefined;
  }
}

function tell(session: Session, sessionId: string, id: number, method: string): void {
  session.post('NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method }) });
}

function framesOf(params: Message['params']): string {
  return (params?.callFrames ?? [])
    .map(({ functionName, url, location: { lineNumber, columnNumber = 0 } }) => {
      const place = `${url || 'evalmachine.<anonymous>'}:${lineNumber + 1}:${columnNumber + 1}`;
      return `    at ${functionName || '<anonymous>'} (${place})`;
    })
    .join('\n');
}

/** Facts of one process. */
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
 * Returns `Process <pid> (under <ppid>) [ run by: <user> (<uid>), state: <state> ]`, and the same for each child,
 * indented. Reads without blocking the event loop, however many processes the machine has.
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

/** Number of files that are read at a time: each occupies a thread of Node's pool. */
const AT_ONCE = 16;

/** Returns all processes of the machine if it has /proc, else none. */
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
  // The process has ended meanwhile.
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
