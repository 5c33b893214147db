/**
 * Servers that respond to the operator of a launcher: the control socket and the admin listener. They open when the
 * launcher takes the signals of its process, and close when everything has stopped.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, defineOptions, string } from '../config/index.js';
import { LONGEST_SOCKET_PATH } from '../config/internal.js';
import { describeError, ignoreErrors, PorticoError, refusalsOnly } from '../errors/index.js';
import type { LogFields } from '../log/index.js';
import { packageOf } from '../modules/index.js';
import { formatAddress } from '../service/internal.js';
import { adminGuard, adminOptions, remoteAdmin } from './control/admin-guard.js';
import { type ControlRoutes, ControlServer } from './control/control-server.js';
import type { Controlled } from './control/controlled.js';
import { EndedCertificates } from './control/ended-certificates.js';
import { LogLevels } from './control/overrides.js';
import { RegisteredServices } from './control/registered-services.js';
import { controlRoutes, probeRoutes, socketRoutes } from './control-routes.js';

/** `[control]`. */
export const controlOptions = defineOptions('control', {
  socket: string({
    // A line break would add lines to the files that have this path.
    regex: /^\P{Cc}*$/u,
    restart: true,
    help: 'Unix socket for commands such as api-cli reload. Default: a file in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR or a private directory in /tmp, named after application and configuration. Empty: none.',
  }),
});

/** The launcher's part of {@link Controlled}. */
export type ControlledLauncher = Omit<Controlled, 'version' | 'config' | 'levels' | 'notListening'> & {
  /** Returns the present configuration. */
  readonly config: () => Config | undefined;
  /** Path of the application. */
  readonly script: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Settles when the configuration of the launch is accepted. */
  readonly accepted: Promise<void>;
};

/** A listener for the operator. */
interface Listener {
  readonly what: string;
  readonly level: 'error' | 'warn';
  /** Reports whether it has to be opened. */
  readonly isMissing: () => boolean;
  readonly open: () => Promise<void>;
}

/** Interval of looks for listeners that are missing, and for certificates that end. */
const EVERY_MS = 15_000;

export class Control {
  readonly levels: LogLevels;
  readonly #known: ControlledLauncher;
  readonly #servers: ControlServer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<unknown> | undefined;
  #lookAgain: () => Promise<unknown> = () => Promise.resolve();
  #registered: RegisteredServices | undefined;
  #opening: Promise<unknown> | undefined;

  constructor(known: ControlledLauncher) {
    this.#known = known;
    this.levels = new LogLevels(known.log);
  }

  /** A failure to listen is only logged: the service runs without these servers. */
  open(): void {
    const config = this.#known.config();
    // A first worker refuses the start for it.
    if (config !== undefined) this.#opening ??= this.#open(config).catch(refusalsOnly);
  }

  /** Opens listeners that are missing: their ports may have become free. */
  async openMissing(): Promise<void> {
    await this.#opening;
    await this.#lookAgain();
  }

