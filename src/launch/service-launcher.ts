/**
 * Runs services in this process: alone, or as the inside of a worker.
 */
import { createLogger, type Logger } from '../log/index.js';
import type { ConfigChanges, ServiceBase } from '../service/index.js';
import { deferred } from './deferred.js';
import { STATUS_FAILED, statusOf } from './exit-status.js';
import { checkLauncherOptions, checkService, serviceName } from './launch-arguments.js';
import type { LaunchSettings } from './launch-settings.js';
import type { Launcher } from './launcher.js';
import { logConfiguration, readSettings } from './launcher-options.js';
import { type LauncherStatus, logReady, runStatus } from './launcher-status.js';
import { currentProcess, type HostProcess } from './process/host-process.js';
import { logFailure } from './process/log-failure.js';
import { OwnedProcess } from './process/owned-process.js';
import type { SignalHandler } from './process/signal-handler.js';
import { CRASH_DRAIN_MS, logUnhandled } from './process/unhandled.js';
import { Coalesced } from './reload/coalesced.js';
import { resetAll } from './reload/in-place.js';
import { reloadInPlace } from './reload/in-place-reload.js';
import { ReloadReports } from './reload/reload-report.js';
import { Diagnosis } from './report/diagnosis.js';
import { type Answer, type AnswerQuestion, Questions } from './report/questions.js';
import type { GuruMeditation, ReportSection } from './report/report.js';
import { ALONE, type ServiceLauncherOptions } from './service-launcher-options.js';
import { ServiceRun, type StopRequest } from './service-run.js';
import { ActivatedSockets } from './sockets/activated-sockets.js';
import { statusOfStop, stopServices } from './stop-services.js';
import { ServiceManager } from './systemd/service-manager.js';

/**
 * Runs any number of services in this process. They share its signals, and each has the same deadline. A service that
 * dies is not started again: the launcher stops the others and ends with status 1.
 */
export class ServiceLauncher implements Launcher {
  /** The signals of the process, for handlers of the application's own: they run before the launcher's. */
  readonly signalHandler: SignalHandler;
  /** What this process can be asked. */
  readonly questions = new Questions();
  readonly #options: ServiceLauncherOptions;
  readonly #host: HostProcess;
  readonly #log: Logger;
  readonly #process: OwnedProcess;
  readonly #diagnosis: Diagnosis;
  #settings: LaunchSettings;
  readonly #runs: ServiceRun[] = [];
  readonly #ended = deferred<number>();
  readonly #reloads = new Coalesced(() => this.#reload());
  #starting: Promise<unknown> = Promise.resolve();
  readonly #collectors: (() => Readonly<Record<string, unknown>>)[] = [];
  readonly #reports = new ReloadReports();
  readonly #serviceManager: ServiceManager;
  readonly #activated: ActivatedSockets;
  readonly #abandoned = new AbortController();
  readonly #launchedAt = performance.now();
  #generation = 1;
  #finished = 0;
  #status = 0;
  #crashed = false;
  #stopReason: StopRequest['reason'] | undefined;
  #stopping: Promise<void> | undefined;
  /** Raised when a stop that has less time takes the place of the one under way. */
  #superseded = new AbortController();

