/** The control server of a launcher: opened when it takes the signals of its process, closed when all has stopped. */
import { describeError } from '../../errors/index.js';
import { packageOf } from '../../modules/index.js';
import { type HostProcess, programName } from '../process/host-process.js';
import { type Controlled, controlRoutes } from './control-routes.js';
import { ControlServer } from './control-server.js';
import { controlOptions, controlPath } from './control-socket.js';

export class Control {
  readonly #controlled: Omit<Controlled, 'name' | 'version'>;
  readonly #host: HostProcess;
  #server: ControlServer | undefined;
  #opening: Promise<void> | undefined;

  constructor(host: HostProcess, controlled: Omit<Controlled, 'name' | 'version'>) {
    this.#controlled = controlled;
    this.#host = host;
  }

  /** Without it a service serves as well: what keeps it from listening is logged, and nothing more. */
  open(): void {
    this.#opening ??= this.#open();
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#server?.close();
  }

  async #open(): Promise<void> {
    const { config, log } = this.#controlled;
    if (config === undefined) return;
    try {
      const name = programName(this.#host);
      const path = controlPath(config, name, this.#host.env);
      if (path === undefined) return;
      const version = packageOf(this.#host.argv[1] ?? '')?.manifest.version;
      const server = new ControlServer(controlRoutes({ ...this.#controlled, name, version }), log);
      await server.listen(path);
      this.#server = server;
      log.info(`api-cli status and the like are answered on ${path}`, { event: 'control', socket: path });
    } catch (error) {
      const asked = config.group('control', controlOptions).socket !== undefined;
      const message = `The service has no control socket: ${describeError(error)}`;
      if (asked) log.error(message);
      else log.warn(message);
    }
  }
}
