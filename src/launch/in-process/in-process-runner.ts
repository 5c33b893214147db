/**
 * Runs services in this process: alone, or as the inside of a worker.
 */
import type { Config } from '../../config/index.js';
import { showOptions } from '../../config/internal.js';
import { endOwnMetrics, isGauge, type OwnMetric, readOwnMetrics, Totals } from '../../counts/index.js';
import type { Diagnostic } from '../../errors/index.js';
import type { LogFields, LogLevel } from '../../log/index.js';
import { json } from '../../log/internal.js';
import type { Answer, HeldRequest, ServiceStatus } from '../../operating/index.js';
import { DESCRIBE_MS, OPTIONS_TOPIC, Questions, requestsOf, type Telling } from '../../operating/internal.js';
import { HEAD } from '../../process/index.js';
import type { ServiceBase, WorkerContext } from '../../service/index.js';
import { troublesOf } from '../../service/internal.js';
import { pause, within } from '../../tasks/internal.js';
import { CRASH_DRAIN_MS, logFailure, STATUS_FAILED, STATUS_STOPPED, statusOf } from '../exit-status.js';
import { checkService, type LauncherOptions, serviceName } from '../launcher.js';
import type { LauncherCore } from '../launcher-core.js';
import type { LaunchSettings } from '../launcher-options.js';
import { endingText, logReady, runStatus } from '../launcher-status.js';
import { together } from '../parent/concurrent-starts.js';
import type { ReloadSteps } from '../reload/reload.js';
import type { Runner } from '../runner.js';
import { ServiceRun, type StopRequest } from '../services/service-run.js';
import { builtAndValidated, logWarnings, toldByAll } from '../services/validation.js';
import { tryAddresses } from '../sockets/listen-sockets.js';
import { ActivatedSockets } from '../systemd/service-manager.js';
import { factsOf } from './facts.js';
import { inProcessReload, resetAll } from './in-process-reload.js';

/** Options of a `ServiceLauncher` in addition to those of all launchers. */
export interface ServiceLauncherOptions extends LauncherOptions {
  /** Start services concurrently. Default false: one after another, in the order of their launch. */
  readonly concurrent?: boolean;
}

/** Options of an {@link InProcessRunner}. */
export interface InProcessOptions extends ServiceLauncherOptions {
  /** The worker that it runs in. Default: none, a process without a supervisor. */
  readonly worker?: WorkerContext;
  /** Called when the services were asked to accept no new connections: a stop begins, or its `drain_delay` is over. */
  readonly stopsAccepting?: (() => void) | undefined;
}

/** A process that is no worker. */
const ALONE: WorkerContext = {
  id: 0,
  workers: 1,
  generation: 1,
  supervised: false,
  requestReplacement: () => undefined,
};

/** Time until a service that did not start in a reload is tried again: first, and at most. */
const FIRST_RETRY_MS = 1000;
const MOST_RETRY_MS = 10_000;

export class InProcessRunner implements Runner {
  /** Topics that this process responds to. */
  readonly questions = new Questions();
  readonly supervised: boolean;
  readonly requestReplacement: Runner['requestReplacement'];
  settings: LaunchSettings;
  generation = 1;
  /** True if a stop cut off requests, or failed. */
  cutOff = false;
  readonly #launcher: LauncherCore;
  readonly #options: InProcessOptions;
  readonly #worker: WorkerContext;
  readonly #runs: ServiceRun[] = [];
  readonly #activated: ActivatedSockets;
  readonly #collectors: (() => Readonly<Record<string, unknown>>)[] = [];
  readonly #totals: Totals;
  /** The reading of the application's gauges that is in progress. */
  #gauges: Promise<readonly (readonly OwnMetric[])[]> | undefined;
  /** Findings in the configuration, of each service that was built. */
  readonly #found: (readonly Diagnostic[])[] = [];
  /** Begin of a stop for good, on the monotonic clock. */
  #stopsSince: number | undefined;
  /** Starts so far: the next start waits for them. */
  #starts: Promise<unknown> = Promise.resolve();
  /** Services that a reload has removed, until they have stopped. */
  readonly #retiring = new Set<ServiceRun>();
  /** Services that did not start in a reload, and are tried again. */
  readonly #retries = new Map<ServiceRun, AbortController>();
  /** Launched services that are not built, and those whose addresses a service manager has not passed. */
  #unbuilt: ServiceRun[] = [];
  readonly #unbound = new Set<ServiceBase>();

