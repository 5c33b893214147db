/**
 * Requests to V8: to keep compiled code for the next process, and the shape of an object of Node's; and to return the memory that only a
 * start has needed, a tenth of a worker. Works on import, which must come before most other modules.
 */

import { createHook } from 'node:async_hooks';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { ownFile } from './own-files.js';

/** Node 22.8 and newer; to write it at any time, 22.10. */
interface CompileCache {
  enableCompileCache?(directory: string): unknown;
  flushCompileCache?(): void;
}

/** Time after which a start is over, and between two looks at workers. */
const STARTED_MS = 5000;

/**
 * Caches the compiled code of all modules that are imported from now on, and uses code that an earlier process has cached: a start takes
 * 15 % less CPU time on Node 24 (Node 22.8 and newer; `NODE_COMPILE_CACHE` names another directory, `NODE_DISABLE_COMPILE_CACHE=1` turns
 * it off). A changed module is compiled again.
 *
 * The directory is `.cache` in the package, because only users who can write the code can write there. Node's default is in the system's
 * temporary directory. If it cannot be written, nothing is cached. It is written after the start too: a server may be killed.
 */
export function keepCompiledCode(): void {
  const cache = module as unknown as CompileCache;
  cache.enableCompileCache?.(fileURLToPath(ownFile('../.cache')));
  if (cache.flushCompileCache !== undefined) setTimeout(() => cache.flushCompileCache?.(), STARTED_MS).unref();
}

/**
 * Returns one of the objects in which Node records a `nextTick`. While it is referenced, V8 keeps its shape.
 *
 * Node writes two of its keys by computed names, and V8 has only a weak reference to the shape that they were written to. A full
 * collection while no tick is pending, as in a start that loads many modules, drops the shape. The next tick has a new one, and V8 then
 * treats the write as one with many shapes: every tick of the process, half a dozen per request, calls the runtime twice. Work 1 of the
 * bench took 4.5 µs more.
 */
export function tickOfNode(): object | undefined {
  let tick: object | undefined;
  const hook = createHook({
    init(_id, type, _trigger, resource: object) {
      if (type === 'TickObject') tick ??= resource;
    },
  }).enable();
  process.nextTick(() => undefined);
  hook.disable();
  return tick;
}

/** Exported so that it lives as long as the process. */
export const heldTick = tickOfNode();

/** Requests after which code may be optimized: a collection would discard it, and compiling it again takes 0.1 s. */
const FEW_REQUESTS = 100;
/** Larger heaps keep it: their collection would stop the process for longer than 20 to 40 ms, and they need the room. */
const LARGEST_HEAP = 48 * 2 ** 20;

/**
 * Returns the memory that only the start has needed, which V8 keeps until it is asked for it. Waits until the start is over, and does so
 * in a process that has had few requests, and has none then. While `rests` returns false, because the process's workers need the
 * processors, it is looked at again.
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
