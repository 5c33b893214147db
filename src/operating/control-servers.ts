/**
 * Servers that answer the operator of a launcher: the control socket and the admin listener. They open when the
 * launcher takes the signals of its process, and close when everything has stopped.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, defineOptions, string } from '../config/index.js';
import { LONGEST_SOCKET_PATH } from '../config/internal.js';
import { describeError, PorticoError, refusalsOnly } from '../errors/index.js';
import type { Totals } from '../metrics/index.js';
import { packageOf } from '../modules/index.js';
import { formatAddress } from '../service/internal.js';
import { adminGuard, adminOptions, remoteAdmin } from './control/admin-guard.js';
import { type ControlRoutes, ControlServer } from './control/control-server.js';
import type { Controlled } from './control/controlled.js';
import { LogLevels } from './control/overrides.js';
import { EVERY_MS, Recent } from './control/recent.js';
import { RegisteredServices } from './control/registered-services.js';
import { controlRoutes } from './control-routes.js';

/** `[control]`. */
export const controlOptions = defineOptions({
  socket: string({
    restart: true,
    help: 'Unix socket for commands such as api-cli reload. Default: a file in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR or a private directory in /tmp, named after program and configuration. Empty: none.',
  }),
});

/** The launcher's part of {@link Controlled}. */
export type ControlledLauncher = Omit<Controlled, 'version' | 'config' | 'recent' | 'levels' | 'notListening'> & {
  readonly config: Config | undefined;
  /** Path of the program. */
  readonly script: string | undefined;
  readonly env: NodeJS.ProcessEnv;
};

export class Control {
  readonly levels: LogLevels;
  readonly #known: ControlledLauncher;
  readonly #servers: ControlServer[] = [];
  #sampling: NodeJS.Timeout | undefined;
  #registered: RegisteredServices | undefined;
  #opening: Promise<unknown> | undefined;

  constructor(known: ControlledLauncher) {
    this.#known = known;
    this.levels = new LogLevels(known.log);
  }

  /** A failure to listen is only logged: the service runs without these servers. */
  open(): void {
    const { config } = this.#known;
    // A first worker refuses the start for it.
    if (config !== undefined) this.#opening ??= this.#open(config).catch(refusalsOnly);
  }

  async close(): Promise<void> {
    await this.#opening;
    clearInterval(this.#sampling);
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#registered?.close();
  }

  async #open(config: Config): Promise<void> {
    const { log, runner, name, script = '' } = this.#known;
    const version = packageOf(script)?.manifest.version;
    const counted = (): Totals => runner.counted();
    // Created even if requests are not counted yet: a reload may enable that.
    const recent = new Recent(counted);
    // The timer does not keep the process alive.
    this.#sampling = setInterval(() => recent.take(), EVERY_MS).unref();
    const notListening: string[] = [];
    const controlled = { ...this.#known, config, version, recent, levels: this.levels, notListening };
    this.#registered = new RegisteredServices(controlled);
    const routes = controlRoutes(controlled, this.#registered);
    const asked = config.group('control', controlOptions).socket !== undefined;
    const missing = (what: string, level: 'error' | 'warn') => (error: unknown) => {
      const message = `The service has no ${what}: ${describeError(error)}`;
      notListening.push(message);
      log[level](message);
    };
    await Promise.all([
      this.#openSocket(config, name, routes).catch(missing('control socket', asked ? 'error' : 'warn')),
      this.#openAdmin(config, routes).catch(missing('admin listener', 'error')),
    ]);
  }

  async #openSocket(config: Config, name: string, routes: ControlRoutes): Promise<void> {
    const { log, env } = this.#known;
    const path = controlPath(config, name, env);
    if (path === undefined) return;
    const server = new ControlServer(routes, log);
    await server.listen(path);
    this.#servers.push(server);
    log.info({ event: 'control', socket: path }, `Control socket: ${path}`);
  }

  async #openAdmin(config: Config, routes: ControlRoutes): Promise<void> {
    const { log } = this.#known;
    const { listen, hosts } = config.group('admin', adminOptions);
    if (listen === undefined) return;
    if (remoteAdmin(config) !== undefined) {
      throw new PorticoError('PORTICO_ADMIN_LISTEN', {
        message: `other machines can reach ${formatAddress(listen)}`,
        hint: 'Listen on 127.0.0.1, or set [admin] allow_remote = true.',
      });
    }
    const server = new ControlServer(routes, log, adminGuard(listen, hosts));
    try {
      const url = `http://${formatAddress({ host: listen.host, port: await server.listenOn(listen) })}`;
      this.#servers.push(server);
      log.info({ event: 'admin', url }, `Admin listener: ${url}`);
    } catch (cause) {
      const message = `it cannot listen on ${formatAddress(listen)}: ${(cause as Error).message}`;
      throw new PorticoError('PORTICO_ADMIN_LISTEN', { message, hint: 'Set another port in [admin] listen.', cause });
    }
  }
}

