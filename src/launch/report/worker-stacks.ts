/**
 * Where the worker threads of this process stand. Asked through the inspector, which waits for nobody: Node's own report
 * stands still until every thread has answered, and one that is busy in native code answers when it is done.
 */
import type { Session } from 'node:inspector';
import { setTimeout as delay } from 'node:timers/promises';

/** One worker thread. */
export interface WorkerStack {
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
 * The worker threads with what they are doing. One that does not answer within `limitMs` (default 300) runs no JavaScript:
 * it is idle, or busy in native code. Each is held up for a moment, this thread is not.
 */
export async function workerStacks(limitMs = 300): Promise<WorkerStack[]> {
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
    if (threads.size > 0) await delay(limitMs, undefined, { signal: over.signal, ref: false }).catch(() => {});
    return [...threads.values()];
  } finally {
    // Else a thread that comes back from native code would be paused then, with nobody there to let it go on.
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
