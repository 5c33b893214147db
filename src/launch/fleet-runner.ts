/**
 * Runs the services of a `ProcessLauncher` in workers, through the `Supervisor`.
 */

import type { Config } from '../config/index.js';
import { maskArguments } from '../config/internal.js';
import { type OwnMetric, Totals } from '../counts/index.js';
import { PorticoError } from '../errors/index.js';
import { ownVersion } from '../modules/index.js';
import type { Answer, ServiceStatus } from '../operating/index.js';
import { cutOffText, DESCRIBE_MS, workerLines } from '../operating/internal.js';
import type { Launchable, ListenAddress, ServiceBase } from '../service/index.js';
import { within } from '../tasks/internal.js';
import { countText } from '../text/index.js';
import { STATUS_FAILED } from './exit-status.js';
import { checkLaunchable, checkWorkers, type LauncherOptions, type LaunchRequest, serviceName } from './launcher.js';
import type { LauncherCore } from './launcher-core.js';
import type { LaunchSettings } from './launcher-options.js';
import { fleetStatus, logReady } from './launcher-status.js';
import { ConcurrentStarts } from './parent/concurrent-starts.js';
import { OwnGauges } from './parent/own-gauges.js';
import { Supervisor, type System } from './parent/supervisor.js';
import type { WorkerHandle } from './parent/worker-handle.js';
import { mainModule, type WorkerProgram } from './parent/worker-process.js';
import { HookList } from './process/hook-list.js';
import { masterTitle, programName, setTitle } from './process/host-process.js';
import { fleetReload } from './reload/fleet-reload.js';
import type { ReloadSteps } from './reload/reload.js';
import type { Runner } from './runner.js';
import type { StopRequest } from './services/service-run.js';
import { logWarnings, toldByAll } from './services/validation.js';
import { bindFailure, bindFailures, locationOfAddress } from './sockets/listen-sockets.js';
import { Deadline } from './waiting.js';

/** Options of a `ProcessLauncher` in addition to those of all launchers. */
export interface ProcessLauncherOptions extends LauncherOptions {
  /**
   * Module that workers run. Default: the application's main module. For applications that must not run twice, such as a test
   * runner or a REPL.
   */
  readonly entry?: URL | string;
  /** Names of environment variables that workers must not inherit. Default: those that the configuration has read. */
  readonly withheldVariables?: readonly string[];
  /** Accepted for compatibility with oslo.service, and ignored: nothing polls here. */
  readonly waitInterval?: number;
}

/** Workers send a heartbeat each second; a worker without one for this time does not respond. */
const ANSWERS_WITHIN_MS = 5000;
/** A worker may be silent for this time: its heartbeat interval and the tolerated delay. */
const LATE_MS = 1250;

/** Most time for which hooks may delay a stop. */
const HOOKS_MS = 10_000;

export class FleetRunner implements Runner {
  readonly supervised = false;
  readonly crash = { facts: {} };
  readonly ownServices: readonly ServiceBase[] = [];
  readonly supervisor: Supervisor;
  readonly terminating: HookList<[]>;
  readonly reloading: HookList<[config: Config | undefined]>;
  readonly workerDied: HookList<[service: string, workerId: number, code: number | NodeJS.Signals | null]>;
  readonly #launcher: LauncherCore;
  readonly #options: ProcessLauncherOptions;
  readonly #program: WorkerProgram;
  readonly #totals: Totals;
  readonly #ownGauges: OwnGauges;
  readonly #starts = new ConcurrentStarts();
  #deadline: Deadline | undefined;
  /** Number of requests that the stop has cut off. */
  #cutOff = 0;

