/**
 * Launchers for applications: one runs services in its own process, one runs each service in N workers on one shared port;
 * `launch` picks one by the number of workers; `serve` and `wait` are oslo.service's pair of functions.
 *
 * A worker runs the application's main module again: there, `launchService` starts only the service that the worker was
 * assigned, by name, and `wait()` ends the process. So one application has two roles, and `ProcessLauncher` has one
 * interface for both.
 */
import type { Config } from '../config/index.js';
import { PorticoError, withCode } from '../errors/index.js';
import { checkedLog } from '../log/internal.js';
import type { Answer, AnswerQuestion, LauncherStatus, ReportSection } from '../operating/index.js';
import type { Awaitable, Launchable, ListenAddress, ServiceBase } from '../service/index.js';
import { isPlanned } from '../service/internal.js';
import { FleetRunner, type ProcessLauncherOptions, REPORTS_MS } from './fleet-runner.js';
import { InProcessRunner, type ServiceLauncherOptions } from './in-process/in-process-runner.js';
import {
  checkLauncherOptions,
  checkRestartMethod,
  checkService,
  checkWorkers,
  type Launcher,
  type LauncherOptions,
  type LaunchRequest,
} from './launcher.js';
import { LauncherCore } from './launcher-core.js';
import { currentProcess } from './process/host-process.js';
import type { SignalHandler } from './process/signals.js';
import { parentLink } from './worker/parent-link.js';
import { WorkerSide } from './worker-side.js';

/** Common part of both launchers. */
abstract class CoreLauncher implements Launcher {
  /** Signals of the process, for handlers of the application: they run before the launcher's. */
  readonly signalHandler: SignalHandler;
  readonly #core: LauncherCore;

