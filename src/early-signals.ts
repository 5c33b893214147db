/**
 * The signals of a program between its first instruction and its launcher: without a listener Node ends the process by
 * the signal's default action, and the exit status says 143 where nothing failed.
 */

/** The part of `process` that is needed. */
export interface EarlyProcess {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
  listenerCount(name: string): number;
  exit(status: number): void;
}

/** Where a process holds its early listeners, for whoever takes over from them. */
const EARLY = Symbol.for('portico.early-signals');
/** Where a worker's process has its link: its bootstrap listens already. */
const WORKER = Symbol.for('portico.worker');

type Marked = { [EARLY]?: EarlySignals; [WORKER]?: unknown };

interface EarlySignals {
  /** A SIGHUP came. */
  hungUp: boolean;
  release(): void;
}

/**
 * Listens from now on, until a launcher does or the function it gives is called: TERM ends the process with 0, for
 * nothing is under way, INT with 1; HUP is remembered. Where somebody else listens to a signal too, it is theirs. Done
 * once a process, and not in a worker.
 */
export function holdSignals(host: EarlyProcess = process): () => void {
  const marked = host as Marked;
  if (marked[EARLY] !== undefined || marked[WORKER] !== undefined) return () => undefined;
  const listeners = new Map<string, () => void>();
  const end = (name: string, status: number) => () => {
    if (host.listenerCount(name) === 1) host.exit(status);
  };
  const signals: EarlySignals = {
    hungUp: false,
    release: () => {
      for (const [name, listener] of listeners) host.off(name, listener);
      if (marked[EARLY] === signals) delete marked[EARLY];
    },
  };
  listeners.set('SIGTERM', end('SIGTERM', 0));
  listeners.set('SIGINT', end('SIGINT', 1));
  listeners.set('SIGHUP', () => {
    signals.hungUp = true;
  });
  for (const [name, listener] of listeners) host.on(name, listener);
  marked[EARLY] = signals;
  return signals.release;
}

/** Ends what {@link holdSignals} began, because somebody else listens by now. True when a SIGHUP came meanwhile. */
export function takeHeldSignals(host: object): boolean {
  const signals = (host as Marked)[EARLY];
  signals?.release();
  return signals?.hungUp === true;
}
