/**
 * Where a launcher answers its operator, on the control socket and the admin listener: opened when it takes the signals of
 * its process, closed when all has stopped.
 */
import type { Config } from '../../config/index.js';
import { describeError, PorticoError } from '../../errors/index.js';
import { packageOf } from '../../modules/index.js';
import { formatAddress } from '../../service/internal.js';
import { History } from '../page/history.js';
import { type HostProcess, programName } from '../process/host-process.js';
import { adminGuard } from './admin-guard.js';
import { adminOptions, remoteAdmin } from './admin-options.js';
import { type Controlled, controlRoutes } from './control-routes.js';
import { type ControlRoutes, ControlServer } from './control-server.js';
import { controlOptions, controlPath } from './control-socket.js';
import { RegisteredServices } from './registered-services.js';

/** What a launcher gives of itself. */
type Known = Omit<Controlled, 'name' | 'version' | 'history' | 'registered'>;

export class Control {
  readonly #controlled: Known;
  readonly #host: HostProcess;
  readonly #servers: ControlServer[] = [];
  #history: History | undefined;
  #registered: RegisteredServices | undefined;
  #opening: Promise<unknown> | undefined;

  constructor(host: HostProcess, controlled: Known) {
    this.#controlled = controlled;
    this.#host = host;
  }

  /** Without them a service serves as well: what keeps one from listening is logged, and nothing more. */
  open(): void {
    const { config } = this.#controlled;
    if (config !== undefined) this.#opening ??= this.#open(config);
  }

  async close(): Promise<void> {
    await this.#opening;
    this.#history?.end();
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#registered?.close();
  }

  async #open(config: Config): Promise<void> {
    const { log } = this.#controlled;
    const name = programName(this.#host);
    const version = packageOf(this.#host.argv[1] ?? '')?.manifest.version;
    // Without a page for browsers no chart is kept.
    if (config.group('admin', adminOptions).listen !== undefined) {
      this.#history = new History(() => this.#controlled.runner.counted());
      this.#history.begin();
    }
    const registered = new RegisteredServices({ ...this.#controlled, config });
    this.#registered = registered;
    const routes = controlRoutes({ ...this.#controlled, name, version, history: this.#history, registered });
    const asked = config.group('control', controlOptions).socket !== undefined;
    await Promise.all([
      this.#openSocket(config, name, routes).catch((error: unknown) => {
        log[asked ? 'error' : 'warn'](`The service has no control socket: ${describeError(error)}`);
      }),
      this.#openAdmin(config, routes).catch((error: unknown) => {
        log.error(`The service has no admin listener: ${describeError(error)}`);
      }),
    ]);
  }

  async #openSocket(config: Config, name: string, routes: ControlRoutes): Promise<void> {
    const { log } = this.#controlled;
    const path = controlPath(config, name, this.#host.env);
    if (path === undefined) return;
    const server = new ControlServer(routes, log);
    await server.listen(path);
    this.#servers.push(server);
    log.info(`api-cli status and the like are answered on ${path}`, { event: 'control', socket: path });
  }

  async #openAdmin(config: Config, routes: ControlRoutes): Promise<void> {
    const { log } = this.#controlled;
    const { listen, hosts } = config.group('admin', adminOptions);
    if (listen === undefined) return;
    if (remoteAdmin(config) !== undefined) {
      throw new PorticoError('PORTICO_ADMIN_LISTEN', {
        message: `other machines reach ${formatAddress(listen)}`,
        hint: 'Listen on 127.0.0.1, or set [admin] allow_remote = true.',
      });
    }
    const server = new ControlServer(routes, log, adminGuard(listen, hosts));
    try {
      const url = `http://${formatAddress({ host: listen.host, port: await server.listenOn(listen) })}`;
      this.#servers.push(server);
      log.info(`Operators are answered on ${url}`, { event: 'admin', url });
    } catch (cause) {
      const message = `it cannot listen on ${formatAddress(listen)}: ${describeError(cause)}`;
      throw new PorticoError('PORTICO_ADMIN_LISTEN', { message, hint: 'Name another port in [admin] listen.', cause });
    }
  }
}
