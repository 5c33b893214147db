/**
 * A launcher's control of its process: it listens to the signals, and keeps the process alive while it waits.
 */

import type { Logger } from '../log/index.js';
import { takeHeldSignals } from '../process/index.js';
import { HeldShutdown } from '../spans/internal.js';
import { within } from '../tasks/internal.js';
import type { LaunchSettings } from './launcher-options.js';
import {
  claimProcess,
  currentProcess,
  exitProcess,
  type HostProcess,
  holdAlive,
  outliveTerminal,
  rememberForeground,
  tolerateBrokenOutput,
} from './process/host-process.js';
import { type SignalActions, SignalHandler, signalTable } from './process/signals.js';
import { LETTING_GO_MS } from './services/service-run.js';
import { settled } from './waiting.js';
import type { LoopFacts } from './worker/loop-facts.js';
import { startWatching, type Watch } from './worker/watch.js';

/** Options of an {@link OwnedProcess}. */
export interface Ownership {
  readonly host: HostProcess;
  readonly log: Logger;
  /** False: the process belongs to its application, and the launcher does not touch it. */
  readonly owned: boolean;
  /** True for a process that runs services without a supervisor that would detect a stuck event loop. */
  readonly watched?: boolean;
  /** True if the process has a supervisor. */
  readonly supervised: boolean;
  readonly settings: () => LaunchSettings;
  readonly actions: SignalActions;
  /** Called after an unhandled error, to begin a stop. Not called if there is a supervisor. */
  readonly crashed: (error: unknown) => void;
  /** Settles with the exit status when everything has stopped. */
  readonly ended: Promise<number>;
}

/** Time that a process has to end by itself while there is work that the launcher does not wait for. */
const LEFT_BEHIND_MS = 1000;
/** The same after its deadline has passed. */
const OVERDUE_MS = 250;

/** Marks the listeners of launchers, whichever copy of this package they come from. */
const LAUNCHERS_OWN = Symbol.for('portico.unhandled');

export class OwnedProcess {
  readonly signalHandler: SignalHandler;
  readonly #given: Ownership;
  readonly #tracing: HeldShutdown;
  readonly #leftBehind = new Set<Promise<unknown>>();
  /** Event-loop facts of its last heartbeat, if no parent watches it. */
  loop: LoopFacts | undefined;
  #watch: Watch | undefined;
  #taken = false;
  #crashed = false;
  /** True if a signal has requested the stop. */
  signalled = false;
  #graceMs = LEFT_BEHIND_MS;
  #saidEnded = false;
  /** True if the process must end by the stop, because the application has not requested it. */
  #ends = false;

  constructor(given: Ownership) {
    this.#given = given;
    this.#tracing = new HeldShutdown(given.actions.stopping);
    this.signalHandler = new SignalHandler({ source: given.host, log: given.log });
  }

