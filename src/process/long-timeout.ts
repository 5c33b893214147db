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
