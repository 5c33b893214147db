/** The memory that only the start of a process has needed: V8 keeps it, a tenth of a worker, until it is asked to return it. */

/** Time after which a start is over. */
const STARTED_MS = 5000;
/** Time without a new request before a collection, which takes 20 to 40 ms. */
const QUIET_MS = 1000;
/** Larger heaps keep it: their collection would stop the process for longer, and they need the room. */
const LARGEST_HEAP = 48 * 2 ** 20;

/** Returns it once, when the start is over and no request is in progress, unless the heap is large. */
export function returnStartMemory(): void {
  setTimeout(() => void returnWhenQuiet(), STARTED_MS).unref();
}

async function returnWhenQuiet(): Promise<void> {
  const { requestsInHand } = await import('./requests-in-hand.js');
  const lookLater = (seen: number): void => {
    setTimeout(() => {
      const { idle, serial } = requestsInHand;
      if (idle && serial === seen) collectGarbage().catch(() => undefined);
      else lookLater(serial);
    }, QUIET_MS).unref();
  };
  lookLater(requestsInHand.serial);
}

/** Rejects in a Node without an inspector, or with one that is refused. */
async function collectGarbage(): Promise<void> {
  if (process.memoryUsage().heapUsed > LARGEST_HEAP) return;
  const { Session } = await import('node:inspector');
  const session = new Session();
  session.connect();
  // Not within the callback: there the end of a session stops all timers.
  session.post('HeapProfiler.collectGarbage', () => setImmediate(() => session.disconnect()));
}
