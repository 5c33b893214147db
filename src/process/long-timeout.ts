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
