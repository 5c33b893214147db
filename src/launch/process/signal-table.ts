/**
 * What each signal does in a process that owns itself: one table for both launchers.
 *
 * The entries only begin things; nothing here waits, so a SIGTERM that comes during a reload is seen at once.
 */
import type { Logger } from '../../log/index.js';
import type { LaunchSettings } from '../launcher-options.js';
import type { SignalListener } from './signal-handler.js';

/** What a launcher can be asked by a signal. */
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

/** What the table depends on. */
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
}

/** The listeners, by signal. */
export function signalTable(actions: SignalActions, given: SignalCircumstances): Record<string, SignalListener> {
  const { settings, log } = given;

  const terminate = (name: string): void => {
    if (!actions.stopping()) {
      // A fleet's parent has said so once for all.
      log[given.supervised ? 'debug' : 'notice'](`Caught ${name}, stopping`);
      actions.stop();
    } else if (settings().secondTerm === 'force' && !given.supervised) {
      log.notice(`Caught ${name} again, exiting at once`);
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
      log.notice(`Caught ${name}, stopping; once more to exit at once`);
      actions.stop();
      return;
    }
    log.notice(`Caught ${name}, exiting at once`);
    actions.halt();
  };

  const hangUp = (name: string): void => {
    // Whatever else comes of the signal: what rotates logs waits for nothing.
    log.reopen?.();
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
          `Caught ${name}, restarting this worker alone: its siblings keep the configuration they have until the parent reloads; send ${name} to the parent to reload all`,
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
