/**
 * A `ProcessLauncher` in the parent: signals, reloads, the deadline, the exit status. What concerns workers is the
 * `Supervisor`'s.
 */
import type { Config } from '../config/index.js';
import { describeError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Awaitable, ServiceBase } from '../service/index.js';
import { Coalesced } from './coalesced.js';
import { Deadline } from './deadline.js';
import { deferred } from './deferred.js';
import { STATUS_FAILED, statusOf } from './exit-status.js';
import { mutateFleet } from './fleet-mutate.js';
import { FleetReload, type LaunchRequest } from './fleet-reload.js';
import { isDaemon } from './foreground.js';
import { HookList } from './hook-list.js';
import { claimProcess, exitProcess, type HostProcess, holdAlive, tolerateBrokenOutput } from './host-process.js';
import { checkService, checkWorkers, serviceName } from './launch-arguments.js';
import type { LaunchSettings } from './launch-settings.js';
import type { Launcher, LauncherOptions } from './launcher.js';
import { logFailure } from './log-failure.js';
import { type ReloadReport, ReloadReports } from './reload-report.js';
import { type Prepared, prepareReload } from './reload-source.js';
import type { SignalHandler } from './signal-handler.js';
import { signalTable } from './signal-table.js';
import { Supervisor } from './supervisor.js';
import type { WorkerExit } from './worker-handle.js';
import { mainModule, type WorkerProgram } from './worker-process.js';

/** Called in the parent when a new configuration was read and found right: may say which services there are to be. */
export type OnReload = (next: Config | undefined) => Awaitable<readonly LaunchRequest[] | undefined>;

/** What a {@link ParentSide} is made of. */
export interface ParentSideOptions {
  readonly options: LauncherOptions;
  readonly log: Logger;
  readonly host: HostProcess;
  readonly program: WorkerProgram;
  /** The settings of a configuration. */
  readonly settings: (config: Config | undefined) => LaunchSettings;
  readonly signalHandler: SignalHandler;
  readonly onReload: OnReload | undefined;
}

type Outcome = Pick<ReloadReport, 'outcome' | 'replaced' | 'added' | 'removed'> & { error?: string };

export class ParentSide implements Launcher {
  readonly supervisor: Supervisor;
  readonly reports = new ReloadReports();
  readonly terminating: HookList<[]>;
  readonly reloading: HookList<[config: Config | undefined]>;
  readonly workerDied: HookList<[service: string, workerId: number, code: number | NodeJS.Signals | null]>;
  readonly #given: ParentSideOptions;
  readonly #log: Logger;
  readonly #ended = deferred<number>();
  readonly #abandoned = new AbortController();
  readonly #reloads = new Coalesced(() => this.#reload());
  #status = 0;
  #deadline: Deadline | undefined;
  #stopping: Promise<void> | undefined;
  #ownsSignals = false;

  constructor(given: ParentSideOptions) {
    this.#given = given;
    this.#log = given.log;
    this.terminating = new HookList('terminate', given.log);
    this.reloading = new HookList('reload', given.log);
    this.workerDied = new HookList('dead worker', given.log);
    this.supervisor = new Supervisor({
      log: given.log,
      program: given.program,
      configuration: () => this.#snapshot(),
      settings: given.settings(given.options.config),
      deadWorker: (pool, index, { code, signal }: WorkerExit) =>
        void this.workerDied.run(pool.name, index, signal ?? code),
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

  async restart(): Promise<void> {
    if (this.#stopping === undefined) await this.#reloads.run();
  }

  #snapshot(): unknown {
    return this.#given.options.config?.snapshot();
  }

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
    this.#abandoned.abort();
    const timeoutMs = this.supervisor.settings.gracefulShutdownTimeoutMs;
    this.#deadline = new Deadline(timeoutMs);
    await this.terminating.run();
    const clean = await this.supervisor.stop(timeoutMs);
    this.#deadline.clear();
    if (!clean) this.#status ||= STATUS_FAILED;
    this.#ended.resolve(this.#status);
  }

  async #halt(): Promise<void> {
    this.#status = STATUS_FAILED;
    this.#abandoned.abort();
    this.#stopping ??= this.#ended.promise.then(() => undefined);
    await this.supervisor.kill();
    this.#ended.resolve(this.#status);
    exitProcess(this.#given.host, this.#status);
  }

  async #reload(): Promise<void> {
    const { options } = this.#given;
    const method = this.supervisor.settings.restartMethod;
    const at = new Date().toISOString();
    const begun = performance.now();
    let changes: readonly string[] = [];
    let outcome: Outcome;
    try {
      const prepared = await prepareReload(options.config, method);
      changes = prepared.changed;
      outcome = await this.#apply(prepared, method);
    } catch (error) {
      outcome = { outcome: 'refused', error: describeError(error), replaced: {}, added: [], removed: [] };
    }
    if (this.#abandoned.signal.aborted) outcome = { ...outcome, outcome: 'abandoned' };
    const generation = this.supervisor.generation.number;
    const durationMs = Math.round(performance.now() - begun);
    this.reports.add({ at, method, generation, durationMs, changes, ...outcome }, this.#log);
  }

  async #apply(prepared: Prepared, method: ReloadReport['method']): Promise<Outcome> {
    const { supervisor } = this;
    const settings = { ...this.#given.settings(prepared.config), restartMethod: method };
    const next = {
      number: supervisor.generation.number + 1,
      settings,
      configuration: () => prepared.snapshot(),
    };
    const accept = async (): Promise<void> => {
      await prepared.accept();
      supervisor.adopt({ ...next, configuration: () => this.#snapshot() });
    };
    const services = await this.#given.onReload?.(prepared.config);
    await this.reloading.run(prepared.config);
    if (method === 'mutate') {
      await accept();
      const resized = (services ?? []).map(async ({ service, workers }) => {
        await supervisor.pool(serviceName(service))?.resize(workers);
      });
      const failures = await mutateFleet(supervisor, next, this.#log);
      await Promise.all(resized);
      return { replaced: {}, added: [], removed: [], ...judged(failures) };
    }
    const change = new FleetReload(supervisor, this.#log, {
      next,
      services,
      accept,
      stopped: this.#abandoned.signal,
      superseded: () => this.#reloads.pending,
    });
    const { failures, ...result } = await change.run();
    return { ...result, ...judged(failures) };
  }
}

function judged(failures: readonly string[]): Pick<Outcome, 'outcome' | 'error'> {
  return failures.length === 0 ? { outcome: 'accepted' } : { outcome: 'incomplete', error: failures.join('; ') };
}
