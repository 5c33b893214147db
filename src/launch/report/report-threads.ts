/**
 * Where the code of this process stands, as a report shows it.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Session } from 'node:inspector';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** More frames than this say nothing more. */
const FRAMES = 40;

/** A larger file is a bundle, whose lines are no help. */
const LARGEST_SOURCE = 1024 * 1024;

/** The main thread's stack, worker threads by number, and what keeps the event loop alive, counted by kind. */
export async function threads(stack: string): Promise<string> {
  const sources = new Sources();
  const resources = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) resources.set(kind, (resources.get(kind) ?? 0) + 1);
  const counted = [...resources].map(([kind, count]) => `  ${kind}: ${count}`);
  const parts = [`------ Thread #0 (main) ------\n${await frames(stack, sources)}`];
  for (const worker of await workerStacks()) {
    const text = worker.stack === undefined ? NOTHING_RUNS : await frames(worker.stack, sources);
    parts.push(`------ Thread #${worker.id} (worker) ------\n${text}`);
  }
  parts.push(`Active resources:\n${counted.length === 0 ? '  none' : counted.join('\n')}`);
  return parts.join('\n\n');
}

const NOTHING_RUNS = '(no JavaScript is running: the event loop, or native code)';

/** `file:line in function`, each with its line of source beneath where that can be read. */
async function frames(stack: string, sources: Sources): Promise<string> {
  const lines = stack
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
  const source = file.startsWith('/') ? (await sources.linesOf(file))[line - 1]?.trim() : undefined;
  return source === undefined || source === '' ? head : `${head}\n    \`${source.slice(0, 120)}\``;
}

/** The lines of the files that one report shows, each read once, without holding up the event loop. */
class Sources {
  readonly #files = new Map<string, Promise<readonly string[]>>();

  linesOf(file: string): Promise<readonly string[]> {
    const known = this.#files.get(file) ?? this.#read(file);
    this.#files.set(file, known);
    return known;
  }

  async #read(file: string): Promise<readonly string[]> {
    try {
      if ((await stat(file)).size > LARGEST_SOURCE) return [];
      return (await readFile(file, 'utf8')).split('\n');
    } catch {
      // Gone, or not readable: the place alone has to do.
      return [];
    }
  }
}

/** How long worker threads may take to answer. */
const ANSWER_MS = 300;

/** One worker thread. */
interface WorkerStack {
  /** Its `threadId`. */
  readonly id: number;
  /** As `Error.stack` writes frames; absent where no JavaScript was running. */
  readonly stack?: string;
}

/** What the inspector says about a thread, as far as it is read. */
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
 * The worker threads with what they are doing. One that does not answer in time runs no JavaScript:
 * it is idle, or busy in native code. Each is held up for a moment, this thread is not.
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
    // Those there are have been told of by now.
    if (threads.size > 0) await delay(ANSWER_MS, undefined, { signal: over.signal, ref: false }).catch(() => {});
    return [...threads.values()];
  } finally {
    // Else a thread that comes back from native code would be paused then, with no session left to resume it.
    for (const sessionId of threads.keys()) tell(session, sessionId, 3, 'Debugger.disable');
    session.post('NodeWorker.disable');
    session.disconnect();
  }
}

/** Undefined in a Node that was built without an inspector. */
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
