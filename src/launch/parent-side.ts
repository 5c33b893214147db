/**
 * A `ProcessLauncher` in the parent: signals, the deadline, the exit status. What concerns workers is the `Supervisor`'s.
 */
import type { Logger } from '../log.js';
import type { ServiceBase } from '../service/index.js';
import { Deadline } from './deadline.js';
import { deferred } from './deferred.js';
import { STATUS_FAILED, statusOf } from './exit-status.js';
import { isDaemon } from './foreground.js';
import { claimProcess, exitProcess, type HostProcess, holdAlive, tolerateBrokenOutput } from './host-process.js';
import { checkService, checkWorkers, serviceName } from './launch-arguments.js';
import type { LaunchSettings } from './launch-settings.js';
import type { Launcher, LauncherOptions } from './launcher.js';
import { logFailure } from './log-failure.js';
import type { SignalHandler } from './signal-handler.js';
import { signalTable } from './signal-table.js';
import { Supervisor } from './supervisor.js';
import { mainModule, type WorkerProgram } from './worker-process.js';

/** What a {@link ParentSide} is made of. */
export interface ParentSideOptions {
  readonly options: LauncherOptions;
  readonly log: Logger;
  readonly host: HostProcess;
  readonly program: WorkerProgram;
  readonly settings: LaunchSettings;
  readonly signalHandler: SignalHandler;
}

export class ParentSide implements Launcher {
  readonly supervisor: Supervisor;
  readonly #given: ParentSideOptions;
  readonly #log: Logger;
  readonly #ended = deferred<number>();
  #status = 0;
  #deadline: Deadline | undefined;
  #stopping: Promise<void> | undefined;
  #ownsSignals = false;

  constructor(given: ParentSideOptions) {
    this.#given = given;
    this.#log = given.log;
    this.supervisor = new Supervisor({
      log: given.log,
      program: given.program,
      configuration: undefined,
      settings: given.settings,
      deadWorker: () => undefined,
      giveUp: (pool) => {
        this.#log.error(`Service ${pool.name} was restarted too often, giving up`, { service: pool.name });
        this.#status = STATUS_FAILED;
        void this.stop();
      },
    });
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const workers = checkWorkers(options.workers);
    const name = serviceName(checkService(service));
    mainModule(this.#given.program);
    this.#takeSignals();
    // Stopped while the program was still launching: the rest is not started, and wait() gives the status.
    if (this.#stopping !== undefined) return;
    try {
      await this.supervisor.launch(service, name, workers);
    } catch (error) {
      if (this.#stopping !== undefined) return;
      logFailure(this.#log, `Error starting service ${name}`, error, { service: name });
      this.#status = statusOf(error);
      await this.stop();
      throw error;
    }
  }

  async wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    const letGo = this.#given.options.signals === false ? () => undefined : claimProcess(this.#given.host);
    const release = holdAlive();
    this.#takeSignals();
    const cancelled = (): void => {
      this.#log.info('Wait called after thread killed. Cleaning up.');
      void this.stop();
    };
    if (options.signal?.aborted) cancelled();
    options.signal?.addEventListener('abort', cancelled, { once: true });
    try {
      return await this.#ended.promise;
    } finally {
      options.signal?.removeEventListener('abort', cancelled);
      this.#given.signalHandler.clear();
      release();
      letGo();
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async restart(): Promise<void> {}

  #takeSignals(): void {
    if (this.#given.options.signals === false || this.#ownsSignals || this.#stopping !== undefined) return;
    this.#ownsSignals = true;
    const restore = tolerateBrokenOutput(this.#given.host);
    void this.#ended.promise.then(restore);
    const table = signalTable(
      {
        stopping: () => this.#stopping !== undefined,
        remaining: () => this.#deadline?.describe() ?? 'no limit',
        stop: () => void this.stop(),
        halt: () => void this.#halt(),
        restart: () => void this.restart(),
        resize: (by) => this.#resizeAll(by),
      },
      { settings: () => this.supervisor.settings, log: this.#log, supervised: false, isDaemon },
    );
    for (const [name, act] of Object.entries(table)) this.#given.signalHandler.addHandler(name, act, { last: true });
  }

  #resizeAll(by: 1 | -1): void {
    for (const pool of this.supervisor.pools) void pool.resize(Math.max(1, pool.wanted + by));
  }

  async #stopAll(): Promise<void> {
    const timeoutMs = this.supervisor.settings.gracefulShutdownTimeoutMs;
    this.#deadline = new Deadline(timeoutMs);
    const clean = await this.supervisor.stop(timeoutMs);
    this.#deadline.clear();
    if (!clean) this.#status ||= STATUS_FAILED;
    this.#ended.resolve(this.#status);
  }

  async #halt(): Promise<void> {
    this.#status = STATUS_FAILED;
    this.#stopping ??= this.#ended.promise.then(() => undefined);
    await this.supervisor.kill();
    this.#ended.resolve(this.#status);
    exitProcess(this.#given.host, this.#status);
  }
}
