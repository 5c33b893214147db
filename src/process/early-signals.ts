/**
 * Handles the signals of an application before its launcher listens. Without a listener, Node ends the process by the signal's default
 * action, with the exit status 143 although nothing failed. The end of its first parent may be such a sign too.
 */

/** Options of early signal handling. */
interface EarlyOptions {
  /**
   * Whether the application is known to do nothing before it launches. Default true. False for an application that may be a job of another kind:
   * a signal is then held for {@link GRACE_MS}, so that a launcher can take over or the job can finish.
   */
  readonly launches?: boolean;
}

/** The time that an application which may be about to launch runs on after SIGTERM or SIGHUP, in milliseconds. */
const GRACE_MS = 2000;

/** The key of a process's early listeners, for the launcher that replaces them. */
const EARLY = Symbol.for('portico.early-signals');
/** The key of a worker's link. In a worker, the bootstrap listens already. */
const WORKER = Symbol.for('portico.worker');

type Marked = { [EARLY]?: EarlySignals; [WORKER]?: unknown };

interface EarlySignals {
  /** Whether a SIGHUP was received. */
  readonly hungUp: boolean;
  /** Declares that the application launches: a SIGTERM, held or later, ends it with status 0. */
  launches(): void;
  release: Release;
}

/** Ends the hold. With `raise`, the held signals are sent again and have their default action. */
type Release = (how?: { readonly raise?: boolean }) => void;

/**
 * Listens for signals until a launcher does or the returned function is called. SIGINT ends the process with status 1. In an application that
 * launches, SIGTERM ends it with 0, because no work is in progress, and SIGHUP is remembered. An application that may be another job ends
 * with 143 or 129, as by the signal, unless it launches within {@link GRACE_MS}. A signal that has another listener is left to it. Takes
 * effect once per process, and not in a worker.
 */
export function holdSignals({ launches = true }: EarlyOptions = {}): Release {
  const marked = process as Marked;
  if (marked[EARLY] !== undefined || marked[WORKER] !== undefined) {
    if (launches) marked[EARLY]?.launches();
    return () => undefined;
  }
  const signals = listen(launches, () => delete marked[EARLY]);
  marked[EARLY] = signals;
  return signals.release;
}

/**
 * Ends the hold of {@link holdSignals}, because a launcher now listens. Ends the process with 0 if a SIGTERM was held. Returns whether a
 * SIGHUP was received.
 */
export function takeHeldSignals(host: object): boolean {
  const signals = (host as Marked)[EARLY];
  signals?.launches();
  signals?.release();
  return signals?.hungUp === true;
}

function listen(launching: boolean, released: () => void): EarlySignals {
  const kept = new Set<string>();
  let launches = launching;
  let grace: NodeJS.Timeout | undefined;
  const keep = (name: string, status: number): void => {
    kept.add(name);
    if (!launches && process.listenerCount(name) === 1) grace ??= setTimeout(() => process.exit(status), GRACE_MS);
  };
  const listeners: Readonly<Record<string, () => void>> = {
    SIGTERM: () => {
      if (process.listenerCount('SIGTERM') > 1) return;
      if (launches) process.exit(0);
      else keep('SIGTERM', 143);
    },
    SIGINT: () => {
      if (process.listenerCount('SIGINT') === 1) process.exit(1);
    },
    SIGHUP: () => keep('SIGHUP', 129),
  };
  for (const [name, listener] of Object.entries(listeners)) process.on(name, listener);
  return {
    get hungUp() {
      return kept.has('SIGHUP');
    },
    launches: () => {
      launches = true;
      clearTimeout(grace);
      if (kept.has('SIGTERM')) process.exit(0);
    },
    release: ({ raise = false } = {}) => {
      clearTimeout(grace);
      for (const [name, listener] of Object.entries(listeners)) process.off(name, listener);
      released();
      if (raise) for (const name of kept) process.kill(process.pid, name);
    },
  };
}

/** The id of the parent process when the first modules of this process were loaded. */
export const firstParent = process.ppid;
