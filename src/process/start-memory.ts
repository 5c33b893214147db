/** The memory that only the start of a process has needed: V8 keeps it, a tenth of a worker, until it is asked to return it. */

/** Time after which a start is over, and between two looks at workers. */
const STARTED_MS = 5000;
/** Requests after which code may be optimized: a collection would discard it, and compiling it again takes 0.1 s. */
const FEW_REQUESTS = 100;
/** Larger heaps keep it: their collection would stop the process for longer than 20 to 40 ms, and they need the room. */
const LARGEST_HEAP = 48 * 2 ** 20;

/**
 * Returns it when the start is over, in a process that has had few requests, and has none then. While `rests` returns false, because the
 * process's workers need the CPUs, it is looked at again.
 */
export function returnStartMemory(rests = (): boolean => true): void {
  setTimeout(() => void returnIfIdle(rests).catch(() => undefined), STARTED_MS).unref();
}

/** Rejects in a Node without an inspector, or with one that is refused. */
async function returnIfIdle(rests: () => boolean): Promise<void> {
  const { requestsInHand } = await import('./requests-in-hand.js');
  const { idle, serial } = requestsInHand;
  if (!idle || serial > FEW_REQUESTS || process.memoryUsage().heapUsed > LARGEST_HEAP) return;
  if (!rests()) return returnStartMemory(rests);
  const { Session } = await import('node:inspector');
  const session = new Session();
  session.connect();
  // Not within the callback: there the end of a session stops all timers.
  session.post('HeapProfiler.collectGarbage', () => setImmediate(() => session.disconnect()));
}
