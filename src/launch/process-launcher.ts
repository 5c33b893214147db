/**
 * Runs each service in N worker processes on one shared port.
 *
 * A worker is the program's main module again: `launchService` there starts only the service the worker was assigned, by
 * name, and `wait()` ends the process. So one program has two roles, and this class one face for both.
 */
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import type { Awaitable, ListenAddress, ServiceBase } from '../service/index.js';
import { checkLauncherOptions, checkWorkers, type Launcher } from './launcher.js';
import { LauncherCore } from './launcher-core.js';
import type { LauncherStatus } from './launcher-status.js';
import { FleetRunner, type ProcessLauncherOptions, REPORTS_MS } from './parent/fleet-runner.js';
import { currentProcess } from './process/host-process.js';
import type { SignalHandler } from './process/signal-handler.js';
import type { LaunchRequest } from './reload/fleet-reload.js';
import type { Answer, AnswerQuestion } from './report/questions.js';
import type { ReportSection } from './report/report.js';
import { parentLink } from './worker/parent-link.js';
import { WorkerSide } from './worker/worker-side.js';

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
  readonly #core: LauncherCore;
  /** In the parent alone. */
  readonly #fleet: FleetRunner | undefined;
  /** In a worker alone. */
  readonly #worker: WorkerSide | undefined;

  constructor(options: ProcessLauncherOptions = {}) {
    checkLauncherOptions(options);
    const link = parentLink(options.host ?? currentProcess());
    if (link === undefined) {
      this.role = 'parent';
      const core = new LauncherCore<FleetRunner>(options, (launcher) => new FleetRunner(launcher, options));
      const { runner } = core;
      core.diagnosis.reporter.registerReportSection('Workers', () => runner.workerReports(), REPORTS_MS);
      this.#core = core;
      this.#fleet = runner;
    } else {
      this.role = 'worker';
      this.#worker = new WorkerSide(link, options);
      this.#core = this.#worker.core;
    }
    this.signalHandler = this.#core.signalHandler;
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    await (this.#fleet ?? this.#worker)?.launchService(service, options);
  }

  /**
   * In the parent: binds the addresses of services before the first worker of any of them exists, so that an address that
   * is taken starts nothing. `launchService` then uses these sockets. Rejects as `launchService` does. Does nothing in a
   * worker.
   */
  async bindAll(requests: readonly LaunchRequest[]): Promise<void> {
    await this.#fleet?.bindAll(requests);
  }

  wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#worker?.wait() ?? this.#core.wait(options);
  }

  stop(): Promise<void> {
    return this.#core.stop();
  }

  restart(): Promise<void> {
    return this.#core.reload();
  }

  /** What is known of all services and processes, without asking them; in a worker of itself. */
  status(): LauncherStatus {
    return this.#core.status();
  }

  /** Where a service of the parent listens, with the real ports; empty for one that does not, and in a worker. */
  addresses(service: string): readonly ListenAddress[] {
    return this.#fleet?.addresses(service) ?? [];
  }

  /** Answers a topic of {@link ask}, in each worker; the function it gives ends that. Does nothing in the parent. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.#worker?.core.runner.questions.answer(topic, answer) ?? nothing;
  }

  /** Asks all workers; those that do not answer in time, or cannot, are among the answers with an error. Never rejects. */
  ask(topic: string, body?: unknown, options: { timeoutMs?: number } = {}): Promise<Answer[]> {
    if (this.#worker !== undefined) return this.#worker.core.runner.ask(topic, body);
    return this.#fleet!.ask(topic, body, options.timeoutMs ?? 1000);
  }

  /**
   * Adds a section to the report that SIGUSR2 writes, in the process it is called in: the parent's own, which ends with
   * those of all workers, or a worker's. One that fails shows its error, and the rest still appears.
   */
  registerReportSection(title: string, text: ReportSection): void {
    this.#core.diagnosis.reporter.registerReportSection(title, text);
  }

  /** In each worker: adds what `collect` gives to the facts that `status()` has of it. Does nothing in the parent. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#worker?.core.runner.addFacts(collect);
  }

  /**
   * Changes the number of workers of a running service, 0 included, without touching the others; those with the highest
   * numbers go first. Settles when new ones are ready. Rejects with `PORTICO_NO_SUCH_SERVICE`. Does nothing in a worker.
   */
  async reconfigure(service: string, workers: number): Promise<void> {
    if (this.#fleet === undefined) return;
    if (workers !== 0) checkWorkers(workers);
    const pool = this.#fleet.supervisor.pool(service);
    if (pool === undefined) {
      throw new PorticoError('PORTICO_NO_SUCH_SERVICE', { message: `${service} service id doesn't exists` });
    }
    await pool.resize(workers);
  }

  /** In the parent, before its workers are told to stop. The function it gives takes the hook away. */
  onTerminate(hook: () => Awaitable<unknown>): () => void {
    return this.#fleet?.terminating.add(hook) ?? nothing;
  }

  /** In the parent, before its workers are told of a new configuration. */
  onReload(hook: (config: Config | undefined) => Awaitable<unknown>): () => void {
    return this.#fleet?.reloading.add(hook) ?? nothing;
  }

  /** In the parent, when a worker ended that was not told to: with its exit status, or the signal that killed it. */
  onDeadWorker(
    hook: (service: string, workerId: number, code: number | NodeJS.Signals | null) => Awaitable<unknown>,
  ): () => void {
    return this.#fleet?.workerDied.add(hook) ?? nothing;
  }

  /** In a worker, before its service is started. */
  onNewWorker(hook: (service: string, workerId: number, instance: ServiceBase) => Awaitable<unknown>): () => void {
    return this.#worker?.newWorker.add(hook) ?? nothing;
  }
}

function nothing(): void {}
