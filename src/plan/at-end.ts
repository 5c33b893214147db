/** Work for the end of the process, also by a signal: nothing must outlast it, such as a temporary directory or a child. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Returns a function that calls `clean` once; the end of the process calls it too, the last one first. */
export function atEnd(clean: () => void): () => void {
  let isClean = false;
  const cleanOnce = (): void => {
    if (isClean) return;
    isClean = true;
    process.off('exit', cleanOnce);
    for (const signal of SIGNALS) process.off(signal, ended);
    clean();
  };
  const ended = (signal: NodeJS.Signals): void => {
    cleanOnce();
    process.kill(process.pid, signal);
  };
  process.prependOnceListener('exit', cleanOnce);
  for (const signal of SIGNALS) process.prependOnceListener(signal, ended);
  return cleanOnce;
}
