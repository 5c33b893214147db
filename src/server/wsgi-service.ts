/**
 * WSGIService: an API by its name. The configuration says where it listens, the paste file what answers.
 */
import type { App } from '../app/index.js';
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors.js';
import type { LoadedApp } from '../loader/index.js';
import { createLogger, type Logger } from '../log.js';
import { heartbeatOptions } from '../registry/index.js';
import {
  type ConfigChanges,
  Lifecycle,
  type ListenAddress,
  type ListeningService,
  type ListenSocket,
  type Manager,
  ManagerHooks,
  managerSettings,
  type Registration,
  type StopOptions,
  type WorkerContext,
} from '../service/index.js';
import { type Activity, type PeriodicTasks, TaskGroup } from '../tasks/index.js';
import { loadManager, openMembership } from './api-managers.js';
import { ApiServing } from './api-serving.js';
import { type ApiSettings, apiSettings, refuseUnknown } from './api-settings.js';
import { type AppLoader, checkApp, loadWhole, pasteLoader } from './paste-config.js';
import { Server } from './server.js';
import type { ServerOptions } from './server-options.js';
import { developmentCertificate } from './tls.js';

/** What a {@link WSGIService} may be given beside its configuration. */
export interface WSGIServiceOptions {
  /** Where its app comes from. Default: a Loader of `[DEFAULT] api_paste_config`. */
  readonly loader?: AppLoader;
  /** Speak TLS. Default: what `[DEFAULT] enabled_ssl_apis` says. */
  readonly useSsl?: boolean;
  /**
   * The domain behind it: one manager or several, the first of which is the main one. Default: what `[api:<name>] manager`
   * names, loaded at the start.
   */
  readonly manager?: Manager | readonly Manager[];
  /** Its place among the services that are known; null is none. Default: what `[servicegroup]` says. */
  readonly registration?: Registration | null;
  /** In front of the binary's name. Default `portico`. */
  readonly project?: string;
  /** One worker, and a certificate made on the spot where TLS names none. Default false. */
  readonly dev?: boolean;
  /** Default: standard error. */
  readonly log?: Logger;
}

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
  /** Where the launcher's backdoor listens: a port, a path, or null. Set by the launcher; managers that ask are told. */
  backdoorPort: number | string | null = null;
  readonly #config: Config;
  readonly #given: WSGIServiceOptions;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #lifecycle: Lifecycle;
  readonly #serving: ApiServing;
  #managers: readonly Manager[];
  #hooks: ManagerHooks | undefined;
  #served: Promise<void> | undefined;
  #loader: AppLoader;
  #app: LoadedApp | undefined;
  #worker: WorkerContext | undefined;

  constructor(name: string, config: Config, options: WSGIServiceOptions = {}) {
    this.name = name;
    this.binary = `${options.project ?? 'portico'}-${name}`;
    this.#config = config;
    this.#given = options;
    this.#log = options.log ?? createLogger();
    this.#loader = options.loader ?? pasteLoader(config, this.#log, name);
    const settings = apiSettings(config, name);
    this.pipeline = settings.pipeline;
    checkApp(this.#loader, this.pipeline);
    this.workers = options.dev === true ? 1 : settings.workers;
    this.#serving = new ApiServing(name, config, options);
    const tls = this.#serving.tlsOptions(settings);
    this.#server = new Server(name, unbuilt, {
      ...this.#serverOptions(settings),
      ...(tls === undefined ? {} : { tls }),
    });
    this.tasks = new TaskGroup({ limit: 1000, name, log: this.#log });
    this.#managers = options.manager === undefined ? [] : [options.manager].flat();
    this.#lifecycle = new Lifecycle(name, {
      start: (signal) => this.#start(signal),
      stop: (how) => this.#hooks?.stop(how),
    });
  }

  /** Where it listens, or will; once it was started the port is the real one. */
  get addresses(): readonly ListenAddress[] {
    return this.#server.addresses;
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

  /** The paste file, where its app comes from one. */
  get pasteFile(): string | undefined {
    return this.#loader.path;
  }

  /** The main manager; one that the configuration names is there from the first start on. */
  get manager(): Manager | undefined {
    return this.#managers[0];
  }

  get managers(): readonly Manager[] {
    return this.#managers;
  }

  /** The periodic tasks of its managers, while it is started. */
  get periodicTasks(): readonly PeriodicTasks[] {
    return this.#hooks?.periodicTasks ?? [];
  }

  /** The server under it: its requests at work and its connections. */
  get server(): Server {
    return this.#server;
  }

  useSockets(sockets: readonly ListenSocket[]): void {
    this.#server.useSockets(sockets);
  }

  useWorker(worker: WorkerContext): void {
    this.#worker = worker;
  }

  describeWork(): readonly string[] {
    return [
      ...this.#server.describeWork(),
      ...this.tasks
        .activity()
        .filter(isTask)
        .map(({ name, ageMs }) => `task ${name} for ${(ageMs / 1000).toFixed(1)} s`),
    ];
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
    await this.#lifecycle.stop(options);
    // After a restart that did not come about the listener is still open, though the service counts as stopped.
    if (options.reason !== 'restart') await this.#server.stop(options);
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
    await this.#hooks?.reset();
  }

  async #start(signal: AbortSignal): Promise<void> {
    const settings = apiSettings(this.#config, this.name);
    this.#server.configure(this.#serverOptions(settings));
    if (this.usesTls) this.#server.replaceTls(this.#serving.tlsOptions(settings) ?? (await developmentCertificate()));
    this.#warnOfExpiry(settings);
    this.tasks.reset();
    try {
      // A fresh Loader sees the paste file as it was accepted last.
      if (this.#given.loader === undefined) this.#loader = pasteLoader(this.#config, this.#log, this.name);
      this.#app = await loadWhole(this.#loader, settings.pipeline);
      refuseUnknown(this.#config, this.name);
      this.#server.replaceApp(this.#app);
      this.#hooks = await this.#prepareHooks(settings);
      await this.#hooks.start(signal);
    } catch (error) {
      await this.#closeApp();
      throw error;
    }
  }

  async #prepareHooks(settings: ApiSettings): Promise<ManagerHooks> {
    const log = this.#log.child({ service: this.name });
    const { manager: reference } = settings.options;
    if (this.#given.manager === undefined && reference !== undefined) {
      const host = this.#config.group('DEFAULT', heartbeatOptions, { partial: true }).host;
      this.#managers = [await loadManager(reference, { host, serviceName: this.name, conf: this.#config, log })];
    }
    for (const manager of this.#managers) {
      if ('backdoorPort' in manager) manager.backdoorPort = this.backdoorPort;
    }
    const member = this.#given.registration === undefined ? this.#openMembership(log) : undefined;
    const { periodic, managerShutdownMs } = managerSettings(this.#config);
    return new ManagerHooks({
      name: this.name,
      managers: this.#managers,
      registration: member?.registration ?? this.#given.registration ?? null,
      tasks: this.tasks,
      periodic: { ...periodic, workerId: this.#worker?.id ?? 0 },
      ...(managerShutdownMs === undefined ? {} : { managerShutdownMs }),
      log,
      serve: () => this.#server.start(),
      stopAccepting: (options) => {
        this.#served = this.#server.stop(options);
        // Awaited by the next step; until then nobody listens to its failure.
        this.#served.catch(() => {});
      },
      finish: () => this.#served,
      release: async () => {
        await this.#closeApp();
        await member?.close();
      },
    });
  }

  #openMembership(log: Logger) {
    return openMembership(this.#config, {
      binary: this.binary,
      log,
      inFlight: () => this.#server.inFlight,
      onVerdict: (verdict, reason) => {
        if (verdict === 'drain') void this.stop({ graceful: true });
        else this.#lifecycle.fail(new PorticoError('PORTICO_SERVICE_FENCED', { message: `${this.name}: ${reason}` }));
      },
    });
  }

  async #closeApp(): Promise<void> {
    await this.#app?.close().catch((error: unknown) => this.#log.error('closing the app failed', { err: error }));
    this.#app = undefined;
  }

  #serverOptions(settings: ApiSettings): ServerOptions {
    return {
      ...this.#serving.serverOptions(settings),
      log: this.#log,
      onExhausted: () => this.#worker?.requestReplacement(`${this.name} answered max_requests requests`),
    };
  }

  /** Each process has the certificate; one of them warns. */
  #warnOfExpiry(settings: ApiSettings): void {
    const warning = (this.#worker?.id ?? 0) === 0 ? this.#serving.expiryWarning(settings) : undefined;
    if (warning !== undefined) this.#log.warn(warning, { service: this.name });
  }
}

const unbuilt: App = () => {
  throw new Error('the app is built when the service starts');
};

const isTask = ({ kind }: Activity): boolean => kind === 'task';
