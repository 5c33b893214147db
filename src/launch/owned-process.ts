/**
 * A launcher's hold on its process: it listens to the signals, and keeps the process alive while it waits.
 */

import type { Logger } from '../log/index.js';
import { takeHeldSignals } from '../process/index.js';
import { HeldShutdown } from '../spans/index.js';
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
import { type LoopFacts, startWatching, type Watch } from './worker/watch.js';

/** Parts of an {@link OwnedProcess}. */
export interface Ownership {
  readonly host: HostProcess;
  readonly log: Logger;
  /** False: the process belongs to its program, and nothing here touches it. */
  readonly owned: boolean;
  /** It runs services without a supervisor that would notice that its event loop is stuck. */
  readonly watched?: boolean;
  /** The process has a supervisor. */
  readonly supervised: boolean;
  readonly settings: () => LaunchSettings;
  readonly actions: SignalActions;
  /** An unhandled error: a stop is to begin. Not asked where there is a supervisor. */
  readonly crashed: (error: unknown) => void;
  /** Settles with the exit status when all has stopped. */
  readonly ended: Promise<number>;
}

/** How long a process may take to end by itself while work is left that the launcher does not wait for. */
const LEFT_BEHIND_MS = 1000;
/** The same, where its deadline has passed. */
const OVERDUE_MS = 250;

/** Marks the listeners of launchers, of whichever copy of this package. */
const LAUNCHERS_OWN = Symbol.for('portico.unhandled');

export class OwnedProcess {
  readonly signalHandler: SignalHandler;
  readonly #given: Ownership;
  readonly #tracing: HeldShutdown;
  readonly #leftBehind = new Set<Promise<unknown>>();
  #loop: LoopFacts | undefined;
  #watch: Watch | undefined;
  #taken = false;
  #crashed = false;
  #graceMs = LEFT_BEHIND_MS;
  #saidEnded = false;
  /** Not the program has asked for the stop: the process is to end by it. */
  #ends = false;

  constructor(given: Ownership) {
    this.#given = given;
    this.#tracing = new HeldShutdown(given.actions.stopping);
    this.signalHandler = new SignalHandler({ source: given.host, log: given.log });
  }

  /** Listens to the signals from now on, behind the handlers of the application. Done once; true when it was. */
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
          this.#loop = loop;
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
      this.#tracing.heard();
      actions.stop();
    };
    const table = signalTable({ ...actions, stop }, { settings, log, supervised, isDaemon, windows });
    for (const [name, act] of Object.entries(table)) this.signalHandler.addHandler(name, act, { last: true });
    // From its first moment on the program had listeners; what came before is not lost.
    if (takeHeldSignals(host)) this.signalHandler.deliver('SIGHUP');
    return true;
  }

  /** Event-loop facts of its last sign of life, where no parent watches it. */
  get loop(): LoopFacts | undefined {
    return this.#loop;
  }

  /**
   * Kills the process soon after so many milliseconds, should its event loop be stuck; 0: it need not any more. A supervisor does
   * this for its workers.
   */
  killAfter(ms: number): void {
    this.#watch?.killAfter(ms);
  }

  /** A stop begins for which the program has not asked: the process ends by it, whatever holds it. */
  noteEnds(): void {
    this.#ends = true;
  }

  /** The launcher does not wait for this work any more. If it keeps the event loop alive, the process ends all the same. */
  leaveBehind(work: Promise<unknown>, how: { readonly overdue?: boolean } = {}): void {
    if (how.overdue === true) this.#graceMs = OVERDUE_MS;
    this.#leftBehind.add(work);
    void settled(work).then(() => this.#leftBehind.delete(work));
  }

  /** Waits a moment for an SDK of OpenTelemetry to shut down, and for work that was called off, which it then leaves behind. */
  async letGo(work: Promise<unknown>): Promise<void> {
    await within(this.#tracing.release(), LETTING_GO_MS);
    const limitMs = this.#leftBehind.size > 0 ? 0 : LETTING_GO_MS;
    if ((await within(settled(work), limitMs)) === undefined) this.leaveBehind(work);
  }

  /** A program that lets this error pass ends with that status, and not with Node's 1 for unhandled errors. */
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
   * Waits for the end. When the signal is raised, it calls `stop`: the program asks for that itself. Throws
   * `PORTICO_LAUNCHER_EXISTS` when another launcher waits for this process.
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
      // A process that ends listens until it is gone: a second TERM, one to the whole group, or its parent's, may come while it exits.
      if (!this.#given.supervised && !this.#ends) this.signalHandler.clear();
      release();
      letGo();
    }
  }

  /** Ends the process at once, with its last line in the log. */
  exit(status: number): void {
    const { owned, supervised, host } = this.#given;
    if (owned && !supervised) this.#sayEnded(status);
    exitProcess(host, status);
  }

  /** The last line of a process that was asked to stop, or gave up. */
  #sayEnded(status: number): void {
    if (this.#saidEnded) return;
    this.#saidEnded = true;
    const { log } = this.#given;
    log.notice(`Stopped with status ${status}`, { event: 'stopped', status });
  }

  #catchUnhandled(): void {
    const { host, ended, log, crashed } = this.#given;
    const listen = (error: unknown): void => {
      // The program sees to such errors itself, and may go on.
      if (host.listeners('uncaughtException').some((listener) => !(LAUNCHERS_OWN in listener))) {
        log.error("Unhandled exception, handled by the program's own uncaughtException listener", { err: error });
        return;
      }
      // It ends already: what fails on the way is no news.
      if (this.#crashed) {
        log.debug('Unhandled exception while ending', { err: error });
        return;
      }
      this.#crashed = true;
      crashed(error);
    };
    const unhandled = Object.assign(listen, { [LAUNCHERS_OWN]: true });
    host.on('uncaughtException', unhandled);
    // A start that failed was explained: what the program does with it is the program's.
    void ended.then(() => {
      if (!this.#crashed) host.off('uncaughtException', unhandled);
    });
  }

  /**
   * All has stopped. Unless the program itself has asked for that, the process ends in a moment and with that status,
   * whatever handles it forgot; so it does after a crash, and where work is left that cannot be ended: the program may be
   * waiting for a start that never ends. Work after `wait()` has that moment, and may choose another status.
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
