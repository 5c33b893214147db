/**
 * WSGIService: an API by its name. The configuration says where it listens, the paste file what answers.
 */

import { contextFacts } from '../../app/index.js';
import type { Config } from '../../config/index.js';
import { workerAssignment } from '../../config/internal.js';
import { describeError, PorticoError } from '../../errors/index.js';
import type { LoadedApp } from '../../loader/index.js';
import { createLogger, type Logger } from '../../log/index.js';
import type { ManagedService } from '../../registry/index.js';
import {
  type ConfigChanges,
  Lifecycle,
  type ListenAddress,
  type ListeningService,
  type ListenSocket,
  type Manager,
  type ServicePlan,
  type StopOptions,
  type WorkerContext,
} from '../../service/index.js';
import { type PeriodicTasks, TaskGroup } from '../../tasks/index.js';
import { reportedExchange } from '../connections/cut-off.js';
import { Server } from '../server.js';
import type { ServerOptions } from '../server-options.js';
import { ApiApp, type BuiltApp, buildApiApp, loadedUnlessAborted, unbuilt } from './api-app.js';
import { apiManagers, apiSteps, withdraw } from './api-managers.js';
import { ApiMeter } from './api-meter.js';
import { type ApiReading, apiParts, apiPlan } from './api-plan.js';
import type { ApiServing } from './api-serving.js';
import { type ApiSettings, addressPlace, apiSettings, checkArguments } from './api-settings.js';
import type { AppLoader } from './paste-config.js';
import type { WSGIServiceOptions } from './wsgi-service-options.js';

/**
 * An API of the configuration as a service that can be launched.
 *
 * The constructor opens nothing: it reads the files in order to refuse them (ConfigNotFound, PasteAppNotFound,
 * ConfigError, `PORTICO_TLS_CONFIG`). `start()` builds the app, runs the managers' hooks and listens; `stop()` undoes it
 * in reverse. It is built again at each start, so a restart serves what the configuration says by then.
 */
export class WSGIService implements ListeningService {
  readonly name: string;
  /** `<project>-<name>`: what records and reports call it. */
  readonly binary: string;
  /** How many processes are to serve it. */
  readonly workers: number;
  /** The app of the paste file that answers. */
  readonly pipeline: string;
  /** Background work that ends with the service. */
  readonly tasks: TaskGroup;
  /** For metrics. */
  readonly meter: ApiMeter;
  /** Where the launcher's backdoor listens: a port, a path, or null. Set by the launcher; managers that ask are told. */
  backdoorPort: number | string | null = null;
  readonly #config: Config;
  readonly #given: WSGIServiceOptions;
  /** Its lines tell the service and the worker; the server adds the service to the other one by itself. */
  readonly #log: Logger;
  readonly #processLog: Logger;
  readonly #server: Server;
  readonly #lifecycle: Lifecycle;
  readonly #serving: ApiServing;
  readonly #app: ApiApp;
  readonly #managed: ManagedService;
  /** The stop under way is for a restart: the app stays until the next one is built. */
  #restarting = false;
  #loader: AppLoader;
  #worker: WorkerContext | undefined;

