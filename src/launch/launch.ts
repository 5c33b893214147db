/**
 * The launchers, as programs use them: one that runs services in its own process, and one that runs each in N workers on one
 * shared port; the launch of one service by whichever its number of workers asks for; and oslo.service's pair of functions
 * for such programs: `serve`, then `wait`.
 *
 * A worker is the program's main module again: `launchService` there starts only the service the worker was assigned, by
 * name, and `wait()` ends the process. So one program has two roles, and `ProcessLauncher` one face for both.
 */
import type { Config } from '../config/index.js';
import { PorticoError, withCode } from '../errors/index.js';
import type { Awaitable, Launchable, ListenAddress, ServiceBase } from '../service/index.js';
import { isPlanned } from '../service/internal.js';
import { FleetRunner, type ProcessLauncherOptions } from './fleet-runner.js';
import { InProcessRunner, type ServiceLauncherOptions } from './in-process/in-process-runner.js';
import {
  checkLauncherOptions,
  checkRestartMethod,
  checkService,
  checkWorkers,
  type Launcher,
  type LauncherOptions,
} from './launcher.js';
import { LauncherCore } from './launcher-core.js';
import type { LauncherStatus } from './launcher-status.js';
import { REPORTS_MS } from './parent/worker-reports.js';
import { currentProcess } from './process/host-process.js';
import type { SignalHandler } from './process/signals.js';
import type { Answer, AnswerQuestion } from './questions.js';
import type { LaunchRequest } from './reload/reload.js';
import type { ReportSection } from './report/report.js';
import { parentLink } from './worker/parent-link.js';
import { WorkerSide } from './worker-side.js';

/** Common part of both launchers. */
abstract class CoreLauncher implements Launcher {
  /** The signals of the process, for handlers of the application's own: they run before the launcher's. */
  readonly signalHandler: SignalHandler;
  readonly #core: LauncherCore;

  constructor(core: LauncherCore) {
    this.#core = core;
    this.signalHandler = core.signalHandler;
  }

  abstract launchService(service: ServiceBase, options?: { workers?: number }): Promise<void>;

  wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#core.wait(options);
  }

  stop(): Promise<void> {
    return this.#core.stop();
  }

  async restart(): Promise<void> {
    await this.#core.reload();
  }

  /** State of all services and processes, without asking them; in a worker its own. */
  status(): LauncherStatus {
    return this.#core.status();
  }

  /**
   * Adds a section to the report that SIGUSR2 writes, in the process it is called in: a parent's own, which ends with those of
   * all workers, or a worker's. One that fails shows its error, and the rest still appears.
   */
  registerReportSection(title: string, text: ReportSection): void {
    this.#core.diagnosis.reporter.registerReportSection(title, text);
  }
}

/**
 * Runs any number of services in this process. They share its signals, and have the same deadline. If a service fails, it is
 * not restarted: the launcher stops the others and ends with status 1.
 */
export class ServiceLauncher extends CoreLauncher {
  readonly #runner: InProcessRunner;

  constructor(options: ServiceLauncherOptions = {}) {
    checkLauncherOptions(options, 'a ServiceLauncher', { concurrent: true });
    const core = new LauncherCore<InProcessRunner>(options, (launcher) => new InProcessRunner(launcher, options));
    super(core);
    this.#runner = core.runner;
  }

  async launchService(service: ServiceBase, options: { workers?: number } = {}): Promise<void> {
    const { workers } = options;
    if (workers !== undefined && workers !== null && workers !== 1) {
      throw withCode(new RangeError('Launcher asked to start multiple workers'), 'PORTICO_INVALID_WORKERS');
    }
    await this.#runner.launchService(service);
  }

  /** Answers a topic of {@link ask}; the function it gives ends that. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.#runner.questions.answer(topic, answer);
  }

  /** Asks this process, as a `ProcessLauncher` asks all its workers. */
  ask(topic: string, body?: unknown): Promise<Answer[]> {
    return this.#runner.ask(topic, body);
  }

  /** Adds what `collect` gives to the facts of `status()`. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#runner.addFacts(collect);
  }
}

/**
 * Runs any number of services in worker processes. The parent binds their sockets, restarts workers that end, and forwards
 * signals; it never runs the services itself. If the first start of a service fails, the launch ends. Once a service has
 * been ready, its workers are restarted forever.
 */
export class ProcessLauncher extends CoreLauncher {
  /** Work that only one process may do belongs behind `role === 'parent'`. */
  readonly role: 'parent' | 'worker';
  /** In the parent alone. */
  readonly #fleet: FleetRunner | undefined;
  /** In a worker alone. */
  readonly #worker: WorkerSide | undefined;