  constructor(launcher: LauncherCore, options: InProcessOptions) {
    this.#launcher = launcher;
    this.#options = options;
    this.#worker = options.worker ?? ALONE;
    this.supervised = this.#worker.supervised;
    this.requestReplacement = options.worker?.requestReplacement;
    this.settings = launcher.settingsOf(options.config);
    this.#totals = Totals.of(launcher.log);
    this.#activated = new ActivatedSockets(launcher.host);
    this.questions.answer('report', () => launcher.diagnosis.reporter.report());
    this.questions.answer('log-level', (level) => {
      launcher.control.levels.set(level as LogLevel);
    });
    // With those of the application, which has been imported since.
    this.questions.answer(
      OPTIONS_TOPIC,
      async () => launcher.config && showOptions(await launcher.config.toValidate()),
    );
  }

  get name(): string {
    return this.#runs[0]?.name ?? 'portico';
  }

  get services(): readonly ServiceBase[] {
    return this.#runs.map(({ service }) => service);
  }

  get ownServices(): readonly ServiceBase[] {
    return this.services;
  }

  get remaining(): string {
    return this.#runs[0]?.remaining ?? 'no limit';
  }

  get crash(): { readonly facts: LogFields; readonly limitMs: number } {
    const service = this.#runs.length === 1 ? this.#runs[0]?.name : undefined;
    return { facts: { service, workerId: this.#options.worker?.id }, limitMs: CRASH_DRAIN_MS };
  }

  /** Starts a service; settles when it is ready. */
  launchService(service: ServiceBase): Promise<void> {
    checkService(service);
    return this.#launcher.launch(() => {
      const run = this.#add(service);
      this.#unbuilt.push(run);
      const before = this.#options.concurrent ? Promise.resolve() : this.#starts;
      const started = before.then(() => this.#start(run));
      this.#starts = Promise.allSettled([this.#starts, started]);
      return started;
    });
  }

  /** Asks this process, as a supervisor asks all its workers. */
  async ask(topic: string, body: unknown): Promise<Answer[]> {
    const from = { service: undefined, workerId: 0, pid: this.#launcher.host.pid };
    return [await this.questions.answerAs(from, topic, body)];
  }

  async describe(_service: string, topic: string, body: unknown): Promise<Answer | undefined> {
    if (!this.questions.has(topic)) return undefined;
    const late: Answer = {
      service: undefined,
      workerId: 0,
      pid: undefined,
      error: `no reply within ${DESCRIBE_MS} ms`,
    };
    const limit = { ms: DESCRIBE_MS, unref: true };
    const [answer] = await within(this.ask(topic, body), limit, () => [late]);
    return answer;
  }

  counted(): Totals {
    for (const run of this.#all) this.#count(run);
    return this.#totals;
  }

  /** Simultaneous calls share one reading. */
  ownGauges(): Promise<readonly (readonly OwnMetric[])[]> {
    this.#gauges ??= this.#readGauges().finally(() => {
      this.#gauges = undefined;
    });
    return this.#gauges;
  }

  async #readGauges(): Promise<readonly (readonly OwnMetric[])[]> {
    const metrics = (await readOwnMetrics(this.#launcher.config, 'all')) ?? [];
    this.#totals.own.add(metrics.filter((metric) => !isGauge(metric)));
    return [metrics.filter(isGauge)];
  }

  status(): ServiceStatus[] {
    const { id, generation } = this.#worker;
    const { pid } = this.#launcher.host;
    return this.#runs.map((run) =>
      runStatus(run, { id, pid, generation, facts: this.#factsOf([run]) }, () => this.#launcher.config),
    );
  }

  ending(): string[] | undefined {
    return this.#retiring.size === 0 ? undefined : [...this.#retiring].map(endingText);
  }

  /** Reports whether a service was ready once. */
  get hasServed(): boolean {
    return this.#runs.some(({ wasReady }) => wasReady);
  }

  /** Number of requests that its services have cut off at a deadline. */
  get cutOffRequests(): number {
    return this.#all.reduce((sum, { cutOffRequests }) => sum + cutOffRequests, 0);
  }

  summary(): string {
    return this.#runs.map(({ name, state }) => `${name}: ${state}`).join(', ');
  }

  answers(): boolean {
    return true;
  }

  allReady(since: number): void {
    const { log } = this.#launcher;
    if (this.#options.signals !== false) logReady(log, this.status(), since);
    this.#activated.warnOfUnused(log, this.#runs);
    const { config } = this.#options;
    logWarnings(config, toldByAll(this.#found));
  }

  async stop(request: StopRequest, superseded: AbortSignal): Promise<number> {
    if (request.reason === 'stop') this.#stopsSince ??= performance.now();
    const delayedMs = performance.now() - (this.#stopsSince ?? performance.now());
    const runs = this.#all;
    const clean = await stopServices(runs, request, {
      // A stop that leaves less time than the present one does not begin the delay again.
      drainDelayMs: this.settings.drainDelayMs - delayedMs,
      superseded,
      stopsAccepting: this.#options.stopsAccepting,
      killAfter: (ms) => this.#launcher.process.killAfter(ms),
      leaveBehind: (work) => this.#launcher.process.leaveBehind(work, { overdue: true }),
    });
    this.cutOff ||= !clean;
    const chosen = runs.find(({ exitStatus }) => exitStatus !== undefined)?.exitStatus;
    return chosen ?? (clean ? STATUS_STOPPED : STATUS_FAILED);
  }

  async halt(): Promise<void> {
    await Promise.all(this.#all.map((run) => run.abandon()));
  }

  /** Returns the steps of a reload: all services build their next parts while they serve; then each stops and starts again. */
  reloadSteps(): ReloadSteps {
    const parts = {
      onReload: this.#options.onReload,
      runs: this.#runs,
      add: (service: ServiceBase) => this.#add(service),
      retire: (run: ServiceRun, request: StopRequest, settleMs: number) => this.#retire(run, request, settleMs),
      use: (settings: LaunchSettings) => {
        this.settings = settings;
        this.generation += 1;
      },
      start: (run: ServiceRun) => this.#startAgain(run),
      renew: () => {
        for (const retry of this.#retries.values()) retry.abort();
        this.#retries.clear();
        // The starts open the backdoor again, as the new configuration has it.
        return this.#launcher.diagnosis.close();
      },
      leaveBehind: (work: Promise<unknown>) => this.#launcher.process.leaveBehind(work),
      stop: (run: ServiceRun, request: StopRequest) => this.#stopFor(run, request),
      settle: async () => {
        const { config } = this.#launcher;
        const ended = config === undefined ? [] : await endOwnMetrics(config);
        if (ended.length > 0) this.#totals.own.add(ended);
      },
    };
    return inProcessReload(parts, this.#launcher.config);
  }

  /** Passes a later configuration to running services, in order, by their `reset`. Returns false if one refused it. */
  async reset(next: Config | undefined): Promise<boolean> {
    return (await resetAll(this.#runs, next)).length === 0;
  }

  /** Adds the result of `collect` to the facts of `status()`. */
  addFacts(collect: () => Readonly<Record<string, unknown>>): void {
    this.#collectors.push(collect);
  }

  /** Returns the requests in progress, oldest first. */
  requests(): readonly HeldRequest[] {
    return requestsOf(this.#all.map(({ service }) => service))
      .sort((a, b) => b.ageMs - a.ageMs)
      .map(({ method, path, ageMs }) => ({ method, path: path.slice(0, HEAD), ageMs: Math.round(ageMs) }));
  }

  /** Returns the oldest requests in progress, and the present results of the collectors. */
  facts(): Record<string, unknown> {
    return this.#factsOf(this.#runs);
  }

  /** Its services, and those that a reload has removed and that have not ended. */
  get #all(): readonly ServiceRun[] {
    return [...this.#runs, ...this.#retiring];
  }

  #count({ name, service }: ServiceRun): void {
    const { meter } = service as Telling;
    if (meter !== undefined) this.#totals.add(name, meter.take());
  }

  #factsOf(runs: readonly ServiceRun[]): Record<string, unknown> {
    const services: readonly Telling[] = runs.map(({ service }) => service as Telling);
    const known = { ...factsOf(services, troublesOf(this.#options.config)), ...this.#launcher.process.loop };
    return Object.assign(known, ...this.#collectors.map((collect) => plainFacts(collect()))) as Record<string, unknown>;
  }

  async #start(run: ServiceRun): Promise<void> {
    if (this.#launcher.stopping) return;
    const start = async (): Promise<void> => {
      const { config } = this.#options;
      if (!this.supervised && config !== undefined && !(await this.#build(config))) return;
      await this.#begin(run);
    };
    await this.#launcher.orEnd(run.name, start());
  }

  async #begin(run: ServiceRun): Promise<void> {
    const { diagnosis } = this.#launcher;
    await diagnosis.open();
    // A stop with `drain_delay` lets a service of a reload begin: it serves until the delay is over.
    if (run.ends || (this.#launcher.stopping && run.state !== 'reloading')) return;
    if ('backdoorPort' in run.service) run.service.backdoorPort = diagnosis.backdoorPort;
    await run.start();
  }

  /**
   * Starts a service of a reload. Returns the error of a failure: what it needs may be away for a moment, so it is tried again until it starts,
   * a stop is requested, or the next reload replaces it.
   */
  async #startAgain(run: ServiceRun): Promise<unknown> {
    const { log, stopBegins } = this.#launcher;
    const over = new AbortController();
    this.#retries.set(run, over);
    const signal = AbortSignal.any([over.signal, stopBegins.signal]);
    const attempt = async (waitMs: number): Promise<unknown> => {
      try {
        await this.#begin(run);
      } catch (error) {
        if (signal.aborted && (over.signal.aborted || run.ends)) return undefined;
        const next = signal.aborted ? '' : ', and is tried again';
        logFailure(log, `Service ${run.name} did not start in a reload${next}`, error, {
          service: run.name,
        });
        void pause(waitMs, { signal, unref: true }).then(
          (isTime) => isTime && attempt(Math.min(2 * waitMs, MOST_RETRY_MS)),
        );
        return error;
      }
      if (waitMs > FIRST_RETRY_MS) log.notice({ service: run.name }, `Service ${run.name} has started`);
      if (run.started) {
        run.announce?.();
        run.announce = undefined;
      }
      return undefined;
    };
    return attempt(FIRST_RETRY_MS);
  }

  /** Stops a service, and notes the requests that it has cut off for the configuration that a reload has replaced. */
  async #stopFor(run: ServiceRun, request: StopRequest): Promise<void> {
    const before = run.cutOffRequests;
    const replaced = this.generation - 1;
    await run.stop(request);
    const cutOff = run.cutOffRequests - before;
    if (cutOff > 0 && !this.#launcher.stopping) this.#launcher.noteCutOff(replaced, cutOff);
  }

  /** Stops a service that a reload removes. */
  async #retire(run: ServiceRun, request: StopRequest, settleMs: number): Promise<void> {
    this.#runs.splice(this.#runs.indexOf(run), 1);
    this.#retiring.add(run);
    const stopped = this.#stopFor(run, request).then(() => {
      this.#retiring.delete(run);
      this.#count(run);
      if (this.#launcher.stopping) return;
      if (run.exitStatus !== undefined) this.#launcher.end(run.exitStatus);
    });
    await within(stopped, settleMs);
  }

  #add(service: ServiceBase): ServiceRun {
    const run: ServiceRun = new ServiceRun(service, serviceName(service), {
      log: this.#launcher.log,
      listener: { died: (error) => this.#died(run, error), finished: () => this.#oneFinished() },
    });
    this.#runs.push(run);
    service.useWorker?.(this.#worker);
    if (!this.supervised && !this.#activated.giveTo(service, run.name)) this.#unbound.add(service);
    return run;
  }

  /**
   * Builds and validates the services that were launched together, before the first of them starts: one list has all
   * errors, and all addresses that are taken. Returns false if a stop was requested meanwhile.
   */
  async #build(config: Config): Promise<boolean> {
    const services = this.#unbuilt.splice(0).map(({ service }) => service);
    if (services.length === 0) return !this.#launcher.stopping;
    const taken = await refusalOf(tryAddresses(services.filter((service) => this.#unbound.has(service))));
    const checked = await builtAndValidated(services, config).catch((error: unknown) => {
      throw taken === undefined ? error : together([error, taken]);
    });
    if (taken !== undefined || this.#launcher.stopping) await checked.letGo();
    if (taken !== undefined) throw taken;
    this.#found.push(checked.found);
    return !this.#launcher.stopping;
  }

  #died(run: ServiceRun, error: unknown): void {
    logFailure(this.#launcher.log, `Service ${run.name} died`, error, { service: run.name });
    this.#launcher.end(statusOf(error));
  }

  #oneFinished(): void {
    if (this.#options.exitWhenIdle && this.#runs.every(({ finished }) => finished)) this.#launcher.end(0);
  }
}

/** Returns facts of an application as JSON has them: they may have functions, which no channel takes, or contain themselves. */
function plainFacts(facts: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts ?? {}).flatMap(([name, value]) => {
      const text = json(value);
      return text === undefined ? [] : [[name, JSON.parse(text) as unknown]];
    }),
  );
}

/** Returns the error of `work`; undefined if it has none. */
function refusalOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

// Stop of all services of this process, concurrently, with one deadline.

/** Circumstances of the stop. */
interface StopCircumstances {
  /**
   * Time for which services report that they are not ready before they stop accepting connections. Part of the
   * deadline.
   */
  readonly drainDelayMs: number;
  /** Aborted when another stop with less time replaces this one. */
  readonly superseded: AbortSignal;
  readonly stopsAccepting: InProcessOptions['stopsAccepting'];
  /** Ends a process with a stuck event loop shortly after this time; 0 cancels. */
  killAfter(ms: number): void;
  /** Called with work that continues after the deadline. */
  leaveBehind(work: Promise<unknown>): void;
}

/**
 * Stops all services concurrently, in the order of their launch, so that none continues to accept while another drains.
 * One deadline applies to all. Returns true if all requests in progress ended, or another stop has replaced this one.
 */
async function stopServices(
  runs: readonly ServiceRun[],
  request: StopRequest,
  { drainDelayMs, superseded, stopsAccepting, killAfter, leaveBehind }: StopCircumstances,
): Promise<boolean> {
  const limits = runs.map((run) => run.timeoutMs(request));
  // A service may have no limit.
  const longestMs = limits.includes(0) ? 0 : Math.max(request.limitMs ?? request.timeoutMs, ...limits);
  killAfter(longestMs);
  const began = performance.now();
  // After a crash there is no delay, and a service that never served is in no load balancer's list.
  const known = runs.some(({ wasReady }) => wasReady);
  if (known && request.reason === 'stop' && request.limitMs === undefined && drainDelayMs > 0) {
    for (const run of runs) run.service.markDraining?.();
    await pause(request.timeoutMs === 0 ? drainDelayMs : Math.min(drainDelayMs, request.timeoutMs), {
      signal: superseded,
    });
    if (superseded.aborted) return true;
  }
  const spentMs = performance.now() - began;
  const stops = runs.map((run) => run.stop({ ...request, spentMs }));
  stopsAccepting?.();
  const clean = (await Promise.all(stops)).every(Boolean);
  if (!superseded.aborted) killAfter(0);
  for (const { goesOn } of runs) if (goesOn !== undefined) leaveBehind(goesOn);
  return clean;
}
