/** The longest delay Node's timers hold; a longer one would fire after 1 ms. */
export const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * As `setTimeout`, for any length, `Infinity` included, and by the monotonic clock. The function it gives takes it back, and is
 * harmless when it has already run. With `unref` the wait alone does not keep the process alive.
 */
export function setLongTimeout(
  fn: () => void,
  ms: number,
  { unref = false }: { readonly unref?: boolean } = {},
): () => void {
  const due = performance.now() + ms;
  let timer: NodeJS.Timeout;
  const arm = (): void => {
    const left = due - performance.now();
    timer = left > LONGEST_DELAY_MS ? setTimeout(arm, LONGEST_DELAY_MS) : setTimeout(fn, Math.max(0, Math.ceil(left)));
    if (unref) timer.unref();
  };
  arm();
  return () => clearTimeout(timer);
}
