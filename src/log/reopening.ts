/**
 * The log files of this process, to open all of them anew.
 */

/** Of each file that loggers write to: opens it anew. A logger that is dropped takes it along. */
const reopeners = new Set<WeakRef<() => void>>();

function live(): (() => void)[] {
  return [...reopeners].flatMap((held) => {
    const reopen = held.deref();
    if (reopen === undefined) reopeners.delete(held);
    return reopen ?? [];
  });
}

/** Adds a file that {@link reopenLogs} opens anew. */
export function noteReopener(reopen: () => void): void {
  live();
  reopeners.add(new WeakRef(reopen));
}

/** Opens all log files of this process anew, by their names, each once; `own`: a logger that may be of another make. */
export function reopenLogs(own: { readonly reopen?: (() => void) | undefined }): void {
  const known = live();
  for (const reopen of known) reopen();
  if (own.reopen !== undefined && !known.includes(own.reopen)) own.reopen();
}
