/**
 * The launcher behind both public ones: it owns the process's signals, the launch, reloads, the stop and the exit
 * status. Its runner runs services in this process, or in workers.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Config, OptionIssue } from '../config/index.js';
import { nearestNames } from '../errors/index.js';
import { createLogger, type Logger } from '../log/index.js';
import { checkedLog } from '../log/internal.js';
import type { LauncherStatus, ReloadReport } from '../operating/index.js';
import { Control, type ControlledLauncher, Diagnosis, whatLoads } from '../operating/internal.js';
import { deferred, pause } from '../tasks/internal.js';
import { isPrinted, logFailure, logUnhandled, STATUS_FAILED, statusOf } from './exit-status.js';
import type { LauncherOptions } from './launcher.js';
import { type LaunchSettings, logConfiguration, readSettings } from './launcher-options.js';
import { OwnedProcess } from './owned-process.js';
import { currentProcess, type HostProcess, programName } from './process/host-process.js';
import { FileChanges } from './reload/file-changes.js';
import { reload } from './reload/reload.js';
import { ReloadReports } from './reload/reload-report.js';
import { servicePlans } from './reload/service-plans.js';
import type { Runner } from './runner.js';
import { type StopRequest, StopTerms } from './services/service-run.js';
import { ServiceManager } from './systemd/service-manager.js';
import { Turns, unlessAborted } from './waiting.js';

/** A signal to a process group reaches its processes within this time, some of them milliseconds before others. */
const TOGETHER_MS = 100;

export class LauncherCore<R extends Runner = Runner> {
  readonly runner: R;
  readonly host: HostProcess;
  readonly log: Logger;
  readonly process: OwnedProcess;
  readonly diagnosis: Diagnosis;
  readonly control: Control;
  readonly #options: LauncherOptions;
  readonly #ended = deferred<number>();
  /** Aborted when a stop begins, for any reason. */
  readonly stopBegins = new AbortController();
  readonly #reloadTurns = new Turns();
  /** A requested reload that has not begun. */
  #nextReload: Promise<ReloadReport | undefined> | undefined;
  readonly #reports = new ReloadReports();
  readonly #serviceManager: ServiceManager;
  #files: FileChanges | undefined;
  readonly #launchedAt = performance.now();
  #launching: Promise<unknown> = Promise.resolve();
  readonly #accepted = deferred();
  /** Settles when the application waits: it has begun to launch all its services. */
  readonly #waits = deferred();
  #status = 0;
  #crashed = false;
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #terms = new StopTerms();
  #stopping: Promise<void> | undefined;
  /** End of `drain_delay`, on the monotonic clock. */
  #leavesUntil = 0;
  #superseded = new AbortController();

  /** The present configuration: that of the launch, or of the last accepted reload. */
  config: Config | undefined;

  constructor(options: LauncherOptions, makeRunner: (launcher: LauncherCore<R>) => R) {
    this.#options = options;
    this.config = options.config;
    this.host = options.host ?? currentProcess();
    this.log =
      checkedLog('PORTICO_LAUNCHER_OPTION', 'a launcher', options.log) ?? options.config?.log ?? createLogger();
    this.runner = makeRunner(this);
    const { runner, host, log } = this;
    this.#serviceManager = new ServiceManager(host, log);
    options.config?.useLogger(log, { lent: true });
    this.process = new OwnedProcess({
      host,
      log,
      owned: options.signals !== false,
      watched: runner.workerLines === undefined,
      supervised: runner.supervised,
      settings: () => runner.settings,
      ended: this.#ended.promise,
      actions: {
        stopping: () => this.#terms.reason === 'stop',
        remaining: () => runner.remaining,
        stop: () => this.end(0),
        halt: () => void this.#halt(),
        reload: () => void this.reloadOnceLaunched(),
        reopenLog: () => runner.reopenLogs?.(),
        resize: (by) => runner.resize?.(by),
        report: () => this.diagnosis.report(),
      },
      crashed: (error) => void this.crash(error),
    });
    this.diagnosis = new Diagnosis({
      name: () => runner.name,
      services: () => runner.ownServices,
      workers: runner.workerLines && (() => runner.workerLines!()),
      config: () => this.config,
      log,
    });
    this.control = new Control({
      ...controlledServices(host, runner, () => this.config),
      log,
      accepted: this.#accepted.promise,
      status: () => this.status(),
      reloaded: () => this.#reports.counts,
      // A reload that a stop cuts off is reported as that stop.
      reload: () => this.reloadOnceLaunched().then((report) => (this.stopping ? undefined : report)),
      dryRun: () => this.reloadOnceLaunched({ dryRun: true }),
      stop: () => this.end(0),
      report: () => this.diagnosis.reporter.report(),
      runner,
      registryHooks: options.registry ?? {},
    });
    void this.#ended.promise.then(() => this.diagnosis.close());
  }