/** Returns the path to listen on or to connect to; undefined if the configuration disables it. */
export function controlPath(config: Config, program: string, env: NodeJS.ProcessEnv): string | undefined {
  const { socket } = config.group('control', controlOptions);
  if (socket === '') return undefined;
  const path = socket !== undefined ? resolve(socket) : join(runtimeDirectory(env), defaultName(config, program));
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return path;
  throw new PorticoError('PORTICO_CONTROL_SOCKET', {
    message: `the control socket cannot be ${path}: the path of a socket has at most ${LONGEST_SOCKET_PATH} bytes`,
    hint: 'Set a shorter path in [control] socket.',
  });
}

/**
 * Derives a name from the program and its configuration files, or from its folder if it has none, so that two
 * deployments of one program have different names.
 */
function defaultName({ configFiles }: Config, program: string): string {
  const served = configFiles.length > 0 ? configFiles : [process.cwd(), ''];
  const digest = createHash('sha256').update(served.join('\n')).digest('hex').slice(0, 8);
  return `portico-${program}-${digest}.sock`;
}

/**
 * Returns a directory for sockets: systemd.exec(5) `RuntimeDirectory=`, the XDG Base Directory Specification, or our
 * own. sudo may keep the `XDG_RUNTIME_DIR` of the calling user: another directory is used then, as the specification
 * requires.
 */
function runtimeDirectory({ RUNTIME_DIRECTORY, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string {
  const [given] = RUNTIME_DIRECTORY?.split(':') ?? [];
  // systemd.exec(5) sets it, and it outranks the others.
  if (given) return ownDirectory(given, 0o022, 'RUNTIME_DIRECTORY');
  if (XDG_RUNTIME_DIR && isOwn(XDG_RUNTIME_DIR, 0o022)) return XDG_RUNTIME_DIR;
  const path = join(tmpdir(), `portico-${process.geteuid?.() ?? 'user'}`);
  try {
    // Not recursive: Node tries forever in a file system without new directories, such as /proc.
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw noDirectory(`${path} cannot be created (${code})`, OTHERS, cause);
  }
  return ownDirectory(path, 0o077, OTHERS);
}

/** Variables that replace a directory in /tmp. */
const OTHERS = 'XDG_RUNTIME_DIR or TMPDIR';

function noDirectory(why: string, variables: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_CONTROL_SOCKET', {
    message: `no directory for the control socket: ${why}`,
    hint: `Set a path in [control] socket, or ${variables} to a directory that only this user can write to.`,
    cause,
  });
}

/**
 * Throws for a directory that another user created or may write to: that user could answer in place of the launcher.
 */
function ownDirectory(path: string, others: number, variables: string): string {
  if (isOwn(path, others)) return path;
  throw noDirectory(`${path} is not a directory that only this user can access`, variables);
}

/**
 * Reports whether a directory belongs to this user and grants others none of the mode bits `others`. Windows has
 * neither.
 */
function isOwn(path: string, others: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  const user = process.geteuid?.();
  if (found?.isDirectory() !== true) return false;
  return user === undefined || (found.uid === user && (found.mode & others) === 0);
}
