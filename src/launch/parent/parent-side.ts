/**
 * A `ProcessLauncher` in the parent: signals, reloads, the deadline, the exit status. What concerns workers is the
 * `Supervisor`'s.
 */
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import type { ListenAddress, ServiceBase } from '../../service/index.js';
import { Deadline } from '../deadline.js';
import { deferred } from '../deferred.js';
import { STATUS_FAILED, statusOf } from '../exit-status.js';
import { checkService, checkWorkers, serviceName } from '../launch-arguments.js';
import type { LaunchSettings } from '../launch-settings.js';
import type { Launcher, LauncherOptions } from '../launcher.js';
import { logConfiguration } from '../launcher-options.js';
import { fleetStatus, type LauncherStatus, logReady, workerLines } from '../launcher-status.js';
import { HookList } from '../process/hook-list.js';
import type { HostProcess } from '../process/host-process.js';
import { logFailure } from '../process/log-failure.js';
import { OwnedProcess } from '../process/owned-process.js';
import { masterTitle, programName, setTitle } from '../process/process-title.js';
import type { SignalHandler } from '../process/signal-handler.js';
import { logUnhandled } from '../process/unhandled.js';
import { Coalesced } from '../reload/coalesced.js';
import type { LaunchRequest } from '../reload/fleet-reload.js';
import { type OnReload, reloadFleet } from '../reload/parent-reload.js';
import { ReloadReports } from '../reload/reload-report.js';
import { Diagnosis } from '../report/diagnosis.js';
import type { Answer } from '../report/questions.js';
import type { GuruMeditation } from '../report/report.js';
import { ServiceManager } from '../systemd/service-manager.js';
import { bindServices } from './bind-all.js';
import { Supervisor } from './supervisor.js';
import type { WorkerExit, WorkerHandle } from './worker-handle.js';
import { mainModule, shownArguments, type WorkerProgram } from './worker-process.js';
import { REPORTS_MS, workerReports } from './worker-reports.js';

/** What a {@link ParentSide} is made of. */
export interface ParentSideOptions {
  readonly options: LauncherOptions;
  readonly log: Logger;
  readonly host: HostProcess;
  readonly program: WorkerProgram;
  /** The settings of a configuration. */
  readonly settings: (config: Config | undefined) => LaunchSettings;
  readonly onReload: OnReload | undefined;
  /** Told instead of the log that a service did not start. */
  readonly startFailed: ((service: string, error: unknown) => void) | undefined;
}

/** How long hooks may hold up a stop, at most. */
const HOOKS_MS = 10_000;

export class ParentSide implements Launcher {
  readonly supervisor: Supervisor;
  readonly signalHandler: SignalHandler;
  readonly #reports = new ReloadReports();
  readonly terminating: HookList<[]>;
  readonly reloading: HookList<[config: Config | undefined]>;
  readonly workerDied: HookList<[service: string, workerId: number, code: number | NodeJS.Signals | null]>;
  readonly #given: ParentSideOptions;
  readonly #log: Logger;
  readonly #process: OwnedProcess;
  readonly #diagnosis: Diagnosis;
  readonly #ended = deferred<number>();
  readonly #abandoned = new AbortController();
  readonly #reloads = new Coalesced(() => this.#reload());
  readonly #serviceManager: ServiceManager;
  #launching: Promise<unknown> = Promise.resolve();
  readonly #launchedAt = performance.now();
  #status = 0;
  #deadline: Deadline | undefined;
  #stopping: Promise<void> | undefined;

