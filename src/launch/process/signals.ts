/**
 * The signals of one process: their listeners, in order, owned by a launcher (there is no singleton); and what each signal does
 * in a process that owns itself: one table for both launchers.
 */
import { constants } from 'node:os';
import type { Logger } from '../../log/index.js';
import { reopenLogs } from '../../log/internal.js';
import type { LaunchSettings } from '../launcher-options.js';

/** Called with the name of the signal that came (`SIGTERM`) and its number. */
export type SignalListener = (name: string, number: number) => unknown;

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
}

/** True for a signal this platform knows; `SIG_BLOCK` and the like are no signals. */
export function isSignalSupported(name: string): boolean {
  return Object.hasOwn(constants.signals, name);
}

/**
 * Calls listeners when a signal comes, the one added last first, as exit hooks run. A listener that throws or rejects is
 * logged and the others still run. Only listeners that came through this object are ever removed from the process.
 */
export class SignalHandler {
  readonly #source: SignalSource;
  readonly #log: Logger | undefined;
  readonly #listeners = new Map<string, SignalListener[]>();
  readonly #installed = new Map<string, () => void>();

  constructor(options: { source?: SignalSource; log?: Logger } = {}) {
    this.#source = options.source ?? (process as unknown as SignalSource);
    this.#log = options.log;
  }

  isSignalSupported(name: string): boolean {
    return isSignalSupported(name);
  }

  /**
   * Adds a listener and gives the function that takes it away. A name this platform does not know is ignored. With
   * `last` the listener runs after all others, whenever they were added: the place of a launcher's own.
   */
  addHandler(name: string, listener: SignalListener, options: { last?: boolean } = {}): () => void {
    if (!isSignalSupported(name)) return () => undefined;
    const own: SignalListener = (...args) => listener(...args);
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, options.last ? [own, ...listeners] : [...listeners, own]);
    this.#install(name);
    return () => this.#remove(name, own);
  }

  /** Adds one listener for several signals; the function it gives takes all of them away. */
  addHandlers(names: Iterable<string>, listener: SignalListener, options: { last?: boolean } = {}): () => void {
    const disposers = [...names].map((name) => this.addHandler(name, listener, options));
    return () => {
      for (const dispose of disposers) dispose();
    };
  }

  /** Forgets all listeners and leaves the signals to other listeners, or to the system's default. */
  clear(): void {
    for (const [name, deliver] of this.#installed) this.#source.off(name, deliver);
    this.#installed.clear();
    this.#listeners.clear();
  }

  #install(name: string): void {
    if (this.#installed.has(name)) return;
    const deliver = (): void => this.deliver(name);
    this.#installed.set(name, deliver);
    this.#source.on(name, deliver);
  }

  #remove(name: string, listener: SignalListener): void {
    const left = (this.#listeners.get(name) ?? []).filter((other) => other !== listener);
    this.#listeners.set(name, left);
    const deliver = this.#installed.get(name);
    if (left.length > 0 || deliver === undefined) return;
    this.#installed.delete(name);
    this.#source.off(name, deliver);
  }

  /** Calls the listeners of a signal, as if it came now. */
  deliver(name: string): void {
    const number = constants.signals[name as NodeJS.Signals];
    // A copy: a listener that clears or adds does not change this delivery.
    for (const listener of (this.#listeners.get(name) ?? []).toReversed()) {
      const failed = (error: unknown): void => {
        this.#log?.error(`a handler of ${name} failed`, { err: error });
      };
      try {
        Promise.resolve(listener(name, number)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

/** Actions that a signal asks of a launcher. */
export interface SignalActions {
  /** A stop is under way. */
  stopping(): boolean;
  /** The time left until the deadline, for people. */
  remaining(): string;
  /** Begins a graceful stop. */
  stop(): void;
  /** Ends at once, status 1. */
  halt(): void;
  /** Begins a reload, or lets the one that runs be followed by another. */
  reload(): void;
  /** One worker more or fewer for each service. */
  resize?(by: 1 | -1): void;
  /** Tells workers to open their log file anew. */
  reopenLog?(): void;
  /** Writes a report of what the process is doing. */
  report?(): void;
}

/** Circumstances that the table depends on. */
export interface SignalCircumstances {
  readonly settings: () => LaunchSettings;
  readonly log: Logger;
  /**
   * A supervisor is there: SIGINT, which a terminal sends to the whole group, is its affair, and so is a second SIGTERM:
   * of one sent to the group a worker sees two, its own and its supervisor's.
   */
  readonly supervised: boolean;
  readonly isDaemon: () => boolean;
  /** On Windows Ctrl-C is the polite way to end a program, for there SIGTERM ends it at once. */
  readonly windows?: boolean;
  /** Milliseconds. Default: `performance.now`. */
  readonly now?: () => number;
}

/** npm passes SIGINT on to its script, which the terminal has sent one already: no user presses twice within so many milliseconds. */
const SAME_PRESS_MS = 250;

/** The listeners, by signal. They only begin things; nothing here waits, so a SIGTERM that comes during a reload is seen at once. */
export function signalTable(actions: SignalActions, given: SignalCircumstances): Record<string, SignalListener> {
  const { settings, log, now = () => performance.now() } = given;
  let interruptedAt = Number.NEGATIVE_INFINITY;

  const terminate = (name: string): void => {
    if (!actions.stopping()) {
      // A fleet's parent has said so once for all.
      log[given.supervised ? 'debug' : 'notice'](`Caught ${name}, stopping`);
      actions.stop();
    } else if (settings().secondTerm === 'force' && !given.supervised) {
      log.notice(`Caught ${name} again, exiting immediately`);
      actions.halt();
    } else {
      log[given.supervised ? 'debug' : 'notice'](
        `Caught ${name} again; already stopping, time left: ${actions.remaining()}`,
      );
    }
  };

  const interrupt = (name: string): void => {
    if (given.supervised) return;
    if (!actions.stopping() && (settings().sigint === 'graceful' || given.windows === true)) {
      interruptedAt = now();
      log.notice(`Caught ${name}, stopping; send it again to exit immediately`);
      actions.stop();
      return;
    }
    if (now() - interruptedAt < SAME_PRESS_MS) return;
    log.notice(`Caught ${name}, exiting immediately`);
    actions.halt();
  };

  const hangUp = (name: string): void => {
    // Whatever else comes of the signal: what rotates logs waits for nothing.
    reopenLogs(log);
    actions.reopenLog?.();
    if (actions.stopping()) {
      log.notice(`Caught ${name} while stopping, ignored`);
    } else if (settings().sighupForeground === 'stop' && !given.isDaemon()) {
      log.notice(
        `Caught ${name} in the foreground of a terminal, stopping; to reload instead, set sighup_foreground = reload or start it in the background`,
      );
      actions.stop();
    } else {
      if (given.supervised) {
        log.warn(
          `Caught ${name}, restarting only this worker: the others keep their configuration until the parent reloads; send ${name} to the parent to reload all`,
        );
      } else log.notice(`Caught ${name}, restarting`);
      actions.reload();
    }
  };

  const resize = (by: 1 | -1) => () => {
    if (!actions.stopping()) actions.resize?.(by);
  };

  return {
    SIGTERM: terminate,
    SIGBREAK: terminate,
    SIGINT: interrupt,
    SIGHUP: hangUp,
    SIGTTIN: resize(1),
    SIGTTOU: resize(-1),
    SIGUSR2: () => actions.report?.(),
  };
}