  constructor(options: ServiceLauncherOptions = {}) {
    checkLauncherOptions(options);
    this.#options = options;
    this.#host = options.host ?? currentProcess();
    this.#log = options.log ?? createLogger();
    this.#settings = readSettings(options.config, { ...options.settings, restartMethod: options.restartMethod });
    this.#activated = new ActivatedSockets(this.#host);
    this.#serviceManager = new ServiceManager(this.#host, this.#log);
    this.#process = new OwnedProcess({
      host: this.#host,
      log: this.#log,
      owned: options.signals !== false,
      supervised: options.worker?.supervised === true,
      watched: true,
      settings: () => this.#settings,
      config: options.config,
      ended: this.#ended.promise,
      actions: {
        stopping: () => this.#stopReason === 'stop',
        remaining: () => this.#runs[0]?.remaining ?? 'no limit',
        stop: () => void this.stop(),
        halt: () => void this.#halt(),
        restart: () => void this.restart(),
        report: () => this.#diagnosis.report(),
      },
      crashed: (error) => void this.crash(error),
    });
    this.signalHandler = this.#process.signalHandler;
    this.#diagnosis = new Diagnosis({
      name: () => this.#runs[0]?.name ?? 'portico',
      services: () => this.#runs.map(({ service }) => service),
      config: options.config,
      log: this.#log,
    });
    this.questions.answer('report', () => this.#diagnosis.reporter.report());
    void this.#ended.promise.then(() => this.#diagnosis.close());
  }

  /** The report that SIGUSR2 writes. */
  get reporter(): GuruMeditation {
    return this.#diagnosis.reporter;
  }

  /** Adds a section to the report that SIGUSR2 writes. One that fails shows its error, and the rest still appears. */
  registerReportSection(title: string, text: ReportSection): void {
    this.reporter.registerReportSection(title, text);
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const { workers } = options;
    if (workers !== undefined && workers !== null && workers !== 1) {
      const code = 'PORTICO_INVALID_WORKERS';
      throw Object.assign(new RangeError('Launcher asked to start multiple workers'), { code });
    }
    checkService(service);
    this.takeSignals();
    // Stopped while the program was still launching: the rest is not started, and wait() gives the status.
    if (this.#stopping !== undefined) return;
    const run = new ServiceRun(service, serviceName(service), {
      log: this.#log,
      listener: { died: (error) => this.#died(run, error), finished: () => this.#oneFinished() },
    });
    this.#runs.push(run);
    service.useWorker?.(this.#options.worker ?? ALONE);
    if (!this.#options.worker?.supervised) this.#activated.giveTo(service, run.name);
    const before = this.#options.concurrent ? Promise.resolve() : this.#starting;
    const started = before.then(() => this.#start(run));
    this.#starting = Promise.all([this.#starting, started]).catch(() => undefined);
    await started;
  }

  async wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    this.takeSignals();
    // In a fleet only the parent does.
    if (this.#options.worker === undefined) logConfiguration(this.#options.config, this.#settings, this.#log);
    void this.#starting.then(() => this.#allReady());
    return this.#process.wait(options.signal);
  }

  async stop(): Promise<void> {
    await this.#shutDown({ reason: 'stop', timeoutMs: this.#settings.gracefulShutdownTimeoutMs });
  }

  async restart(): Promise<void> {
    if (this.#stopping === undefined) await this.#reloads.run();
  }

  /**
   * A graceful stop as a supervisor asks for it: for another reason, with another deadline, or with a status it knows.
   * Asked again while a worker lets its idle connections go (`replaced`), it makes haste.
   */
  async drain(request: StopRequest, status = 0): Promise<void> {
    this.#status ||= status;
    await this.#shutDown(request);
  }

  /** After an error nobody handled: it is logged, and what is under way has a few seconds to end. */
  async crash(error: unknown): Promise<void> {
    const service = this.#runs.length === 1 ? this.#runs[0]?.name : undefined;
    const status = logUnhandled(this.#log, error, { service, workerId: this.#options.worker?.id });
    const timeoutMs = this.#settings.gracefulShutdownTimeoutMs;
    await this.drain({ reason: 'stop', timeoutMs, limitMs: CRASH_DRAIN_MS }, status);
  }

  /** Answers a topic of {@link ask}; the function it gives ends that. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.questions.answer(topic, answer);
  }

  /** Asks this process, as a `ProcessLauncher` asks all its workers. */
  async ask(topic: string, body?: unknown): Promise<Answer[]> {
    return [await this.questions.answerAs({ service: undefined, workerId: 0, pid: this.#host.pid }, topic, body)];
  }

  /** Adds what `collect` gives to the facts of `status()`. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#collectors.push(collect);
  }

  /** What the collectors give now. */
  facts(): Record<string, unknown> {
    return Object.assign({}, ...this.#collectors.map((collect) => collect())) as Record<string, unknown>;
  }

  status(): LauncherStatus {
    const { id, generation } = this.#options.worker ?? ALONE;
    const { pid } = this.#host;
    const services = this.#runs.map((run) => runStatus(run, { id, pid, generation, facts: this.facts() }));
    return { pid, stopping: this.stopping, generation: this.#generation, services, reloads: this.#reports.all };
  }

  /** From now on these hold, instead of those it began with. */
  useSettings(settings: LaunchSettings): void {
    this.#settings = settings;
  }

  /** New values for services that go on serving: their `reset`, in order. False when one refused. */
  async reset(changes: ConfigChanges): Promise<boolean> {
    return (await resetAll(this.#runs, changes)).length === 0;
  }

  /** A stop is under way, or over. */
  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Listens to the signals of the process, unless told not to. Done by the first `launchService`. */
  takeSignals(): void {
    if (this.#stopping === undefined) this.#process.take();
  }

  #allReady(): void {
    if (this.stopping || this.#options.worker?.supervised) return;
    if (this.#options.signals !== false) logReady(this.#log, this.status().services, this.#launchedAt);
    this.#activated.warnOfUnused(this.#log, this.#runs);
    this.#serviceManager.ready(() => {
      const services = this.#runs.map(({ name, state }) => `${name}: ${state}`);
      return `${services.join(', ')}; configuration ${this.#generation}`;
    });
    this.#serviceManager.watch(() => true);
  }

  async #start(run: ServiceRun): Promise<void> {
    if (this.#stopping !== undefined) return;
    try {
      await this.#diagnosis.open();
      if ('backdoorPort' in run.service) run.service.backdoorPort = this.#diagnosis.backdoorPort;
      await run.start();
    } catch (error) {
      // A start that was called off by a stop has not failed.
      if (this.#stopping !== undefined) return;
      if (this.#options.startFailed) this.#options.startFailed(run.name, error);
      else logFailure(this.#log, `Error starting service ${run.name}`, error, { service: run.name });
      this.#status = statusOf(error);
      this.#process.failed(error, this.#status);
      await this.stop();
      throw error;
    }
  }

  #died(run: ServiceRun, error: unknown): void {
    logFailure(this.#log, `Service ${run.name} died`, error, { service: run.name });
    this.#status ||= statusOf(error);
    this.#process.stop();
  }

  #oneFinished(): void {
    if (++this.#finished === this.#runs.length && this.#options.exitWhenIdle) this.#process.stop();
  }

  #shutDown(request: StopRequest): Promise<void> {
    const crashed = request.limitMs !== undefined && !this.#crashed;
    const hasten = crashed || (this.#stopReason === 'replaced' && request.reason === 'stop');
    this.#crashed ||= crashed;
    if (this.#stopping !== undefined && !hasten) return this.#stopping;
    this.#stopReason = request.reason;
    this.#abandoned.abort();
    this.#superseded.abort();
    this.#superseded = new AbortController();
    if (this.#stopping === undefined) {
      this.#serviceManager.stopping();
      this.#options.stopBegins?.();
    }
    this.#stopping = this.#stopAll(request);
    return this.#stopping;
  }

  async #stopAll(request: StopRequest): Promise<void> {
    const alone = this.#options.signals !== false && !this.#options.worker?.supervised;
    const [{ signal: superseded }, { drainDelayMs }] = [this.#superseded, this.#settings];
    const leaveBehind = (work: Promise<unknown>): void => this.#process.leaveBehind(work, { overdue: true });
    const clean = await stopServices(this.#runs, request, { drainDelayMs, alone, superseded, leaveBehind });
    if (!clean) this.#options.cutOff?.();
    this.#status ||= statusOfStop(this.#runs, clean);
    if (superseded.aborted) return this.#stopping;
    await this.#process.letGo(this.#reloads.idle());
    this.#ended.resolve(this.#status);
  }

  async #halt(): Promise<void> {
    this.#status = STATUS_FAILED;
    this.#stopReason = 'stop';
    this.#stopping ??= this.#ended.promise.then(() => undefined);
    await Promise.all(this.#runs.map((run) => run.abandon()));
    this.#ended.resolve(this.#status);
    this.#process.exit(this.#status);
  }

  /** Stop, reset, start: one service after another, its listening sockets open throughout. */
  async #reload(): Promise<void> {
    // A reload that was asked for during the launch is one of what was launched.
    await this.#starting;
    if (this.stopping) return;
    const method = this.#settings.restartMethod;
    const report = this.#reports.begin(method);
    this.#process.reloads();
    this.#serviceManager.reloading();
    const result = await reloadInPlace({
      config: this.#options.config,
      method,
      runs: this.#runs,
      settings: (next) => readSettings(next, { ...this.#options.settings, restartMethod: method }),
      useSettings: (settings) => this.useSettings(settings),
      accepted: () => {
        this.#generation += 1;
        this.#process.accepted();
      },
      stopping: () => this.stopping,
      stopped: this.#abandoned.signal,
      start: (run) => this.#start(run).catch(() => undefined),
      leaveBehind: (work) => this.#process.leaveBehind(work),
    });
    if (!this.stopping) this.#serviceManager.reloaded();
    report(result, { generation: this.#generation, abandoned: this.stopping, log: this.#log });
  }
}