  constructor(name: string, config: Config, options: WSGIServiceOptions = {}) {
    checkArguments(name, config);
    this.name = name;
    this.binary = `${options.project ?? 'portico'}-${name}`;
    this.#config = config;
    this.#given = options;
    const log = options.log ?? createLogger({ facts: contextFacts });
    const assignment = workerAssignment();
    this.#processLog = assignment === undefined ? log : log.child({ workerId: assignment.index });
    this.#log = this.#processLog.child({ service: name });
    const { settings, serving, loader, tls } = apiParts(name, config, { ...options, log: this.#log });
    this.#serving = serving;
    this.#loader = loader;
    this.pipeline = settings.pipeline;
    this.workers = options.dev === true ? 1 : settings.workers;
    this.#server = new Server(name, unbuilt, {
      ...this.#serverOptions(settings),
      ...(tls === undefined ? {} : { tls }),
    });
    this.meter = new ApiMeter(config, this.#server, { binary: this.binary, project: options.project, log: this.#log });
    this.#app = new ApiApp(name, this.#log);
    this.tasks = new TaskGroup({ limit: 1000, name, log: this.#log });
    this.#managed = apiManagers({
      name,
      binary: this.binary,
      config,
      log: this.#log,
      server: this.#server,
      tasks: this.tasks,
      given: options,
      calls: this.meter.remote,
      onVerdict: (verdict, reason) => this.#heed(verdict, reason),
    });
    this.#lifecycle = new Lifecycle(name, {
      start: (signal, over) => this.#start(signal, over),
      stop: (how) => this.#managed.hooks?.stop(how),
    });
  }

  /** Where it listens, or will; once it was started the port is the real one. */
  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses;
  }

  get addressPlace(): string | undefined {
    return addressPlace(this.#config, this.name);
  }

  get host(): string | undefined {
    const [address] = this.addresses;
    return address !== undefined && 'host' in address ? address.host : undefined;
  }

  get port(): number | undefined {
    const [address] = this.addresses;
    return address !== undefined && 'port' in address ? address.port : undefined;
  }

  /** Whether it speaks TLS. */
  get usesTls(): boolean {
    return this.#serving.usesTls;
  }

  /** When its certificate ends; undefined for plain HTTP, and for a certificate made for development. */
  get certificateEnds(): Date | undefined {
    return this.#serving.validUntil(apiSettings(this.#config, this.name));
  }

  /** A warning when its certificate is not valid now, or not for another 30 days. */
  get certificateWarning(): string | undefined {
    return this.#serving.expiryWarning(apiSettings(this.#config, this.name));
  }

  /** The paste file, where its app comes from one. */
  get pasteFile(): string | undefined {
    return this.#loader.path;
  }

  /** The main manager; one that the configuration names is there from the first start on. */
  get manager(): Manager | undefined {
    return this.managers[0];
  }

  get managers(): readonly Manager[] {
    return this.#managed.managers;
  }

  /** The periodic tasks of its managers, while it is started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#managed.periodicTasks;
  }

  /** For reports. */
  readonly requestsInFlight = () => this.#server.requests.map(reportedExchange);
  /** The server under it: its requests at work and its connections. */
  get server(): Server {
    return this.#server;
  }

  useSockets(sockets: readonly ListenSocket[]): void {
    this.#server.useSockets(sockets);
  }

  adoptSockets(sockets: readonly ListenSocket[]): Promise<() => void> {
    return this.#server.adoptSockets(sockets);
  }

  useWorker(worker: WorkerContext): void {
    this.#worker = worker;
  }

  describeWork(): readonly string[] {
    return [
      ...this.#server.describeWork(),
      ...this.#managed.tracker.describe(),
      ...this.tasks
        .activity()
        .filter(({ kind }) => kind === 'task')
        .map(({ name, ageMs }) => `task ${name} for ${(ageMs / 1000).toFixed(1)} s`),
    ];
  }

  /** The pipelines of its paste file, certificates and paste files; refused for what is wrong with its options or any of them. */
  plan(config: Config): ServicePlan {
    return apiPlan(this.name, config, this.#reading);
  }

  /** Builds the app, and looks at certificates and manager; starts, binds and registers nothing. */
  async prepare(next: Config = this.#config): Promise<() => Promise<void>> {
    const { settings } = apiParts(this.name, next, this.#reading);
    await this.#managed.find(next);
    return this.#app.prepare(await this.#build(settings, next));
  }

  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  markDraining(): void {
    this.#server.markDraining();
  }

  /** As {@link Server.stop}, which it waits for; then managers, tasks and the app let go. */
  async stop(options: StopOptions = {}): Promise<void> {
    // A server that is stopping already hears of a nearer end here; the lifecycle only hands on the first call.
    if (this.#lifecycle.state === 'stopping') this.#server.stop(options).catch(() => {});
    if (options.reason !== 'restart') this.#restarting = false;
    else if (this.#lifecycle.state !== 'stopping') this.#restarting = true;
    await this.#lifecycle.stop(options);
    if (this.#restarting) return;
    // After a restart that did not come about listener and app are still there, though the service counts as stopped.
    await this.#server.stop(options);
    await this.#app.close();
  }

  wait(): Promise<void> {
    return this.#lifecycle.wait();
  }

  /** Takes what may change while it serves: certificates, worker limits; then asks the managers. */
  async reset(_changes?: ConfigChanges): Promise<void> {
    const settings = apiSettings(this.#config, this.name);
    const tls = this.#serving.tlsOptions(settings);
    if (tls !== undefined) this.#server.replaceTls(tls);
    this.#server.configure(this.#serverOptions(settings));
    this.#warnOfExpiry(settings);
    await this.#managed.hooks?.reset();
  }

  async #start(signal: AbortSignal, over: AbortSignal): Promise<void> {
    const settings = apiSettings(this.#config, this.name);
    this.#server.configure(this.#serverOptions(settings));
    await this.#renewTls(settings);
    this.#restarting = false;
    this.tasks.reset();
    const app = await this.#app.renew(() => loadedUnlessAborted(this.#nextApp(settings), signal));
    this.#server.replaceApp(this.meter.around(app));
    try {
      const hooks = await this.#managed.prepare({
        backdoorPort: this.backdoorPort,
        workerId: this.#worker?.id ?? 0,
        steps: apiSteps(this.#server, async () => {
          if (!this.#restarting) await this.#app.close();
        }),
      });
      await hooks.start(signal, over);
    } catch (error) {
      await this.#app.close();
      throw error;
    }
  }

  /** In a restart a certificate that is refused leaves the old one in place. */
  async #renewTls(settings: ApiSettings): Promise<void> {
    if (!this.usesTls) return;
    try {
      this.#server.replaceTls(this.#serving.tlsOptions(settings) ?? (await this.#serving.ownCertificate(settings)));
      this.#warnOfExpiry(settings);
    } catch (error) {
      if (!this.#app.isThere) throw error;
      this.#log.error(`${this.name} keeps its certificate: ${describeError(error)}`);
    }
  }

  /** What was prepared, once; else a fresh one, of the paste file as it was accepted last. */
  async #nextApp(settings: ApiSettings): Promise<LoadedApp> {
    const { app, loader } = this.#app.takePrepared() ?? (await this.#build(settings, this.#config));
    this.#loader = loader;
    return app;
  }

  #build({ pipeline }: ApiSettings, config: Config): Promise<BuiltApp> {
    const { loader } = this.#given;
    return buildApiApp(this.name, config, { pipeline, log: this.#log, loader, meter: this.meter });
  }

  /** The registry's word: to end, or to take no more work. */
  #heed(verdict: 'drain' | 'exit', reason: string): void {
    if (verdict === 'exit') {
      this.#lifecycle.fail(new PorticoError('PORTICO_SERVICE_FENCED', { message: `${this.name}: ${reason}` }));
      return;
    }
    this.#log.warn(`${this.name} takes no more work until it is restarted: ${reason}`);
    // Where there are more workers the address is their parent's, and clients would wait in a queue that is not emptied.
    const shared = this.#worker?.supervised === true;
    const ending = shared ? withdraw(this.#server, this.#managed) : this.stop({ graceful: true });
    ending.catch((err: unknown) => this.#log.error(`${this.name}: stopping failed`, { err }));
  }

  /** TLS stays what it was made for. */
  get #reading(): ApiReading {
    return { ...this.#given, log: this.#log, useSsl: this.usesTls };
  }

  #serverOptions(settings: ApiSettings): ServerOptions {
    return {
      ...this.#serving.serverOptions(settings),
      log: this.#processLog,
      recordLost: () => this.#managed.registration?.isLost?.() === true,
      onExhausted: () => this.#worker?.requestReplacement(`${this.name} answered max_requests requests`),
    };
  }

  /** Each process has the certificate; one of them warns. */
  #warnOfExpiry(settings: ApiSettings): void {
    const warning = (this.#worker?.id ?? 0) === 0 ? this.#serving.expiryWarning(settings) : undefined;
    if (warning !== undefined) this.#log.warn(warning);
  }
}