  /** `system`: starts processes and binds addresses. Default: this one. */
  constructor(launcher: LauncherCore, options: ProcessLauncherOptions, system: System = {}) {
    const { host, log } = launcher;
    const { config } = launcher;
    const argv = (): string[] => host.argv.slice(2);
    this.#launcher = launcher;
    this.#options = options;
    this.#program = {
      ...system,
      host,
      version: ownVersion(),
      entry: options.entry,
      withheld: options.withheldVariables ?? config?.variables ?? [],
      told: () => launcher.config?.workerArguments(argv()) ?? argv(),
      shown: () => launcher.config?.maskArguments(argv()) ?? maskArguments(argv()),
    };
    this.terminating = new HookList('terminate', log);
    this.reloading = new HookList('reload', log);
    this.workerDied = new HookList('dead worker', log);
    this.#totals = Totals.of(log);
    this.#ownGauges = new OwnGauges(() => this.#served, ASK_MS, log);
    this.supervisor = new Supervisor({
      log,
      program: this.#program,
      config,
      settings: launcher.settingsOf(config),
      totals: this.#totals,
      logLevel: (service) => launcher.control.levels.of(service),
      listeners: system.listeners,
      processors: system.processors,
      reloadsEnd: () => launcher.reloadsEnd(),
      deadWorker: (pool, index, { code, signal }) => void this.workerDied.run(pool.name, index, signal ?? code),
      cutOff: (generation, count) => {
        if (launcher.stopping) this.#cutOff += count;
        else if (generation !== undefined) launcher.noteCutOff(generation, count);
      },
      giveUp: (pool) => {
        const { maxRestarts, restartWindowMs } = this.settings;
        const within = restartWindowMs === 0 ? '' : ` within ${restartWindowMs / 1000} s`;
        const limit = `more than ${maxRestarts} times (max_restarts)${within}`;
        log.error({ service: pool.name }, `Service ${pool.name} was restarted ${limit}: giving up`);
        launcher.end(STATUS_FAILED);
      },
    });
  }

  get settings(): LaunchSettings {
    return this.supervisor.generation.settings;
  }

  get generation(): number {
    return this.supervisor.generation.number;
  }

  get name(): string {
    return this.#options.prog ?? programName(this.#launcher.host);
  }

  get services(): readonly Launchable[] {
    return this.supervisor.pools.map(({ service }) => service);
  }

  get remaining(): string {
    return this.#deadline?.describe() ?? 'no limit';
  }

  /** Starts the workers of a service; settles when all are ready. */
  async launchService(service: Launchable, options: { workers?: number } = {}): Promise<void> {
    const workers = checkWorkers(options.workers);
    const name = serviceName(checkLaunchable(service));
    requireMain(this.#program);
    await this.#launcher.launch(() => {
      const start = this.supervisor.launch(service, name, workers);
      const pool = this.supervisor.pool(name);
      void pool?.accepted.then(() => this.#launcher.accepts());
      // A service whose address is taken has no worker.
      const built = Promise.race([start, pool?.built]);
      return this.#launcher.orEnd(name, this.#starts.add(start, this.#launcher.stopBegins.signal, built));
    });
  }

  /** Binds the addresses of services before their launch: all of them, or the launch ends as for a failed start. */
  async bindAll(requests: readonly LaunchRequest[]): Promise<void> {
    this.#launcher.takeSignals();
    const failures = new Map<string, PorticoError>();
    for (const { service, workers } of requests) {
      if (this.#launcher.stopping) return;
      const name = serviceName(checkLaunchable(service));
      checkWorkers(workers);
      try {
        await this.supervisor.bind(service, name);
      } catch (error) {
        failures.set(name, bindFailure({ name, location: locationOfAddress(service) }, error));
      }
    }
    if (failures.size === 0) return;
    const error = bindFailures([...failures.values()]);
    await this.#launcher.orEnd([...failures.keys()].join(', '), Promise.reject(error));
  }

  /** Returns the addresses of a service, with the actual ports. */
  addresses(service: string): readonly ListenAddress[] {
    return this.supervisor.pool(service)?.sockets.map(({ address }) => address) ?? [];
  }

  ask(topic: string, body: unknown, timeoutMs: number): Promise<Answer[]> {
    return Promise.all(this.#served.map((worker) => worker.ask(topic, body, timeoutMs)));
  }

  signalsTaken(): void {
    const { host, diagnosis } = this.#launcher;
    setTitle(host, masterTitle(this.name, this.#program.shown?.() ?? []));
    diagnosis.watchInSupervisor();
  }

  status(): ServiceStatus[] {
    return fleetStatus(this.supervisor, this.#totals);
  }

  counted(): Totals {
    return this.#totals;
  }

  async ownGauges(): Promise<readonly (readonly OwnMetric[])[]> {
    return this.#totals.own.isUsed ? this.#ownGauges.read() : [];
  }

  workerLines(): readonly string[] {
    return this.status().flatMap(workerLines);
  }

  /** Returns the reports of all workers, one after another. */
  workerReports(): Promise<string> {
    return workerReports(this.#served);
  }

  summary(): string {
    return this.status()
      .map(({ name, ready, wanted }) => `${name}: ${ready} of ${wanted} workers`)
      .join(', ');
  }

  answers(limitMs: number): boolean {
    const since = performance.now() - Math.max(LATE_MS, Math.min(ANSWERS_WITHIN_MS, limitMs));
    const serving = this.supervisor.pools.flatMap((pool) => pool.current.filter((worker) => worker.serving));
    return serving.every((worker) => worker.beat.debugged || worker.beat.at >= since);
  }

  allReady(since: number): void {
    const first = this.supervisor.pools.map((pool) => pool.current.find(({ assignment }) => assignment.index === 0));
    const { config } = this.#options;
    logWarnings(config, toldByAll(first.map((worker) => worker?.found ?? [])));
    logReady(this.#launcher.log, this.status(), since);
    this.supervisor.warnOfUnusedSockets();
  }

  /** Keeps at least one worker; a service without workers stays without until a number is requested. */
  resize(by: 1 | -1): void {
    const { log } = this.#launcher;
    for (const pool of this.supervisor.pools) {
      const { name: service, wanted } = pool;
      const workers = Math.max(Math.min(1, wanted), wanted + by);
      if (workers === wanted) {
        log.notice({ service, workers }, `Service ${service} keeps its ${countText(wanted, 'worker')}`);
        continue;
      }
      log.notice({ service, workers }, `Service ${service}: ${wanted} -> ${workers} workers`);
      void pool.resize(workers);
    }
  }

  readonly fleet: NonNullable<Runner['fleet']> = {
    scale: async (service, workers) => await this.supervisor.pool(service)?.resize(workers),
    restart: async (service) => (await this.supervisor.pool(service)?.renew()) ?? { replaced: 0, failures: [] },
    reportOf: async (pid) => {
      const workers = this.#served.filter((worker) => worker.pid === pid);
      return workers.length === 0 ? undefined : workerReports(workers);
    },
    setLogLevel: async (level, service) => {
      const pools = this.supervisor.pools.filter(({ name }) => service === undefined || name === service);
      const asked = pools.flatMap(({ placed }) =>
        placed.map((worker) => ({ worker, answer: worker.ask('log-level', level, ASK_MS) })),
      );
      // One that starts applies it when it has loaded its application.
      return Promise.all(asked.flatMap(({ worker, answer }) => (worker.served === undefined ? [] : [answer])));
    },
  };

  async describe(service: string, topic: string, body: unknown): Promise<Answer | undefined> {
    const serving = this.#served.filter(({ assignment, serving }) => assignment.service === service && serving);
    // A stuck worker cannot respond.
    const [first] = serving.sort((a, b) => a.beat.silentSeconds - b.beat.silentSeconds);
    return first?.ask(topic, body, DESCRIBE_MS);
  }

  reopenLogs(): void {
    this.supervisor.reopenLogs();
  }

  async stop({ timeoutMs }: StopRequest): Promise<number> {
    this.#deadline = new Deadline(timeoutMs);
    const late = await this.terminating.runWithin(hooksMs(timeoutMs));
    if (late !== undefined) this.#launcher.log.warn(`${late}; the workers are asked to stop now`);
    const clean = await this.supervisor.stop(this.#deadline);
    this.#deadline.clear();
    if (this.#cutOff > 0) this.#launcher.log.error(cutOffText(this.#cutOff, 'graceful_shutdown_timeout'));
    return this.supervisor.exitStatus ?? (clean ? 0 : STATUS_FAILED);
  }

  async halt(): Promise<void> {
    await this.supervisor.kill();
  }

  reloadSteps(): ReloadSteps {
    const { onReload } = this.#options;
    const { supervisor, reloading: hooks } = this;
    return fleetReload({ supervisor, onReload, hooks });
  }

  get #served(): readonly WorkerHandle[] {
    return this.supervisor.pools.flatMap((pool) => [...pool.workers].filter(({ served }) => served !== undefined));
  }
}

function requireMain(program: WorkerProgram): void {
  if (mainModule(program) !== undefined) return;
  throw new PorticoError('PORTICO_NO_MAIN_MODULE', {
    message: 'there is no main module for workers to run',
    hint: "Pass an entry: new ProcessLauncher({ entry: new URL('../launch.js', import.meta.url) }).",
  });
}

/**
 * Returns the most time for which hooks may delay a stop: the larger part belongs to the workers. Hooks of a stop
 * without limit are limited too.
 */
function hooksMs(timeoutMs: number): number {
  return timeoutMs === 0 ? HOOKS_MS : Math.min(HOOKS_MS, timeoutMs / 6);
}

/** Time that a worker has for work without delay. */
const ASK_MS = 1000;

/** Time that a worker has to report. */
const REPORT_MS = 5000;
/** Time that all workers have. */
export const REPORTS_MS = REPORT_MS + 1000;
/** Interval between checks for a stack from the watch thread. */
const LOOK_MS = 100;

/** Time after which a watch thread without a stack will find none. */
const STACKLESS_SECONDS = 4;

/** Returns the reports of these workers, one after another. */
async function workerReports(workers: readonly WorkerHandle[]): Promise<string> {
  const answers = await Promise.all(workers.map(reportOf));
  return answers
    .map(({ service, workerId, pid, body, error }) => {
      const text = typeof body === 'string' ? body : `no report: ${error ?? 'it gave none'}`;
      return `Worker ${workerId} of ${service ?? 'all services'} (pid ${pid})\n\n${text}`;
    })
    .join('\n\n');
}

/** Returns the report of a worker; for a stuck worker its stack, at once if it is known. */
async function reportOf(worker: WorkerHandle): Promise<Answer> {
  const answer = worker.ask('report', undefined, REPORT_MS);
  for (;;) {
    const { stack, silentSeconds } = worker.beat;
    const answered = await within(answer, stack === undefined ? LOOK_MS : 0);
    if (answered !== undefined) return answered;
    if (stack !== undefined || silentSeconds > STACKLESS_SECONDS) return stuckAnswer(worker, stack);
  }
}

function stuckAnswer(worker: WorkerHandle, stack: readonly string[] | undefined): Answer {
  const { service, index: workerId } = worker.assignment;
  const seconds = Math.round((performance.now() - worker.beat.at) / 1000);
  const what =
    stack === undefined
      ? ['its watch thread does not respond: the process is stopped, or its main thread is blocked in a system call']
      : ['its main thread is stuck:', ...stack.map((frame) => `    ${frame}`)];
  return { service, workerId, pid: worker.pid, body: `no heartbeat for ${seconds} s; ${what.join('\n')}` };
}
