/**
 * Log files of this process, for reopening all of them.
 */

/** A function for each file that loggers write to, which reopens it. Collected together with its logger. */
const reopeners = new Set<WeakRef<() => void>>();

function live(): (() => void)[] {
  return [...reopeners].flatMap((held) => {
    const reopen = held.deref();
    if (reopen === undefined) reopeners.delete(held);
    return reopen ?? [];
  });
}

/** Adds a file that {@link reopenLogs} reopens. */
export function noteReopener(reopen: () => void): void {
  live();
  reopeners.add(new WeakRef(reopen));
}

/**
 * Reopens all log files of this process by their names, each once; `own`: a logger that `createLogger` may not have
 * created.
 */
export function reopenLogs(own: { readonly reopen?: (() => void) | undefined }): void {
  const known = live();
  for (const reopen of known) reopen();
  if (own.reopen !== undefined && !known.includes(own.reopen)) own.reopen();
}
