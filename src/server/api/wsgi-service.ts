/** WSGIService: an API by its name. The configuration has its address, the paste file its app. */

import type { TlsOptions } from 'node:tls';
import { RequestContext } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { type Location, PorticoError, Refusals } from '../../errors/index.js';
import type { LoadedApp } from '../../loader/index.js';
import type { MadeApps, Walk } from '../../loader/internal.js';
import type { Logger } from '../../log/index.js';
import { type EarlierRuns, type ManagedRun, ManagedRuns, ManagedService, namedManager } from '../../managers/index.js';
import {
  Lifecycle,
  type ListenAddress,
  type ListeningService,
  type ListenSocket,
  type Manager,
  type ServicePlan,
  type StopOptions,
  type WorkerContext,
} from '../../service/index.js';
import { FORCED_STOP_MS, type ProtocolSteps, remaining } from '../../service/internal.js';
import { type PeriodicTasks, TaskGroup } from '../../tasks/index.js';
import { pause } from '../../tasks/internal.js';
import { isUnanswered, reportedExchange } from '../connections/cut-off.js';
import { Server } from '../server.js';
import type { ServerOptions } from '../server-options.js';
import { ApiApp, reloading, unbuilt, withdrawn } from './api-app.js';
import { processLog } from './api-log.js';
import { ApiMeter } from './api-meter.js';
import type { WSGIServiceOptions } from './api-options.js';
import { type ApiReading, apiParts, apiPlan } from './api-plan.js';
import { type ApiSettings, addressPlace, apiSettings, checkArguments, serverOptionsOf } from './api-settings.js';
import { ApiTls } from './api-tls.js';
import { pasteErrors, pasteLoader } from './paste-loader.js';

/**
 * A service for one API of the configuration. The constructor opens nothing: it reads the files, and throws for errors in them
 * (ConfigNotFound, PasteAppNotFound, ConfigError, `PORTICO_TLS_CONFIG`). `start()` builds the app and listens; `stop()` undoes it in reverse.
 */
export class WSGIService implements ListeningService {
  readonly name: string;
  /** `<project>-<name>`, the name in records and reports. */
  readonly binary: string;
  /** Number of processes that serve it. */
  readonly workers: number;
  /** The app of the paste file that is served. */
  readonly pipeline: string;
  /** Its server, with its requests and connections. */
  readonly server: Server;
  /** Source of its metrics. */
  readonly meter: ApiMeter;
  /** Address of the launcher's backdoor: a port, a path, or null. The launcher sets it; a manager's response contains it. */
  backdoorPort: number | string | null = null;
  /** Configuration of the present run. */
  #config: Config;
  /** Options for reading other configurations. */
  readonly #reading: ApiReading;
  /** Log with fields for service and worker; the server adds the service to the other log by itself. */
  readonly #log: Logger;
  readonly #processLog: Logger;
  readonly #options: WSGIServiceOptions;
  #tls: ApiTls;
  readonly #app: ApiApp;
  readonly #runs: ManagedRuns<ApiRun>;
  /** The run whose app the server has, until its requests have ended: then its managers end, and its app is closed. */
  #served: ApiRun | undefined;
  #worker: WorkerContext | undefined;
  /** Aborted by a start that has ended: requests wait for it no longer. */
  #startEnds = new AbortController();