  /**
   * Listens to the signals from now on, after the handlers of the application. Done once; returns true if it was done
   * before.
   */
  take(): boolean {
    const { owned, actions, host, ended, settings, log, supervised, watched } = this.#given;
    if (!owned || this.#taken) return false;
    this.#taken = true;
    this.#tracing.take();
    if (!supervised) {
      this.#catchUnhandled();
      void ended.then((status) => this.#endAnyway(status));
      if (watched && host === currentProcess()) {
        const told = (_: boolean, loop: LoopFacts): void => {
          this.loop = loop;
        };
        this.#watch = startWatching({ supervised: false, settings, told });
        void ended.then(this.#watch.end);
      }
    }
    const restore = tolerateBrokenOutput(host);
    void ended.then(restore);
    outliveTerminal(host);
    const windows = host.platform === 'win32';
    const isDaemon = rememberForeground();
    const stop = (): void => {
      this.signalled = true;
      this.#tracing.heard();
      actions.stop();
    };
    const table = signalTable({ ...actions, stop }, { settings, log, supervised, isDaemon, windows });
    for (const [name, act] of Object.entries(table)) this.signalHandler.addHandler(name, act, { last: true });
    // The bootstrap holds signals from the first moment on; they are delivered now.
    if (takeHeldSignals(host)) this.signalHandler.deliver('SIGHUP');
    return true;
  }

  /**
   * Kills the process shortly after this time if its event loop is stuck; 0 cancels. A supervisor does this for its
   * workers.
   */
  killAfter(ms: number): void {
    this.#watch?.killAfter(ms);
  }

  /** Called when all services are ready. */
  serves(): void {
    this.#watch?.serves();
  }

  /** Records a stop that the application has not requested: the process ends by it, whatever keeps it alive. */
  noteEnds(): void {
    this.#ends = true;
  }

  /** Stops waiting for this work. If it keeps the event loop alive, the process ends regardless. */
  leaveBehind(work: Promise<unknown>, how: { readonly overdue?: boolean } = {}): void {
    if (how.overdue === true) this.#graceMs = OVERDUE_MS;
    this.#leftBehind.add(work);
    void settled(work).then(() => this.#leftBehind.delete(work));
  }

  /** Waits briefly for an OpenTelemetry SDK to shut down, and for cancelled work, which it then abandons. */
  async letGo(work: Promise<unknown>): Promise<void> {
    await within(this.#tracing.release(), LETTING_GO_MS);
    const limitMs = this.#leftBehind.size > 0 ? 0 : LETTING_GO_MS;
    if ((await within(settled(work), limitMs)) === undefined) this.leaveBehind(work);
  }

  /** Sets the exit status for an application that does not catch this error, in place of Node's 1 for unhandled errors. */
  failed(error: unknown, status: number): void {
    const { owned, host } = this.#given;
    if (!owned) return;
    host.on('uncaughtExceptionMonitor', (uncaught: unknown) => {
      if (uncaught !== error) return;
      host.on('exit', () => {
        host.exitCode = status;
      });
    });
  }

  /**
   * Waits for the end. When the signal is aborted, calls `stop`: the application requests that stop. Throws
   * `PORTICO_LAUNCHER_EXISTS` if another launcher waits for this process.
   */
  async wait(signal: AbortSignal | undefined, stop: () => void): Promise<number> {
    const { owned, host, log, ended } = this.#given;
    const letGo = owned ? claimProcess(host) : () => undefined;
    const release = holdAlive();
    const cancelled = (): void => {
      log.notice('Wait called after thread killed. Cleaning up.');
      stop();
    };
    if (signal?.aborted) cancelled();
    signal?.addEventListener('abort', cancelled, { once: true });
    try {
      const status = await ended;
      if (owned && !this.#given.supervised) this.#sayEnded(status);
      return status;
    } finally {
      signal?.removeEventListener('abort', cancelled);
      // A process that ends listens until it is gone: a second SIGTERM, one to the whole group or to its parent, may
      // arrive while it exits.
      if (!this.#given.supervised && !this.#ends) this.signalHandler.clear();
      release();
      letGo();
    }
  }

  /** Ends the process at once, with its last log line. */
  exit(status: number): void {
    const { owned, supervised, host } = this.#given;
    if (owned && !supervised) this.#sayEnded(status);
    exitProcess(host, status);
  }

  /** Logs the last line of a process that was asked to stop, or gave up. */
  #sayEnded(status: number): void {
    if (this.#saidEnded) return;
    this.#saidEnded = true;
    const { log } = this.#given;
    log.notice({ event: 'stopped', status }, `Stopped with status ${status}`);
  }

  #catchUnhandled(): void {
    const { host, ended, log, crashed } = this.#given;
    const listen = (error: unknown): void => {
      // The application handles such errors itself, and may continue.
      if (host.listeners('uncaughtException').some((listener) => !(LAUNCHERS_OWN in listener))) {
        log.error({ err: error }, "Unhandled exception, handled by the application's own uncaughtException listener");
        return;
      }
      // The process ends already: further failures are not reported.
      if (this.#crashed) {
        log.debug({ err: error }, 'Unhandled exception while ending');
        return;
      }
      this.#crashed = true;
      crashed(error);
    };
    const unhandled = Object.assign(listen, { [LAUNCHERS_OWN]: true });
    host.on('uncaughtException', unhandled);
    // A failed start was reported: its handling is up to the application.
    void ended.then(() => {
      if (!this.#crashed) host.off('uncaughtException', unhandled);
    });
  }

  /**
   * Ends the process a short time after everything has stopped, whatever handles are open. It does nothing if the application itself
   * requested the stop. After a crash, or if work is left that cannot be ended, it ends the process in any case and with that status,
   * because the application may wait for a start that never ends. Otherwise code after `wait()` can run in this time and choose another
   * status.
   */
  #endAnyway(status: number): void {
    const forced = this.#crashed || this.#leftBehind.size > 0;
    if (!forced && !this.#ends) return;
    const { host } = this.#given;
    host.on('exit', () => {
      if (forced || host.exitCode === undefined) host.exitCode = status;
    });
    setTimeout(() => this.exit(forced ? status : Number(host.exitCode ?? status)), this.#graceMs).unref();
  }
}