  constructor(options: ProcessLauncherOptions = {}) {
    checkLauncherOptions(options, 'a ProcessLauncher', {
      entry: true,
      onReload: true,
      startFailed: true,
      withheldVariables: true,
      waitInterval: true,
    });
    const link = parentLink(options.host ?? currentProcess());
    const worker = link && new WorkerSide(link, options);
    const parent =
      link === undefined
        ? new LauncherCore<FleetRunner>(options, (launcher) => new FleetRunner(launcher, options))
        : undefined;
    super(worker?.core ?? parent!);
    this.role = worker === undefined ? 'parent' : 'worker';
    this.#worker = worker;
    this.#fleet = parent?.runner;
    const reporter = parent?.diagnosis.reporter;
    reporter?.registerReportSection('Workers', () => parent!.runner.workerReports(), REPORTS_MS);
  }

  /** In a worker a plan is nothing to start. */
  async launchService(service: Launchable, options: { workers?: number } = {}): Promise<void> {
    if (this.#worker === undefined) await this.#fleet?.launchService(service, options);
    else if (!isPlanned(service)) await this.#worker.launchService(service, options);
  }

  /**
   * In the parent: binds the addresses of services before the first worker of any of them exists, so that an address that
   * is taken starts nothing. `launchService` then uses these sockets. Rejects as `launchService` does. Does nothing in a
   * worker.
   */
  async bindAll(requests: readonly LaunchRequest[]): Promise<void> {
    await this.#fleet?.bindAll(requests);
  }

  override wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#worker?.wait() ?? super.wait(options);
  }

  /** Addresses of a service of the parent, with the real ports; empty for one that does not listen, and in a worker. */
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

  /**
   * In the parent, before its workers are told of a new configuration. Which services there are to be is for the option
   * `onReload`, not for hooks.
   */
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

/** Options of {@link launch}. */
export interface LaunchOptions extends LauncherOptions, Pick<ProcessLauncherOptions, 'entry'> {
  /** Processes. Default 1: in this process, and a service that dies there is not started again. */
  readonly workers?: number | null;
  /** Accepted for the sake of oslo.service's users: one worker never forks here. */
  readonly noFork?: boolean;
}

/**
 * Launches a service and returns its launcher; `await` its `wait()` next. Before that it checks, in this order, the type of
 * `workers` (`TypeError`), its range and the restart method (`RangeError`), and the methods of the service (`TypeError`).
 * Rejects like `launchService`.
 */
export async function launch(
  service: ServiceBase,
  options: LaunchOptions = {},
): Promise<ServiceLauncher | ProcessLauncher> {
  const { workers: asked, noFork, entry, ...rest } = options;
  const workers = checkWorkers(asked);
  checkRestartMethod(options.restartMethod);
  checkService(service);
  if (noFork) options.log?.debug('no_fork is ignored: a single worker runs in this process anyway');
  const launcher =
    workers === 1 ? new ServiceLauncher(rest) : new ProcessLauncher({ ...rest, ...(entry !== undefined && { entry }) });
  await launcher.launchService(service, { workers });
  return launcher;
}

/** The one mutable state of a module here: the pair exists so that a program need not pass a launcher around. */
let served: Promise<Launcher> | undefined;

/**
 * Launches the only service of a program. By default, SIGHUP changes mutable options in place. Rejects like
 * `launch`, and with `PORTICO_ALREADY_SERVING` when called twice.
 */
export async function serve(service: ServiceBase, options: LaunchOptions = {}): Promise<void> {
  if (served !== undefined) {
    throw new PorticoError('PORTICO_ALREADY_SERVING', { message: 'serve() can only be called once' });
  }
  served = launch(service, { restartMethod: 'mutate', ...options });
  // Arguments that were refused had no effect: the program may try again.
  served.catch((error: unknown) => {
    if (error instanceof TypeError || error instanceof RangeError) served = undefined;
  });
  await served;
}

/** Waits for what {@link serve} launched; gives the exit status. Rejects with `PORTICO_NOT_SERVING` before it. */
export async function wait(): Promise<number> {
  if (served === undefined) {
    throw new PorticoError('PORTICO_NOT_SERVING', {
      message: 'no service is being served yet',
      hint: 'Call serve(service) first.',
    });
  }
  return (await served).wait();
}