  constructor(given: ParentSideOptions) {
    this.#given = given;
    this.#log = given.log;
    this.#serviceManager = new ServiceManager(given.host, given.log);
    this.terminating = new HookList('terminate', given.log);
    this.reloading = new HookList('reload', given.log);
    this.workerDied = new HookList('dead worker', given.log);
    this.#process = new OwnedProcess({
      host: given.host,
      log: given.log,
      owned: given.options.signals !== false,
      supervised: false,
      settings: () => this.supervisor.settings,
      config: given.options.config,
      ended: this.#ended.promise,
      actions: {
        stopping: () => this.#stopping !== undefined,
        remaining: () => this.#deadline?.describe() ?? 'no limit',
        stop: () => void this.stop(),
        halt: () => void this.#halt(),
        restart: () => void this.restart(),
        reopenLog: () => this.supervisor.reopenLogs(),
        resize: (by) => this.#resizeAll(by),
        report: () => this.#diagnosis.report(),
      },
      crashed: (error) => {
        this.#status ||= logUnhandled(this.#log, error);
        void this.stop();
      },
    });
    this.signalHandler = this.#process.signalHandler;
    this.#diagnosis = new Diagnosis({
      name: () => given.options.prog ?? programName(given.host),
      services: () => [],
      workers: () => fleetStatus(this.supervisor).flatMap(workerLines),
      config: given.options.config,
      log: this.#log,
    });
    this.#diagnosis.reporter.registerReportSection('Workers', () => workerReports(this.#served), REPORTS_MS);
    void this.#ended.promise.then(() => this.#diagnosis.close());
    this.supervisor = new Supervisor({
      log: given.log,
      program: given.program,
      configuration: () => this.#snapshot(),
      settings: given.settings(given.options.config),
      deadWorker: (pool, index, { code, signal }: WorkerExit) =>
        void this.workerDied.run(pool.name, index, signal ?? code),
      giveUp: (pool) => {
        const { maxRestarts, restartWindowMs } = this.supervisor.settings;
        const within = restartWindowMs === 0 ? '' : ` within ${restartWindowMs / 1000} s (restart_window)`;
        const limit = `more often than ${maxRestarts} times (max_restarts)${within}`;
        this.#log.error(`Service ${pool.name} was restarted ${limit}: giving up`, { service: pool.name });
        this.#status = STATUS_FAILED;
        this.#process.stop();
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
    const launched = this.supervisor.launch(service, name, workers);
    this.#launching = Promise.allSettled([this.#launching, launched]);
    await this.#orEnd(name, launched);
  }

  /** Binds the addresses of services that are to be launched: all, or the launch ends as for a start that fails. */
  async bindAll(requests: readonly LaunchRequest[]): Promise<void> {
    this.#takeSignals();
    const unbound = await bindServices(this.supervisor, requests, () => this.#stopping !== undefined);
    if (unbound !== undefined) await this.#orEnd(unbound.names, Promise.reject(unbound.error));
  }

  /** What has to succeed for the launch to go on. */
  async #orEnd(name: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.#stopping !== undefined) return;
      if (this.#given.startFailed !== undefined) this.#given.startFailed(name, error);
      else logFailure(this.#log, `Error starting service ${name}`, error, { service: name });
      this.#status = statusOf(error);
      this.#process.failed(error, this.#status);
      await this.stop();
      throw error;
    }
  }

  async wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    this.#takeSignals();
    logConfiguration(this.#given.options.config, this.supervisor.settings, this.#log);
    void this.#launching.then(() => this.#allReady());
    return this.#process.wait(options.signal);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async restart(): Promise<void> {
    if (this.#stopping === undefined) await this.#reloads.run();
  }

  /** Where a service listens, with the real ports. */
  addresses(service: string): readonly ListenAddress[] {
    return this.supervisor.pool(service)?.sockets.map(({ address }) => address) ?? [];
  }

  status(): LauncherStatus {
    return {
      pid: this.#given.host.pid,
      stopping: this.#stopping !== undefined,
      generation: this.supervisor.generation.number,
      services: fleetStatus(this.supervisor),
      reloads: this.#reports.all,
    };
  }

  async ask(topic: string, body: unknown, timeoutMs: number): Promise<Answer[]> {
    return Promise.all(this.#served.map((worker) => worker.ask(topic, body, timeoutMs)));
  }

  get #served(): readonly WorkerHandle[] {
    return this.supervisor.pools.flatMap((pool) => pool.workers.filter((worker) => worker.wasReady));
  }

  /** The report that SIGUSR2 writes; it ends with one of each worker. */
  get reporter(): GuruMeditation {
    return this.#diagnosis.reporter;
  }

  #snapshot(): unknown {
    return this.#given.options.config?.snapshot();
  }

  #takeSignals(): void {
    if (this.#stopping !== undefined || !this.#process.take()) return;
    const { host, options, program } = this.#given;
    setTitle(host, masterTitle(options.prog ?? programName(host), shownArguments(program)));
    void this.#diagnosis.openInSupervisor();
  }

  /** Every service that was launched is ready for the first time. */
  #allReady(): void {
    if (this.#stopping !== undefined) return;
    logReady(this.#log, fleetStatus(this.supervisor), this.#launchedAt);
    this.supervisor.warnOfUnusedSockets();
    this.#serviceManager.ready(() => this.#summary());
    this.#serviceManager.watch((limitMs) => this.supervisor.pools.every((pool) => pool.answers(limitMs)));
  }

  #summary(): string {
    const services = fleetStatus(this.supervisor).map(
      ({ name, ready, wanted }) => `${name}: ${ready} of ${wanted} workers`,
    );
    return `${services.join(', ')}; configuration ${this.supervisor.generation.number}`;
  }

  /** Never below one worker; a service that was left without any stays so until one is asked for. */
  #resizeAll(by: 1 | -1): void {
    for (const pool of this.supervisor.pools) {
      const { name: service, wanted } = pool;
      const workers = Math.max(Math.min(1, wanted), wanted + by);
      if (workers === wanted) {
        this.#log.notice(`Service ${service} keeps its ${wanted} ${wanted === 1 ? 'worker' : 'workers'}`, {
          service,
          workers,
        });
        continue;
      }
      this.#log.notice(`Service ${service}: ${wanted} -> ${workers} workers`, { service, workers });
      pool.resize(workers).catch((error: unknown) => {
        this.#log.error(`Service ${pool.name} could not be resized`, { service: pool.name, err: error });
      });
    }
  }

  async #stopAll(): Promise<void> {
    this.#abandoned.abort();
    this.#serviceManager.stopping();
    const timeoutMs = this.supervisor.settings.gracefulShutdownTimeoutMs;
    this.#deadline = new Deadline(timeoutMs);
    const late = await this.terminating.runWithin(hooksMs(timeoutMs));
    if (late !== undefined) this.#log.warn(`${late}; the workers are told to stop now`);
    const clean = await this.supervisor.stop(this.#deadline.deadlineMs);
    this.#deadline.clear();
    await this.#process.letGo(this.#reloads.idle());
    this.#status ||= this.supervisor.exitStatus ?? (clean ? 0 : STATUS_FAILED);
    this.#ended.resolve(this.#status);
  }

  async #halt(): Promise<void> {
    this.#status = STATUS_FAILED;
    this.#abandoned.abort();
    this.#stopping ??= this.#ended.promise.then(() => undefined);
    await this.supervisor.kill();
    this.#ended.resolve(this.#status);
    this.#process.exit(this.#status);
  }

  async #reload(): Promise<void> {
    // A reload that was asked for during the launch is one of what was launched.
    await this.#launching;
    if (this.#stopping !== undefined) return;
    const { options, settings, onReload } = this.#given;
    const { supervisor } = this;
    const method = supervisor.settings.restartMethod;
    const report = this.#reports.begin(method);
    this.#process.reloads();
    this.#serviceManager.reloading();
    const result = await reloadFleet({
      config: options.config,
      method,
      supervisor,
      log: this.#log,
      settings,
      onReload,
      accepted: () => this.#process.accepted(),
      hooks: this.reloading,
      stopped: this.#abandoned.signal,
      superseded: () => this.#reloads.pending,
    });
    if (this.#stopping === undefined) this.#serviceManager.reloaded();
    const { number: generation } = supervisor.generation;
    report(result, { generation, abandoned: this.#abandoned.signal.aborted, log: this.#log });
  }
}

/** How long the hooks for a stop may hold it up: most of the time is the workers'. An endless stop has no endless hooks. */
function hooksMs(timeoutMs: number): number {
  return timeoutMs === 0 ? HOOKS_MS : Math.min(HOOKS_MS, timeoutMs / 6);
}