  async close(): Promise<void> {
    await this.#opening;
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all(this.#servers.map((server) => server.close()));
    await this.#registered?.close();
  }

  async #open(config: Config): Promise<void> {
    const { name, script = '' } = this.#known;
    const version = packageOf(script)?.manifest.version;
    const ended = new EndedCertificates(this.#known.log);
    /** The reason for each listener that is not open. */
    const closed = new Map<Listener, string>();
    const { config: present, accepted: _, ...known } = this.#known;
    const controlled = {
      ...known,
      get config() {
        return present() ?? config;
      },
      version,
      levels: this.levels,
      get notListening() {
        return [...closed.values()];
      },
    };
    this.#registered = new RegisteredServices(controlled);
    const routes = controlRoutes(controlled, this.#registered);
    const asked = config.group('control', controlOptions).socket !== undefined;
    const path = controlPath.bind(undefined, config, name, this.#known.env);
    const listeners: readonly Listener[] = [
      {
        what: 'control socket',
        level: asked ? 'error' : 'warn',
        ...this.#socket(path, { ...routes, ...socketRoutes(controlled) }),
      },
      { what: 'admin listener', level: 'error', ...openedOnce(() => this.#openAdmin(config, routes)) },
      {
        what: 'listener for probes and metrics',
        level: 'error',
        ...openedOnce(() => this.#openPort(config, 'metrics_listen', probeRoutes(controlled, this.#registered!))),
      },
    ];
    await Promise.all(listeners.map((each) => this.#look(each, closed)));
    // A cleaner of temporary files may take the socket away, and a port in use at the start may become free.
    this.#lookAgain = () => {
      const missing = listeners.filter(({ isMissing }) => isMissing());
      if (missing.length === 0) return Promise.resolve();
      this.#looking ??= Promise.all(missing.map((each) => this.#look(each, closed))).finally(() => {
        this.#looking = undefined;
      });
      return this.#looking;
    };
    // One timer, because each wakes an idle parent; it does not keep the process alive.
    const look = (): void => {
      ended.look(this.#known.status().services);
      void this.#lookAgain();
    };
    this.#timer = setInterval(look, EVERY_MS).unref();
  }

  /** Opens a listener that is missing. Logs and keeps the reason of a failure once. */
  async #look(listener: Listener, closed: Map<Listener, string>): Promise<void> {
    const { what, level, open } = listener;
    try {
      await open();
      closed.delete(listener);
    } catch (error) {
      if (closed.has(listener)) return;
      const message = `The service has no ${what}: ${describeError(error)}`;
      closed.set(listener, message);
      this.#known.log[level](message);
    }
  }

  #socket(pathOf: () => string | undefined, routes: ControlRoutes): Pick<Listener, 'isMissing' | 'open'> {
    const { log } = this.#known;
    let server: ControlServer | undefined;
    let opened: string | undefined;
    // A folder that is gone, closed or a file now has no socket either.
    const isMissing = (): boolean => opened === undefined || ignoreErrors(() => lstatSync(opened!)) === undefined;
    const open = async (): Promise<void> => {
      const path = pathOf();
      // The configuration wants none.
      if (path === undefined) return;
      const fresh = server ?? new ControlServer(routes, log);
      await fresh.listenAgain(path);
      opened = path;
      if (server === undefined) {
        server = fresh;
        this.#servers.push(fresh);
        this.#tell({ event: 'control', socket: path }, `Control socket: ${path}`);
      } else
        log.warn(
          { event: 'control', socket: path },
          `The file of the control socket was gone and is made again: ${path}`,
        );
    };
    return { isMissing, open };
  }

  /** Logs an address, unless the start is refused. */
  #tell(facts: LogFields, message: string): void {
    const { log, accepted } = this.#known;
    void accepted.then(() => log.info(facts, message));
  }

  async #openAdmin(config: Config, routes: ControlRoutes): Promise<void> {
    const remote = remoteAdmin(config);
    if (remote !== undefined) {
      throw new PorticoError('PORTICO_ADMIN_LISTEN', {
        message: `other machines can reach ${formatAddress(remote)}`,
        hint: 'Listen on 127.0.0.1, or set [admin] allow_remote = true.',
      });
    }
    await this.#openPort(config, 'listen', routes);
  }

  /** Listens on the address in an option of `[admin]`, if it is set. */
  async #openPort(config: Config, opt: 'listen' | 'metrics_listen', routes: ControlRoutes): Promise<void> {
    const { log } = this.#known;
    const { hosts, ...options } = config.group('admin', adminOptions);
    const address = opt === 'listen' ? options.listen : options.metricsListen;
    if (address === undefined) return;
    const server = new ControlServer(routes, log, adminGuard(address, hosts));
    try {
      const url = `http://${formatAddress({ host: address.host, port: await server.listenOn(address) })}`;
      this.#servers.push(server);
      const event = opt === 'listen' ? 'admin' : 'metrics';
      this.#tell({ event, url }, `${opt === 'listen' ? 'Admin listener' : 'Probes and metrics'}: ${url}`);
    } catch (cause) {
      const message = `it cannot listen on ${formatAddress(address)}: ${(cause as Error).message}`;
      throw new PorticoError('PORTICO_ADMIN_LISTEN', { message, hint: `Set another port in [admin] ${opt}.`, cause });
    }
  }
}

function openedOnce(listen: () => Promise<void>): Pick<Listener, 'isMissing' | 'open'> {
  let isOpen = false;
  const open = async (): Promise<void> => {
    await listen();
    isOpen = true;
  };
  return { isMissing: () => !isOpen, open };
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
 * Derives a name from the application and its configuration files, or from its folder if it has none, so that two
 * deployments of one application have different names.
 */
function defaultName({ configFiles }: Config, program: string): string {
  const served = configFiles.length > 0 ? configFiles : [process.cwd(), ''];
  // FNV-1a: to load `node:crypto` takes 3 to 6 ms of CPU time.
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(served.join('\n'))) hash = Math.imul(hash ^ byte, 0x01000193);
  return `portico-${program}-${(hash >>> 0).toString(16).padStart(8, '0')}.sock`;
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
 * Throws for a directory that another user created or may write to: that user could respond in place of the launcher.
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
