/**
 * Signals of one process: their listeners, in order, owned by a launcher (there is no singleton), and the effect of
 * each signal: one table for both launchers.
 */
import { constants } from 'node:os';
import type { Logger } from '../../log/index.js';
import { reopenLogs } from '../../log/internal.js';
import type { LaunchSettings } from '../launcher-options.js';

/** Called with the name of the signal (`SIGTERM`) and its number. */
export type SignalListener = (name: string, number: number) => unknown;

/** The part of `process` that delivers signals. */
export interface SignalSource {
  on(name: string, listener: () => void): unknown;
  off(name: string, listener: () => void): unknown;
}

/** Reports whether this platform has a signal; `SIG_BLOCK` and similar names are not signals. */
export function isSignalSupported(name: string): boolean {
  return Object.hasOwn(constants.signals, name);
}

/** One addition of a listener: the same listener may be added again. */
interface Own {
  readonly listener: SignalListener;
}

/**
 * Calls listeners when a signal arrives, last added first, as exit hooks run. A listener that throws or rejects is
 * logged, and the others still run. Only listeners that were added through this object are ever removed from the
 * process.
 */
export class SignalHandler {
  readonly #source: SignalSource;
  readonly #log: Logger | undefined;
  readonly #listeners = new Map<string, Own[]>();
  readonly #installed = new Map<string, () => void>();

  constructor(options: { source?: SignalSource; log?: Logger } = {}) {
    this.#source = options.source ?? (process as unknown as SignalSource);
    this.#log = options.log;
  }

  isSignalSupported(name: string): boolean {
    return isSignalSupported(name);
  }

  /**
   * Adds a listener; the returned function removes it. A name that this platform does not have is ignored. With `last`
   * the listener runs after all others, whenever they were added; launchers use it.
   */
  addHandler(name: string, listener: SignalListener, options: { last?: boolean } = {}): () => void {
    if (!isSignalSupported(name)) return () => undefined;
    const own = { listener };
    const listeners = this.#listeners.get(name) ?? [];
    this.#listeners.set(name, options.last ? [own, ...listeners] : [...listeners, own]);
    this.#install(name);
    return () => this.#remove(name, own);
  }

  /** Adds one listener for several signals; the returned function removes all of them. */
  addHandlers(names: Iterable<string>, listener: SignalListener, options: { last?: boolean } = {}): () => void {
    const disposers = [...names].map((name) => this.addHandler(name, listener, options));
    return () => {
      for (const dispose of disposers) dispose();
    };
  }

  /** Removes all listeners and leaves the signals to other listeners, or to the system's default. */
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

  #remove(name: string, own: Own): void {
    const left = (this.#listeners.get(name) ?? []).filter((other) => other !== own);
    this.#listeners.set(name, left);
    const deliver = this.#installed.get(name);
    if (left.length > 0 || deliver === undefined) return;
    this.#installed.delete(name);
    this.#source.off(name, deliver);
  }

  /** Calls the listeners of a signal, as if it arrived now. */
  deliver(name: string): void {
    const number = constants.signals[name as NodeJS.Signals];
    // A copy: a listener that clears or adds listeners does not change this delivery.
    for (const { listener } of (this.#listeners.get(name) ?? []).toReversed()) {
      const failed = (error: unknown): void => {
        this.#log?.error({ err: error }, `a handler of ${name} failed`);
      };
      try {
        Promise.resolve(listener(name, number)).catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}

/** Actions of a launcher that signals trigger. */
export interface SignalActions {
  /** Reports whether a stop is in progress. */
  stopping(): boolean;
  /** Remaining time until the deadline, as text. */
  remaining(): string;
  /** Begins a graceful stop. */
  stop(): void;
  /** Ends at once, status 1. */
  halt(): void;
  /** Begins a reload, or schedules another one after the present one; a worker asks for its replacement. */
  reload(): void;
  /** Adds or removes one worker of each service. */
  resize?(by: 1 | -1): void;
  /** Tells workers to reopen their log file. */
  reopenLog?(): void;
  /** Writes a report about the process. */
  report?(): void;
}

/** Circumstances that the table depends on. */
export interface SignalCircumstances {
  readonly settings: () => LaunchSettings;
  readonly log: Logger;
  /**
   * True in a worker, whose supervisor handles two signals for it: SIGINT, which a terminal sends to the whole group, and a second SIGTERM.
   * If SIGTERM is sent to the group, a worker gets two: its own and the supervisor's.
   */
  readonly supervised: boolean;
  readonly isDaemon: () => boolean;
  /** On Windows, Ctrl-C ends a process gracefully, because SIGTERM ends it at once. */
  readonly windows?: boolean;
  /** Clock in milliseconds. Default: `performance.now`. */
  readonly now?: () => number;
}

/** npm forwards SIGINT to its script, which has one from the terminal already: two within this time count as one. */
const SAME_PRESS_MS = 250;

/**
 * Returns the listeners by signal. They only begin actions and never wait, so a SIGTERM during a reload is handled at
 * once.
 */
export function signalTable(actions: SignalActions, given: SignalCircumstances): Record<string, SignalListener> {
  const { settings, log, now = () => performance.now() } = given;
  let interruptedAt = Number.NEGATIVE_INFINITY;

  const terminate = (name: string): void => {
    if (!actions.stopping()) {
      // A fleet's parent has logged it for all workers.
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
    // Log rotation does not wait for anything else.
    reopenLogs(log);
    actions.reopenLog?.();
    if (actions.stopping()) {
      log.notice(`Caught ${name} while stopping, ignored`);
    } else if (settings().sighupForeground === 'stop' && !given.isDaemon()) {
      log.notice(
        `Caught ${name} in the foreground of a terminal, stopping; to reload instead, set sighup_foreground = reload or start it in the background`,
      );
      actions.stop();
    } else if (given.supervised && settings().restartMethod === 'mutate') {
      log.notice(
        `Caught ${name}, ignored: with restart_method = mutate, send it to the parent, which tells all workers`,
      );
    } else {
      log.notice(
        given.supervised
          ? `Caught ${name}, asking the parent to replace this worker; to reload the configuration, send ${name} to the parent`
          : `Caught ${name}, restarting`,
      );
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
