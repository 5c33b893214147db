/**
 * The backdoor: an interactive interpreter inside a running process, for users of its machine. Off by default.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { inspect } from 'node:util';
import { type Config, defineOptions, string } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import { backdoorPath, backdoorPorts, listenOnFile, listenOnPort } from './backdoor-address.js';
import { type BackdoorView, backdoorCommands } from './backdoor-commands.js';

/** `[DEFAULT]`: where the backdoor is. */
export const backdoorOptions = defineOptions({
  backdoor_port: string({
    help: 'Let anybody on this machine run code in the process, without a password: 0 for any port, N, or N:M for the first free one. Default: off.',
  }),
  backdoor_socket: string({
    help: 'As backdoor_port, on a socket file that only this user may open; {pid} is the process id. Wins over the port.',
  }),
});

/** How a backdoor is made. */
export interface BackdoorOptions extends BackdoorView {
  /** `0`, `N` or `N:M`. */
  readonly port?: string | undefined;
  /** A path; `{pid}` is the process id. Wins over `port`. */
  readonly socket?: string | undefined;
  /** Names that can be used in it beside the commands: the launcher, the services. */
  readonly names?: Readonly<Record<string, unknown>>;
  /** Where the address is told, and why there is none. */
  readonly log: Logger;
}

/** An open backdoor. */
export interface Backdoor {
  /** The port or the path it listens on: what services are told as `backdoorPort`. */
  readonly where: number | string;
  /** Ends connections and listening. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens a backdoor, if one is wanted: null for none, and, with a warning, where no port is free. It keeps no process
 * alive. Throws `BackdoorConfigValueError` for a bad port, `PORTICO_BACKDOOR_SOCKET` for a file that is in the way.
 */
export async function initializeBackdoor(options: BackdoorOptions): Promise<Backdoor | null> {
  const { port, socket, log } = options;
  if (port === undefined && socket === undefined) return null;
  const connections = new Set<Socket>();
  const make = (): Server =>
    createServer((connection) => {
      connections.add(connection);
      connection.once('close', () => connections.delete(connection));
      void interpret(connection, options);
    }).unref();
  const bound = await bind(make, options);
  if (bound === null) {
    log.warn(`No port of backdoor_port ${port} is free: the process runs without a backdoor`);
    return null;
  }
  log.info(`Backdoor listening on ${bound.where} for process ${process.pid}`);
  log.warn('The backdoor is on: anybody who can connect to it can do what this process can');
  return {
    where: bound.where,
    close: async () => {
      for (const connection of connections) connection.destroy();
      await Promise.all(bound.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

/** As {@link initializeBackdoor}, where the configuration says so. */
export function initializeIfEnabled(
  config: Config,
  options: Omit<BackdoorOptions, 'port' | 'socket' | 'config'>,
): Promise<Backdoor | null> {
  const { backdoorPort, backdoorSocket } = config.group('DEFAULT', backdoorOptions);
  return initializeBackdoor({ ...options, config, port: backdoorPort, socket: backdoorSocket });
}

async function bind(
  make: () => Server,
  { port, socket, log }: BackdoorOptions,
): Promise<{ where: number | string; servers: Server[] } | null> {
  if (socket !== undefined) {
    const path = backdoorPath(socket, process.pid, log);
    const server = make();
    await listenOnFile(server, path);
    return { where: path, servers: [server] };
  }
  const bound = await listenOnPort(make, backdoorPorts(port!));
  return bound === null ? null : { where: bound.port, servers: bound.servers };
}

/** One interpreter for one connection; nothing it does ends the process but what is typed into it. */
async function interpret(connection: Socket, options: BackdoorOptions): Promise<void> {
  connection.on('error', () => connection.destroy());
  // Loaded at the first connection: the module installs a domain, which is not needed before.
  const { start } = await import('node:repl');
  if (connection.destroyed) return;
  const { commands, end } = backdoorCommands(options);
  const repl = start({
    input: connection.pipe(linesOfPeople(() => hangUp(connection, options.log))),
    output: connection,
    prompt: '>>> ',
    terminal: false,
    useGlobal: false,
    ignoreUndefined: true,
    // Several lines, as they are: what pgt() gives is made to be read.
    writer: (value: unknown) => (typeof value === 'string' ? value : inspect(value, { depth: 4, breakLength: 100 })),
  });
  // An interpreter passes on its connection's errors: a visitor who hangs up must not end the process.
  repl.on('error', () => connection.destroy());
  Object.assign(repl.context, options.names, commands);
  for (const name of ['exit', 'quit']) {
    // Typed with parentheses or without, it ends this connection: never the process.
    const leave = (): void => repl.close();
    const get = (): (() => void) => {
      leave();
      return leave;
    };
    Object.defineProperty(repl.context, name, { get, configurable: true });
  }
  repl.once('exit', () => {
    end();
    connection.end();
  });
  connection.once('close', () => repl.close());
}

/** RFC 9112, section 3: what a client of HTTP sends first, whatever it asks for. */
const REQUEST_LINE = /^\S+ .*HTTP\/\d(\.\d)?\r?$/i;

/** A page in a browser can make it send a request to any port of its machine, with a body that it chooses. */
function hangUp(connection: Socket, log: Logger): void {
  log.warn('The backdoor hung up: an HTTP request came, as a page in a browser can send');
  connection.destroy();
}

/** Passes everything on, once the first line is there and no client of HTTP has written it. */
function linesOfPeople(stranger: () => void): Transform {
  let first: string | undefined = '';
  let ended = false;
  return new Transform({
    decodeStrings: false,
    transform(piece: Buffer | string, _, done) {
      if (first === undefined) return done(null, piece);
      if (ended) return done();
      first += piece.toString('latin1');
      const end = first.indexOf('\n');
      if (end === -1) return done();
      ended = REQUEST_LINE.test(first.slice(0, end));
      if (ended) {
        stranger();
        return done();
      }
      this.push(first, 'latin1');
      first = undefined;
      done();
    },
    flush(done) {
      if (first !== undefined && !ended && !REQUEST_LINE.test(first)) this.push(first, 'latin1');
      done();
    },
  });
}
