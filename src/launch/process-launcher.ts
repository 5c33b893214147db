/**
 * Runs each service in N worker processes on one shared port.
 *
 * A worker is the program's main module again: `launchService` there starts only the service the worker was assigned, by
 * name, and `wait()` ends the process. So one program has two roles, and this class one face for both.
 */
import { type Config, maskArguments } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import { createLogger } from '../log/index.js';
import type { Awaitable, ListenAddress, ServiceBase } from '../service/index.js';
import { checkLauncherOptions, checkWorkers } from './launch-arguments.js';
import type { Launcher, LauncherOptions } from './launcher.js';
import { readSettings } from './launcher-options.js';
import type { LauncherStatus } from './launcher-status.js';
import { ParentSide } from './parent/parent-side.js';
import { currentProcess } from './process/host-process.js';
import type { SignalHandler } from './process/signal-handler.js';
import type { LaunchRequest } from './reload/fleet-reload.js';
import type { OnReload } from './reload/parent-reload.js';
import type { Answer, AnswerQuestion } from './report/questions.js';
import type { ReportSection } from './report/report.js';
import { parentLink } from './worker/parent-link.js';
import { WorkerSide } from './worker/worker-side.js';

/** What a {@link ProcessLauncher} can be told beyond what all launchers can. */
export interface ProcessLauncherOptions extends LauncherOptions {
  /** The module workers run. Default: the program's main module. For programs that must not run twice: a test runner, a REPL. */
  readonly entry?: URL | string;
  /**
   * In the parent, on SIGHUP, when the new configuration was read and found right: the services there are to be, each with
   * its number of workers. New ones are launched, missing ones ended, others resized. A rejection refuses the reload.
   */
  readonly onReload?: OnReload;
  /**
   * Told that a service did not start, with what `launchService` rejects with: for programs that explain it by themselves.
   * Default: one line in the log.
   */
  readonly startFailed?: (service: string, error: unknown) => void;
  /** Names of environment variables that workers must not inherit. Default: those the configuration has taken up. */
  readonly withheldVariables?: readonly string[];
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
    checkLauncherOptions(options);
    const host = options.host ?? currentProcess();
    const log = options.log ?? createLogger();
    const link = parentLink(host);
    if (link !== undefined) {
      const side = new WorkerSide(link, { options, log, host });
      this.role = 'worker';
      this.signalHandler = side.inner.signalHandler;
      this.#side = side;
      return;
    }
    this.role = 'parent';
    const side = new ParentSide({
      options,
      log,
      host,
      program: {
        host,
        entry: options.entry,
        withheld: options.withheldVariables ?? options.config?.variables ?? [],
        argumentsFor: (argv) => options.config?.workerArguments(argv) ?? argv,
        shownArguments: (argv) => options.config?.maskArguments(argv) ?? maskArguments(argv),
      },
      settings: (config) => readSettings(config, { ...options.settings, restartMethod: options.restartMethod }),
      onReload: options.onReload,
      startFailed: options.startFailed,
    });
    this.signalHandler = side.signalHandler;
    this.#side = side;
  }

  launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    return this.#side.launchService(service, options);
  }

  /**
   * In the parent: binds the addresses of services before the first worker of any of them exists, so that an address that
   * is taken starts nothing. `launchService` then uses these sockets. Rejects as `launchService` does. Does nothing in a
   * worker.
   */
  async bindAll(requests: readonly LaunchRequest[]): Promise<void> {
    if (this.#side instanceof ParentSide) await this.#side.bindAll(requests);
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

  /** What is known of all services and processes, without asking them; in a worker of itself. */
  status(): LauncherStatus {
    return this.#side.status();
  }

  /** Where a service of the parent listens, with the real ports; empty for one that does not, and in a worker. */
  addresses(service: string): readonly ListenAddress[] {
    return this.#side instanceof ParentSide ? this.#side.addresses(service) : [];
  }

  /** Answers a topic of {@link ask}, in each worker; the function it gives ends that. Does nothing in the parent. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.#side instanceof WorkerSide ? this.#side.inner.questions.answer(topic, answer) : nothing;
  }

  /** Asks all workers; those that do not answer in time, or cannot, are among the answers with an error. Never rejects. */
  ask(topic: string, body?: unknown, options: { timeoutMs?: number } = {}): Promise<Answer[]> {
    return this.#side.ask(topic, body, options.timeoutMs ?? 1000);
  }

  /**
   * Adds a section to the report that SIGUSR2 writes, in the process it is called in: the parent's own, which ends with
   * those of all workers, or a worker's. One that fails shows its error, and the rest still appears.
   */
  registerReportSection(title: string, text: ReportSection): void {
    const { reporter } = this.#side instanceof ParentSide ? this.#side : this.#side.inner;
    reporter.registerReportSection(title, text);
  }

  /** In each worker: adds what `collect` gives to the facts that `status()` has of it. Does nothing in the parent. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    if (this.#side instanceof WorkerSide) this.#side.inner.addFacts(collect);
  }

  /**
   * Changes the number of workers of a running service, 0 included, without touching the others; those with the highest
   * numbers go first. Settles when new ones are ready. Rejects with `PORTICO_NO_SUCH_SERVICE`. Does nothing in a worker.
   */
  async reconfigure(service: string, workers: number): Promise<void> {
    if (!(this.#side instanceof ParentSide)) return;
    if (workers !== 0) checkWorkers(workers);
    const pool = this.#side.supervisor.pool(service);
    if (pool === undefined) {
      throw new PorticoError('PORTICO_NO_SUCH_SERVICE', { message: `${service} service id doesn't exists` });
    }
    await pool.resize(workers);
  }

  /** In the parent, before its workers are told to stop. The function it gives takes the hook away. */
  onTerminate(hook: () => Awaitable<unknown>): () => void {
    return this.#side instanceof ParentSide ? this.#side.terminating.add(hook) : nothing;
  }

  /** In the parent, before its workers are told of a new configuration. */
  onReload(hook: (config: Config | undefined) => Awaitable<unknown>): () => void {
    return this.#side instanceof ParentSide ? this.#side.reloading.add(hook) : nothing;
  }

  /** In the parent, when a worker ended that nobody had told to: with its exit status, or the signal that killed it. */
  onDeadWorker(
    hook: (service: string, workerId: number, code: number | NodeJS.Signals | null) => Awaitable<unknown>,
  ): () => void {
    return this.#side instanceof ParentSide ? this.#side.workerDied.add(hook) : nothing;
  }

  /** In a worker, before its service is started. */
  onNewWorker(hook: (service: string, workerId: number, instance: ServiceBase) => Awaitable<unknown>): () => void {
    return this.#side instanceof WorkerSide ? this.#side.newWorker.add(hook) : nothing;
  }
}

function nothing(): void {}
