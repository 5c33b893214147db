/**
 * Runs in every worker before the program's main module: `node --import <this file> main.js`.
 *
 * The one module of the toolkit that acts when it is imported; it does nothing in a process that is no worker, nor in a
 * worker thread, which inherits the `--import`.
 */

import { createHook } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';
import type { ToParent } from '../worker-message.js';

const assigned = isMainThread && process.send !== undefined ? process.env.PORTICO_WORKER : undefined;

/** Exported so that it lives as long as the process. */
export const heldTick = assigned === undefined ? undefined : tickOfNode();

if (assigned !== undefined) {
  // Before anything else is loaded: a SIGTERM that came in between would kill the process by its default action.
  const ended: ToParent = { kind: 'ended', status: 0, cutOff: false };
  const stopped = (): void => {
    // It is asked for: no start that failed. A message this short is in the channel when `send` returns.
    process.send?.(ended);
    process.off('exit', unexplained);
    process.exit(0);
  };
  let unexplained: () => void = () => undefined;
  const ignored = (): void => undefined;
  process.on('SIGTERM', stopped);
  process.on('SIGINT', ignored);
  process.on('SIGHUP', ignored);
  const releaseSignals = (): void => {
    process.off('SIGTERM', stopped);
    process.off('SIGINT', ignored);
    process.off('SIGHUP', ignored);
  };
  delete process.env.PORTICO_WORKER;
  const { beginWork } = await import('./parent-link.js');
  unexplained = await beginWork(assigned, releaseSignals);
}

/**
 * One of the objects in which Node notes a `nextTick`. While it is referenced V8 keeps its shape.
 *
 * Node writes two keys of it by computed names, and V8 remembers by a weak reference which shape they were written to. A
 * full collection in which no tick is pending, as a start that loads many modules has one, drops the shape; the next tick
 * has another, and V8 then takes the place for one of many shapes: every tick of the process, half a dozen a request,
 * calls the runtime twice. Work 1 of the bench took 4.5 µs more in workers. To be called before anything else is loaded.
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