  /** Reports whether a stop is in progress, or complete. */
  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Notes that the configuration of the launch is accepted: a start that is refused logs its errors and no more. */
  accepts(): void {
    this.#accepted.resolve();
  }

  /** Listens to the signals of the process, unless disabled. Done once. */
  takeSignals(): void {
    if (this.stopping || !this.process.take()) return;
    // A reload then reports their changes.
    this.config?.registerLoaded();
    this.#watchFiles();
    this.runner.signalsTaken?.();
    if (!this.runner.supervised) this.control.open();
  }

  /** Launches a service by `start`. After a stop was requested, nothing is started, and `wait()` returns the status. */
  async launch(start: () => Promise<void>): Promise<void> {
    this.takeSignals();
    if (this.stopping) return;
    const started = start();
    this.#launching = Promise.allSettled([this.#launching, started]);
    await started;
    if (!this.stopping) this.accepts();
  }

  /** Ends the launch if `work` fails: rejects with its error after everything has stopped. */
  async orEnd(name: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // Work that a stop has cancelled has not failed.
      if (this.stopping) return;
      if (this.#options.startFailed !== undefined) this.#options.startFailed(name, error);
      else if (!isPrinted(error, this.#options))
        logFailure(this.log, `Error starting service ${name}`, error, { service: name });
      this.#status = statusOf(error);
      this.process.failed(error, this.#status);
      await this.stop();
      throw error;
    }
  }

  async wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    this.takeSignals();
    if (!this.runner.supervised) logConfiguration(this.config, this.runner.settings, this.log);
    void this.#launching.then(() => this.#allReady());
    this.#waits.resolve();
    return this.process.wait(options.signal, () => void this.stop());
  }

  stop(): Promise<void> {
    return this.drain({ reason: 'stop', timeoutMs: this.runner.settings.gracefulShutdownTimeoutMs });
  }

  /** Stops for a caller with a reason, a deadline or a known status. A later call can only leave less time. */
  drain(request: StopRequest, status = 0): Promise<void> {
    this.#status ||= status;
    const crashed = request.limitMs !== undefined && !this.#crashed;
    const { reason, timeoutMs: ms, limitMs = ms } = request;
    const terms = this.#terms.tighten(reason, Math.min(ms || limitMs, limitMs));
    if (this.#stopping !== undefined && !crashed && terms === undefined) return this.#stopping;
    this.#crashed ||= crashed;
    this.stopBegins.abort();
    this.#superseded.abort();
    this.#superseded = new AbortController();
    if (this.#stopping === undefined) this.#serviceManager.stopping();
    this.#leavesUntil = this.#crashed ? 0 : this.#leavesUntil || performance.now() + this.runner.settings.drainDelayMs;
    this.#stopping = this.#stopAll({ ...request, ...terms });
    return this.#stopping;
  }

  /** Ends the process by a stop with that status, although the application has not requested it. */
  end(status: number): void {
    this.#status ||= status;
    this.process.noteEnds();
    void this.stop();
  }

  /** Logs an unhandled error, and stops all services. */
  async crash(error: unknown): Promise<void> {
    const { facts, ...limit } = this.runner.crash;
    const { gracefulShutdownTimeoutMs: timeoutMs } = this.runner.settings;
    const status = logUnhandled(this.log, error, facts);
    // Lines of the stop do not belong to the request of the error.
    await this.#outside(() => this.drain({ reason: 'stop', timeoutMs, ...limit }, status));
  }

  /**
   * Runs a reload requested by SIGHUP, a changed file or `api-cli reload`. It waits until the application waits: services that
   * the application launches later would otherwise count as new. Returns undefined if a stop is in progress.
   */
  async reloadOnceLaunched({ dryRun = false } = {}): Promise<ReloadReport | undefined> {
    await unlessAborted(this.#waits.promise, this.stopBegins.signal);
    return dryRun ? this.#reloadTurns.run(() => this.#reload(true)) : this.reload();
  }

  /**
   * Reloads. However many requests arrive during a reload, exactly one more follows. Returns undefined if a stop is in progress.
   *
   * A worker does not reload by itself: its siblings would have another configuration, and it would accept their connections and leave
   * them unread until its open requests have ended, because all share one socket. Its parent replaces it.
   */
  async reload(): Promise<ReloadReport | undefined> {
    if (this.stopping) return undefined;
    const { requestReplacement } = this.runner;
    if (requestReplacement !== undefined) {
      requestReplacement('it was asked to reload');
      return undefined;
    }
    if (this.#nextReload === undefined) this.#reports.waits(this.log, () => whatLoads(this.runner.status()));
    this.#nextReload ??= this.#reloadTurns.run(() => {
      this.#nextReload = undefined;
      return this.#reload(false);
    });
    return this.#nextReload;
  }

  /** Settles when no reload is in progress. One whose signal comes together with the call counts as begun. */
  async reloadsEnd(): Promise<void> {
    await pause(TOGETHER_MS);
    await this.#reloadTurns.idle();
  }

  /** Notes requests of replaced workers that were cut off. */
  noteCutOff(generation: number, count: number): void {
    this.#reports.cutOff(generation, count);
  }

  status(): LauncherStatus {
    const { host, runner, stopping } = this;
    const { generation } = runner;
    const leaving = stopping && performance.now() < this.#leavesUntil;
    const stopsInMs = this.#terms.leftMs;
    const services = runner.status();
    const ending = runner.ending?.();
    return { pid: host.pid, stopping, leaving, stopsInMs, generation, services, ending, ...this.#reports.known };
  }

  /** Returns the settings of a configuration. */
  settingsOf(config: Config | undefined, restartMethod = this.#options.restartMethod): LaunchSettings {
    return readSettings(config, { ...this.#options.settings, restartMethod });
  }

  #watchFiles(): void {
    const { runner, log } = this;
    if (runner.supervised || this.config === undefined) return;
    const changed = (): void => {
      if (this.stopping) return;
      const what = runner.settings.restartMethod === 'mutate' ? 'reloading' : 'restarting';
      log.notice(`Configuration files changed, ${what}`);
      void this.reloadOnceLaunched();
    };
    const files = new FileChanges(
      () => this.config!,
      changed,
      (folder, err) => log.warn({ err, folder }, UNWATCHED),
      (file) =>
        log.warn({ file }, `${file} can no longer be read: what was read before is kept, but a restart would fail`),
    );
    this.#files = files;
    files.note();
    void this.#ended.promise.then(() => files.close());
  }

  #allReady(): void {
    const { runner } = this;
    if (this.stopping || runner.supervised) return;
    this.accepts();
    runner.allReady(this.#launchedAt);
    if (this.config !== undefined)
      warnOfUnlaunched(this.config, () => runner.services.flatMap(({ name }) => name ?? []));
    this.process.serves();
    this.#files?.watch(runner.settings.watchConfigFiles);
    this.#serviceManager.ready(() => `${runner.summary()}; configuration ${runner.generation}`);
    this.#serviceManager.watch((limitMs) => runner.answers(limitMs));
  }

  async #stopAll(request: StopRequest): Promise<void> {
    const { signal: superseded } = this.#superseded;
    const status = await this.#orFailed(() => this.runner.stop(request, superseded));
    this.#status ||= status ?? STATUS_FAILED;
    if (superseded.aborted) return this.#stopping;
    await this.control.close();
    await this.process.letGo(this.#reloadTurns.idle());
    this.#ended.resolve(this.#status);
  }

  async #halt(): Promise<void> {
    this.#status = STATUS_FAILED;
    this.#terms.reason = 'stop';
    this.stopBegins.abort();
    this.#stopping ??= this.#ended.promise.then(() => undefined);
    await this.#orFailed(() => this.runner.halt());
    await this.control.close();
    this.#ended.resolve(this.#status);
    this.process.exit(this.#status);
  }

  /** The process ends even if its runner fails: `wait()` must not hang. */
  async #orFailed<T>(end: () => Promise<T>): Promise<T | undefined> {
    try {
      return await end();
    } catch (error) {
      logFailure(this.log, 'Error stopping services', error);
      return undefined;
    }
  }

  /** Begins when the present launch has succeeded or failed. Returns undefined if a stop is in progress. */
  async #reload(dryRun: boolean): Promise<ReloadReport | undefined> {
    const { runner, log } = this;
    await unlessAborted(this.#launching, this.stopBegins.signal);
    if (this.stopping) return undefined;
    const method = runner.settings.restartMethod;
    const finish = this.#reports.begin(method, dryRun);
    if (!dryRun) {
      // The reload reads all files, so their present content is not a change to report.
      this.#files?.note();
      this.#serviceManager.reloading();
    }
    const steps = runner.reloadSteps();
    const request = {
      method,
      dryRun,
      log,
      config: this.config,
      settings: (config: Config | undefined) => this.settingsOf(config, method),
      accepting: () => this.control.levels.reset(),
      accepted: (config: Config | undefined) => {
        this.config = config;
        logConfiguration(config, runner.settings, log);
        this.#files?.watch(runner.settings.watchConfigFiles);
      },
      stopped: this.stopBegins.signal,
      superseded: () => this.#nextReload !== undefined,
    };
    const result = await reload(request, steps);
    if (!this.stopping && !dryRun) {
      this.#serviceManager.reloaded();
      await this.control.openMissing();
    }
    return finish(result, { generation: runner.generation, abandoned: this.stopBegins.signal.aborted, log });
  }
}

// Facts of a launcher's services for operators: their limits, and their apps as planned.

type Asked = Pick<ControlledLauncher, 'config' | 'name' | 'script' | 'env' | 'planned'>;

/** Returns the facts of an application and its services that the control socket needs. */
function controlledServices(host: HostProcess, runner: Runner, config: () => Config | undefined): Asked {
  return {
    config,
    name: programName(host),
    script: host.argv[1],
    env: host.env,
    planned: () => [...servicePlans(runner.services, config()).plans].map(([name, { app }]) => ({ name, app })),
  };
}

// Sections of an application that launches its APIs and services itself: a misspelled one, such as `[api:helo]`, would have no effect in silence.

/** Warns of sections `[api:<name>]` and `[service:<name>]` without a launched service, now and after each reload. */
function warnOfUnlaunched(config: Config, launched: () => readonly string[]): void {
  const find = (read: Config): OptionIssue[] => unlaunched(read, launched());
  config.check(find);
  if (find(config).length > 0) config.warn(config.problems());
}

function unlaunched(config: Config, launched: readonly string[]): OptionIssue[] {
  // These say which of the sections are meant, in a file, a variable or an argument.
  if (isWritten(config, 'enabled_apis') || isWritten(config, 'enabled_services')) return [];
  return config.listAllSections().flatMap((group) => {
    const [, kind, name] = /^(api|service):(.+)/s.exec(group) ?? [];
    if (name === undefined || launched.includes(name)) return [];
    const [near] = nearestNames(name, launched);
    const hint =
      near === undefined
        ? `this application has ${launched.join(', ') || 'no service'}; if another application reads the section, add it to [DEFAULT] other_names`
        : `did you mean [${kind}:${near}]?`;
    return [{ group, message: 'this application has launched no service with this name', hint, severity: 'warning' }];
  });
}

function isWritten(config: Config, opt: string): boolean {
  if (!config.has('DEFAULT', opt)) return config.listOptions('DEFAULT').includes(opt);
  return config.getLocation('DEFAULT', opt).kind !== 'default';
}

/** The line about a folder that cannot be watched: `fs.inotify.max_user_instances` is often 128 for all processes of a user. */
const UNWATCHED =
  'The folder cannot be watched for watch_config_files and is read every 5 seconds instead: raise fs.inotify.max_user_instances and max_user_watches, or create it';
