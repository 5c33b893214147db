/**
 * Runs each service in N worker processes on one shared port.
 *
 * A worker is the program's main module again: `launchService` there starts only the service the worker was assigned, by
 * name, and `wait()` ends the process. So one program has two roles, and this class one face for both.
 */
import { createLogger } from '../log.js';
import type { ServiceBase } from '../service/index.js';
import { currentProcess } from './host-process.js';
import { checkRestartMethod } from './launch-arguments.js';
import { DEFAULT_SETTINGS } from './launch-settings.js';
import type { Launcher, LauncherOptions } from './launcher.js';
import { parentLink } from './parent-link.js';
import { ParentSide } from './parent-side.js';
import { SignalHandler } from './signal-handler.js';
import { WorkerSide } from './worker-side.js';

/** What a {@link ProcessLauncher} can be told beyond what all launchers can. */
export interface ProcessLauncherOptions extends LauncherOptions {
  /** The module workers run. Default: the program's main module. For programs that must not run twice: a test runner, a REPL. */
  readonly entry?: URL | string;
  /** Accepted for the sake of oslo.service's users, and ignored: nothing here polls. */
  readonly waitInterval?: number;
}

/**
 * Keeps the workers of any number of services alive. The parent binds their sockets and never runs them: it waits, starts
 * what ended, and passes signals on. A service whose first start fails ends the launch; one that was ready once is started
 * again for ever.
 */
export class ProcessLauncher implements Launcher {
  /** Work that only one process may do belongs behind `role === 'parent'`. */
  readonly role: 'parent' | 'worker';
  /** The signals of the process, for handlers of the application's own: they run before the launcher's. */
  readonly signalHandler: SignalHandler;
  readonly #side: ParentSide | WorkerSide;

  constructor(options: ProcessLauncherOptions = {}) {
    const restartMethod = checkRestartMethod(options.restartMethod, options.settings?.restartMethod);
    const host = options.host ?? currentProcess();
    const log = options.log ?? createLogger();
    const link = parentLink(host);
    if (link !== undefined) {
      const side = new WorkerSide(link, { options: { ...options, restartMethod }, log, host });
      this.role = 'worker';
      this.signalHandler = side.inner.signalHandler;
      this.#side = side;
      return;
    }
    this.role = 'parent';
    this.signalHandler = new SignalHandler({ source: host, log });
    this.#side = new ParentSide({
      options,
      log,
      host,
      program: { host, entry: options.entry },
      settings: { ...DEFAULT_SETTINGS, ...options.settings, restartMethod },
      signalHandler: this.signalHandler,
    });
  }

  launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    return this.#side.launchService(service, options);
  }

  wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#side.wait(options);
  }

  stop(): Promise<void> {
    return this.#side.stop();
  }

  restart(): Promise<void> {
    return this.#side.restart();
  }
}