  constructor(core: LauncherCore) {
    this.#core = core;
    this.signalHandler = core.process.signalHandler;
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

  /** Returns the state of all services and processes, without asking them; in a worker its own state. */
  status(): LauncherStatus {
    return this.#core.status();
  }

  /**
   * Adds a section to the report that SIGUSR2 writes in this process: the parent's report, which ends with those of all
   * workers, or a worker's report. If a section fails, the report shows its error and goes on.
   */
  registerReportSection(title: string, text: ReportSection): void {
    this.#core.diagnosis.reporter.registerReportSection(title, text);
  }
}

/**
 * Runs any number of services in this process. They share its signals and the deadline. A service that fails is not
 * restarted: the launcher stops the others and ends with status 1.
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

  /** Responds to a topic of {@link ask} until the returned function is called. */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.#runner.questions.answer(topic, answer);
  }

  /** Returns the addresses of a service, with the actual ports; empty for a service that does not listen. */
  addresses(service: string): readonly ListenAddress[] {
    return this.status().services.find(({ name }) => name === service)?.addresses ?? [];
  }

  /** Asks this process, as a `ProcessLauncher` asks all its workers. */
  ask(topic: string, body?: unknown): Promise<Answer[]> {
    return this.#runner.ask(topic, body);
  }

  /** Adds the result of `collect` to the facts of `status()`. */
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
  /** Work that only one process may do belongs in `if (role === 'parent')`. */
  readonly role: 'parent' | 'worker';
  /** In the parent only. */
  readonly #fleet: FleetRunner | undefined;
  /** In a worker only. */
  readonly #worker: WorkerSide | undefined;

  constructor(options: ProcessLauncherOptions = {}) {
    checkLauncherOptions(options, 'a ProcessLauncher', {
      entry: true,
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

  /** A worker starts no plans. */
  async launchService(service: Launchable, options: { workers?: number } = {}): Promise<void> {
    if (this.#worker === undefined) await this.#fleet?.launchService(service, options);
    else if (!isPlanned(service)) await this.#worker.launchService(service, options);
  }

  /**
   * In the parent: binds the addresses of services before the first worker of any of them exists, so that a taken
   * address prevents the whole start. `launchService` then uses these sockets. Rejects as `launchService` does. Does
   * nothing in a worker.
   */
  async bindAll(requests: readonly LaunchRequest[]): Promise<void> {
    await this.#fleet?.bindAll(requests);
  }

  override wait(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#worker?.wait() ?? super.wait(options);
  }

  /**
   * Returns the addresses of a service of the parent, with the actual ports; empty for a service that does not listen,
   * and in a worker.
   */
  addresses(service: string): readonly ListenAddress[] {
    return this.#fleet?.addresses(service) ?? [];
  }

  /**
   * Responds to a topic of {@link ask} in each worker until the returned function is called. Does nothing in the parent.
   */
  answer(topic: string, answer: AnswerQuestion): () => void {
    return this.#worker?.core.runner.questions.answer(topic, answer) ?? nothing;
  }

  /**
   * Asks all workers. A worker that does not respond in time, or cannot, has an error in place of a response. Never
   * rejects.
   */
  ask(topic: string, body?: unknown, options: { timeoutMs?: number } = {}): Promise<Answer[]> {
    if (this.#worker !== undefined) return this.#worker.core.runner.ask(topic, body);
    return this.#fleet!.ask(topic, body, options.timeoutMs ?? 1000);
  }

  /**
   * In each worker: adds the result of `collect` to the facts that `status()` has of it. Does nothing in the parent.
   */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#worker?.core.runner.addFacts(collect);
  }

  /**
   * Changes the number of workers of a running service, 0 included, without an effect on the others; the newest
   * are removed first. Settles when new workers are ready. Rejects with `PORTICO_NO_SUCH_SERVICE`. Does nothing in a worker.
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

  /** Adds a hook that runs in the parent before its workers are asked to stop. The returned function removes it. */
  onTerminate(hook: () => Awaitable<unknown>): () => void {
    return this.#fleet?.terminating.add(hook) ?? nothing;
  }

  /**
   * Adds a hook that runs in the parent before its workers get a new configuration. To change the services, use the
   * option `onReload`.
   */
  onReload(hook: (config: Config | undefined) => Awaitable<unknown>): () => void {
    return this.#fleet?.reloading.add(hook) ?? nothing;
  }

  /**
   * Adds a hook that runs in the parent when a worker has ended unexpectedly: with its exit status, or the signal that
   * killed it.
   */
  onDeadWorker(
    hook: (service: string, workerId: number, code: number | NodeJS.Signals | null) => Awaitable<unknown>,
  ): () => void {
    return this.#fleet?.workerDied.add(hook) ?? nothing;
  }

  /** Adds a hook that runs in a worker before its service is started. */
  onNewWorker(hook: (service: string, workerId: number, instance: ServiceBase) => Awaitable<unknown>): () => void {
    return this.#worker?.newWorker.add(hook) ?? nothing;
  }
}

function nothing(): void {}

/** Options of {@link launch}. */
export interface LaunchOptions extends LauncherOptions, Pick<ProcessLauncherOptions, 'entry'> {
  /** Number of processes. Default 1: this process, and a service that dies is not restarted. */
  readonly workers?: number | null;
  /** Accepted for compatibility with oslo.service: one worker never forks here. */
  readonly noFork?: boolean;
}

/**
 * Launches a service and returns its launcher; `await` its `wait()` next. Before that it checks, in this order, the
 * type of `workers` (`TypeError`), its range and the restart method (`RangeError`), and the methods of the service
 * (`TypeError`). Rejects like `launchService`.
 */
export async function launch(
  service: ServiceBase,
  options: LaunchOptions = {},
): Promise<ServiceLauncher | ProcessLauncher> {
  const { workers: asked, noFork, entry, ...more } = options;
  const log = checkedLog('PORTICO_LAUNCHER_OPTION', 'a launcher', options.log);
  const rest = log === undefined ? more : { ...more, log };
  const workers = checkWorkers(asked);
  checkRestartMethod(options.restartMethod);
  checkService(service);
  if (noFork) log?.debug('no_fork is ignored: a single worker runs in this process anyway');
  const launcher =
    workers === 1 ? new ServiceLauncher(rest) : new ProcessLauncher({ ...rest, ...(entry !== undefined && { entry }) });
  await launcher.launchService(service, { workers });
  return launcher;
}

/** The only mutable module state here: with `serve` and `wait`, an application need not pass a launcher around. */
let served: Promise<Launcher> | undefined;

/**
 * Launches the only service of an application. By default, SIGHUP calls its `reset()`: `restartMethod` is `mutate`. Rejects like
 * `launch`, and with `PORTICO_ALREADY_SERVING` when called twice.
 */
export async function serve(service: ServiceBase, options: LaunchOptions = {}): Promise<void> {
  if (served !== undefined) {
    throw new PorticoError('PORTICO_ALREADY_SERVING', { message: 'serve() can only be called once' });
  }
  served = launch(service, { restartMethod: 'mutate', ...options });
  // Refused arguments had no effect: the application may try again.
  served.catch((error: unknown) => {
    if (error instanceof TypeError || error instanceof RangeError) served = undefined;
  });
  await served;
}

/** Waits for the launch of {@link serve}; returns the exit status. Rejects with `PORTICO_NOT_SERVING` before it. */
export async function wait(): Promise<number> {
  if (served === undefined) {
    throw new PorticoError('PORTICO_NOT_SERVING', {
      message: 'no service is being served yet',
      hint: 'Call serve(service) first.',
    });
  }
  return (await served).wait();
}
