/**
 * The signals of a program between its first instruction and its launcher: without a listener Node ends the process by
 * the signal's default action, and the exit status says 143 where nothing failed.
 */

/** Options of early signal handling. */
interface EarlyOptions {
  /**
   * It does nothing before it launches, as far as anybody knows. Default true. False for a program that may be a job of
   * another kind: a signal is kept for {@link GRACE_MS}, in which a launcher may be there or the job may be done.
   */
  readonly launches?: boolean;
}

/** How long a program that may be about to launch goes on after TERM or HUP, in milliseconds. */
const GRACE_MS = 2000;

/** Key of a process's early listeners, for the launcher that takes over from them. */
const EARLY = Symbol.for('portico.early-signals');
/** Key of a worker's link: its bootstrap listens already. */
const WORKER = Symbol.for('portico.worker');

type Marked = { [EARLY]?: EarlySignals; [WORKER]?: unknown };

interface EarlySignals {
  /** A SIGHUP came. */
  readonly hungUp: boolean;
  /** From now on it is known that it launches: a TERM that came, or comes, ends it with 0. */
  launches(): void;
  release: Release;
}

/** Ends the hold. With `raise` the signals that were kept have their default action, as if they came now. */
type Release = (how?: { readonly raise?: boolean }) => void;

/**
 * Listens from now on, until a launcher does or the function it gives is called. INT ends the process with 1. In a program
 * that launches TERM ends it with 0, for nothing is under way, and HUP is remembered. One that may be something else ends
 * with 143 and 129, as by the signal, unless it launches soon. A signal that has another listener too is left to it.
 * Done once a process, and not in a worker.
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
 * Ends what {@link holdSignals} began, because a launcher listens by now; the process ends if a SIGTERM is kept. True when
 * a SIGHUP came meanwhile.
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
