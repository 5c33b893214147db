import { createHook } from 'node:async_hooks';

/** The longest delay of Node's timers; a longer one would fire after 1 ms. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * Works like `setTimeout`, for any delay including `Infinity`, by the monotonic clock. Returns a function that cancels the timer and has
 * no effect after it has fired. With `unref`, the timer alone does not keep the process alive.
 */
export function setLongTimeout(
  fn: () => void,
  ms: number,
  { unref = false }: { readonly unref?: boolean } = {},
): () => void {
  let timer: NodeJS.Timeout;
  const arm = (left: number): void => {
    const isLast = left <= LONGEST_DELAY_MS;
    timer = isLast ? setTimeout(fn, Math.max(0, Math.ceil(left))) : setTimeout(again, LONGEST_DELAY_MS);
    if (unref) timer.unref();
  };
  const due = ms > LONGEST_DELAY_MS ? performance.now() + ms : 0;
  const again = (): void => arm(due - performance.now());
  arm(ms);
  return () => clearTimeout(timer);
}

// Keeps the shape of an object of Node's alive in V8. Works on import, which must come before most other modules.

/**
 * Returns one of the objects in which Node records a `nextTick`. While it is referenced, V8 keeps its shape.
 *
 * Node writes two of its keys by computed names, and V8 has only a weak reference to the shape that they were written to. A full
 * collection while no tick is pending, as in a start that loads many modules, drops the shape. The next tick has a new one, and V8 then
 * treats the write as one with many shapes: every tick of the process, half a dozen per request, calls the runtime twice. Work 1 of the
 * bench took 4.5 µs more.
 */
function tickOfNode(): object | undefined {
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