  constructor(name: string, config: Config, options: WSGIServiceOptions = {}) {
    checkArguments(name, config, options);
    this.name = name;
    this.binary = `${options.project ?? 'portico'}-${name}`;
    this.#config = config;
    this.#options = options;
    config.registerLoaded();
    this.#processLog = processLog(config, options.log);
    this.#log = this.#processLog.child({ service: name });
    const reading = { ...options, log: this.#log, paste: pasteLoader };
    const { settings, apiTls, loader, tls } = apiParts(name, config, reading);
    this.#tls = apiTls;
    this.#reading = reading;
    this.pipeline = settings.pipeline;
    this.workers = options.dev === true ? 1 : settings.workers;
    this.server = new Server(name, unbuilt, { ...this.#serverOptions(settings), ...(tls && { tls }) });
    this.meter = new ApiMeter(() => this.#config, this.server, {
      binary: this.binary,
      project: options.project,
      log: this.#log,
    });
    this.#app = new ApiApp(name, { ...options, log: this.#log, meter: this.meter }, loader);
    const { manager: given, registration } = options;
    this.#runs = new ManagedRuns({ make: (earlier) => this.#makeRun(earlier), given, registration, log: this.#log });
  }

  get #run(): ApiRun {
    return this.#runs.present;
  }

  /** Configuration of the present run. */
  get config(): Config {
    return this.#config;
  }

  /** Background tasks that end with the present run. */
  get tasks(): TaskGroup {
    return this.#run.tasks;
  }

  /** Its present or future addresses. */
  get addresses(): readonly ListenAddress[] {
    return this.server.addresses;
  }

  get addressPlace(): Location | undefined {
    return addressPlace(this.#config, this.name);
  }

  /** Host of its first address; undefined for a Unix socket. */
  get host(): string | undefined {
    return (this.addresses[0] as { readonly host?: string } | undefined)?.host;
  }

  /** Port of its first address, before the start as configured; undefined for a Unix socket. */
  get port(): number | undefined {
    return (this.addresses[0] as { readonly port?: number } | undefined)?.port;
  }

  /** Reports whether it uses TLS. */
  get usesTls(): boolean {
    return this.#tls.enabled;
  }

  /** Expiry of its certificate; undefined for plain HTTP, and for a development certificate. */
  get certificateEnds(): Date | undefined {
    return this.#tls.validUntil;
  }

  /** Returns the expiry of its certificate in a later configuration, for reports of a parent of workers. */
  certificateEndsIn(config: Config): Date | undefined {
    return new ApiTls(this.name, config, this.#reading).validUntil;
  }

  /** Returns why clients may not trust its certificate in a configuration. */
  certificateUntrustedIn(config: Config): string | undefined {
    return new ApiTls(this.name, config, this.#reading).untrusted;
  }

  /** The paste file, if its app comes from one. */
  get pasteFile(): string | undefined {
    return this.#app.path;
  }

  /** The walk of its last build over the paste file, until it serves. @internal */
  get walked(): Walk | undefined {
    return this.#app.walked;
  }

  /** The main manager; a manager from the configuration is available from the first start on. */
  get manager(): Manager | undefined {
    return this.managers[0];
  }

  /** Its managers, the main one first. */
  get managers(): readonly Manager[] {
    return this.#run.managed.managers;
  }

  /** Periodic tasks of its managers, while it is started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#run.managed.periodicTasks;
  }

  /** Returns the errors of its paste file, none of an app in code; `all`: after the import of all that the file names. */
  readonly findings = async (config: Config, all: boolean) =>
    this.pasteFile === undefined ? [] : pasteErrors(config, [this], { imports: all, pasteFile: this.pasteFile });
  /** Returns the trouble with the service registry, for reports. */
  readonly registryTrouble = () => this.#run.managed.registration?.trouble?.();
  /** Returns the requests that have no response yet, or whose app is still at work, for reports. */
  readonly requestsInFlight = () =>
    [...this.server.requests.filter(isUnanswered), ...this.server.abandoned].map(reportedExchange);
  /** Returns those of these that the last reload has left to the former configuration. */
  readonly requestsLeft = () => (this.#runs.former.size === 0 ? [] : this.server.leftRequests.map(reportedExchange));
  /** Returns what else that configuration still does, a line each. */
  readonly formerWork = () => this.#runs.formerWork();
  /** Returns the apps that the factories of the present run have made. @internal */
  readonly made = (): MadeApps | undefined => this.#run.app?.made;

  useSockets(sockets: readonly ListenSocket[]): void {
    this.server.useSockets(sockets);
  }

  useWorker(worker: WorkerContext): void {
    this.#worker = worker;
  }

  describeWork(): readonly string[] {
    const managed = this.#runs.all.flatMap((run) => run.managed.describeWork());
    return [...this.server.describeWork(), ...managed];
  }

  /** Returns pipelines, certificates and paste files; throws for errors in its options or any of them. */
  plan(config: Config): ServicePlan {
    return apiPlan(this.name, config, this.#reading);
  }

  /** Builds the app, and checks certificates and manager; starts, binds and registers nothing. */
  async prepare(next: Config = this.#config): Promise<() => Promise<void>> {
    this.#app.walked = undefined;
    const { settings, loader } = apiParts(this.name, next, this.#reading);
    this.#app.opened = loader;
    return builtTogether({ app: this.#app, managed: this.#run.managed }, settings.pipeline, next);
  }

  /** Returns the periodic tasks of its managers, which are created for that; no hook runs. @internal */
  readonly managersJobs = () => this.#run.managed.jobs();

  async start(): Promise<void> {
    try {
      await this.#runs.start();
    } catch (error) {
      // After a stop for a reload it still listens.
      this.server.resume(reloading);
      throw error;
    } finally {
      this.#startEnds.abort();
    }
  }

  markDraining(): void {
    this.server.markDraining();
  }

  /**
   * Stops the server as {@link Server.stop}; then releases managers, tasks and the app. For a `reload` with `pauseMs` it settles after this
   * time at the latest, at once without managers: requests in progress keep their app and its managers until they have ended, or until the
   * deadline. New requests that have waited for this time get 503 until the next start.
   *
   * Any other stop that comes in a reload responds to what has connected, by an app that is open: that of the former run until its requests have
   * ended, and then that of the next one, which begins for them.
   */
  async stop(options: StopOptions = {}): Promise<void> {
    if (options.reason === 'reload') {
      const stopped = this.#runs.stop(options);
      if (options.pauseMs !== undefined) void this.#limitWaiting(options.pauseMs);
      return stopped;
    }
    const began = performance.now();
    const left = (): StopOptions => remaining(options, performance.now() - began);
    const failures: unknown[] = [];
    const failed = (error: unknown): unknown => failures.push(error);
    this.#stopServer(options);
    await this.#runs.stop(options).catch(failed);
    await this.#answerWaiting(left()).catch(failed);
    // Closes the sockets that were passed to a service that was never started.
    await this.server.stop(left()).catch(failed);
    if (failures.length > 0) throw failures[0];
  }

  /** Stops the server again, with a nearer deadline: the lifecycle forwards only the first call of `stop`. */
  #stopServer(options: StopOptions): void {
    const { state } = this.#run.lifecycle;
    if (state === 'running' || state === 'starting') return;
    // Its app closes: what waits for the next one is not for this.
    if (this.server.isPaused && this.#served === undefined) return;
    const stopped = this.server.stop(options);
    // Requests that have waited go to this app, and it ends after them.
    this.#served?.ends.push(stopped);
    stopped.catch(() => {});
  }

  /** Begins the next run of a reload for the clients that have connected since the former one ended, and stops it. */
  async #answerWaiting(options: StopOptions): Promise<void> {
    const isOver = options.graceful !== true || options.signal?.aborted === true;
    if (isOver || !this.server.isPaused || this.server.connections.open === 0) return;
    this.#config = this.#app.preparedFrom ?? this.#config;
    const started = this.start().catch((err: unknown) => {
      if (isStopped(err)) return;
      this.#log.error({ err }, `${this.name} did not start for the requests that wait in a reload`);
    });
    await this.#runs.stop(options);
    await started;
  }

  /** Responds to requests that wait for the next start, and to later ones, with 503 from that time on. */
  async #limitWaiting(ms: number): Promise<void> {
    this.#startEnds.abort();
    this.#startEnds = new AbortController();
    if (!(await pause(ms, { signal: this.#startEnds.signal, unref: true })) || !this.server.isPaused) return;
    const text = `${this.name} responds with 503 until it has started: new requests have waited for reload_pause`;
    this.#log.warn({ event: 'reload_pause' }, text);
    this.server.resume(reloading);
  }

  wait(): Promise<void> {
    return this.#runs.wait();
  }

  /**
   * Applies a later configuration without a new build. While the service serves, new connections get the certificates of `next`, and
   * `reset` of its managers is called; everything else stays as it was built. Otherwise the next start uses `next`.
   */
  async reset(next: Config = this.#config): Promise<void> {
    if (this.#run.lifecycle.state !== 'running') {
      this.#config = next;
      return;
    }
    const tls = new ApiTls(this.name, next, this.#reading);
    const options = tls.options();
    this.#tls = tls;
    this.#useTls(options);
    await this.#run.managed.hooks?.reset(next);
  }

  #useTls(tls: TlsOptions | undefined): void {
    this.server.replaceTls(tls);
    // Each process has the certificates; the first one warns.
    if ((this.#worker?.id ?? 0) > 0) return;
    for (const { message } of this.#tls.certificateWarnings()) this.#log.warn(message);
  }

  #makeRun(earlier: EarlierRuns): ApiRun {
    const { name, binary } = this;
    const { manager, registration } = this.#options;
    const tasks = new TaskGroup({ limit: 1000, name, log: this.#log });
    const named = { group: `api:${name}`, opt: 'manager' };
    const managed = new ManagedService({
      name,
      binary,
      config: () => this.#config,
      log: this.#log,
      tasks,
      earlier,
      option: `${name}_manager`,
      named,
      managers: (from) => [manager ?? namedManager(from, named) ?? []].flat(),
      registration,
      member: { inFlight: () => this.server.inFlight },
      rpc: (next) => this.meter.connect(next),
      declared: () => (run.app?.tasks === undefined ? [] : [run.app.tasks]),
      periodic: {
        context: () => new RequestContext({ isAdmin: true, roles: ['admin'] }),
        ran: (...ran) => this.meter.ran(...ran),
      },
      onVerdict: (verdict, reason) => run === this.#run && this.#heed(verdict, reason),
    });
    const lifecycle = new Lifecycle(name, {
      start: (signal, over) => this.#start(run, signal, over),
      stop: (how) => managed.hooks?.stop(how),
    });
    const run: ApiRun = { tasks, managed, lifecycle, app: undefined, ends: [] };
    return run;
  }

  async #start(run: ApiRun, stopped: AbortSignal, over: AbortSignal): Promise<void> {
    // After a stop for a reload it is completed: connections are open all the time, and their requests wait for it.
    const { isPaused, isListening } = this.server;
    const signal = unlessAwaited(stopped, over, () => isPaused || this.server.inFlight > 0);
    const settings = apiSettings(this.#config, this.name);
    const apiTls = new ApiTls(this.name, this.#config, this.#reading);
    const tls = apiTls.options() ?? (await apiTls.ownCertificate(settings.address));
    run.tasks.reset();
    const { app, faults } = await this.#app.start(settings.pipeline, this.#config, signal);
    run.app = app;
    run.ends = [];
    const serve = (): Promise<void> => {
      this.#tls = apiTls;
      this.server.configure({ ...this.#serverOptions(settings), ...faults });
      this.#useTls(tls);
      void this.server.replaceApp(this.meter.around(app));
      this.#served = run;
      return this.server.start();
    };
    try {
      let hasBegun = false;
      // In a reload, only the requests of this run end: the server and what former runs have serve on.
      const stopAccepting = (options: StopOptions): void =>
        isListening && !hasBegun ? this.#takeBack(run, over) : this.#stopAccepting(run, options);
      const steps = { ...this.#steps(run), serve, stopAccepting };
      const work = { backdoorPort: this.backdoorPort, workerId: this.#worker?.id ?? 0, steps };
      await (await run.managed.prepare(work)).start(signal, over);
      hasBegun = true;
    } catch (error) {
      // The failure may precede the steps, the last of which closes the app.
      await this.#close(run);
      throw error;
    }
  }

  /** Steps of a stop. Resources are released last. */
  #steps(run: ApiRun): ProtocolSteps {
    return { finish: () => this.#requestsEnd(run), release: (over) => this.#close(run, over) };
  }

  #stopAccepting(run: ApiRun, options: StopOptions): void {
    const stopped = this.server.stop(options);
    // The next step awaits it; until then a failure has no handler.
    stopped.catch(() => {});
    run.ends.push(stopped);
  }

  /** Undoes the step `serve` of a start in a reload: later requests get 503, and those that the run has may still end. */
  #takeBack(run: ApiRun, over: AbortSignal): void {
    this.#stopAccepting(run, { reason: 'reload', graceful: true, deadlineMs: FORCED_STOP_MS, signal: over });
    this.server.resume(reloading);
  }

  /** Settles when the requests of a run have ended, also those that a stop has given it after a stop for a reload. */
  async #requestsEnd(run: ApiRun): Promise<void> {
    let ends: readonly PromiseSettledResult<void>[] = [];
    while (ends.length < run.ends.length) ends = await Promise.allSettled(run.ends);
    if (this.#served === run) this.#served = undefined;
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #close(run: ApiRun, over?: AbortSignal): Promise<void> {
    const { app } = run;
    run.app = undefined;
    if (this.#served === run) this.#served = undefined;
    // Whatever waits for a start that does not come.
    if (run === this.#run) this.server.awaits(reloading);
    await this.#app.close(app, over);
  }

  /** Applies the registry's verdict: end, or accept no more requests. */
  #heed(verdict: 'drain' | 'exit', reason: string): void {
    if (verdict === 'exit') {
      this.#run.lifecycle.fail(new PorticoError('PORTICO_SERVICE_FENCED', { message: `${this.name}: ${reason}` }));
      return;
    }
    this.#log.warn(`${this.name} accepts no more work until it is restarted: ${reason}`);
    // With several workers the address belongs to their parent, and clients would wait in an unread queue.
    const ending = this.#worker?.supervised === true ? this.#withdraw() : this.stop({ graceful: true });
    ending.catch((err: unknown) => this.#log.error({ err }, `${this.name}: stopping failed`));
  }

  /** Continues to listen: requests get 503 at once, and periodic tasks end. */
  async #withdraw(): Promise<void> {
    this.server.markDraining();
    void this.server.replaceApp(withdrawn);
    await this.#run.managed.hooks?.withdraw();
  }

  #serverOptions(settings: ApiSettings): ServerOptions {
    const configured = serverOptionsOf(this.#config, settings);
    const { cacheControl = configured.cacheControl } = this.#options;
    return {
      ...configured,
      ...(cacheControl && { cacheControl }),
      log: this.#processLog,
      recordLost: () => this.#run.managed.registration?.isLost?.() === true,
      onExhausted: () => this.#worker?.requestReplacement(`${this.name} has served max_requests requests`),
    };
  }
}

/** One run of an API. */
interface ApiRun extends ManagedRun {
  app: LoadedApp | undefined;
  /** Stops of the server that its requests end with. */
  ends: Promise<void>[];
}

function isStopped(error: unknown): boolean {
  return error instanceof PorticoError && error.code === 'PORTICO_SERVICE_STOPPED';
}

/** Returns a signal that is aborted with the first one; if clients wait for the start, only when no time is left to respond to them. */
function unlessAwaited(stopped: AbortSignal, over: AbortSignal, areWaiting: () => boolean): AbortSignal {
  const cut = new AbortController();
  const stop = (): void => {
    if (over.aborted || !areWaiting()) cut.abort(stopped.reason);
  };
  for (const signal of [stopped, over]) signal.addEventListener('abort', stop, { once: true });
  if (stopped.aborted) stop();
  return cut.signal;
}

// The build of an API and the import of its managers as one step, which reports the refusals of both.

/** Returns the release of the build. Rejects with all refusals, or with another error, after the release. */
async function builtTogether(
  { app, managed }: { readonly app: ApiApp; readonly managed: ManagedService },
  pipeline: string,
  config: Config,
): Promise<() => Promise<void>> {
  const refusals = new Refusals();
  const letGo = await refusals.gather(() => app.prepare(pipeline, config));
  try {
    await refusals.gather(() => managed.find(config));
    refusals.refuse();
    return letGo!;
  } catch (error) {
    await letGo?.();
    throw error;
  }
}
