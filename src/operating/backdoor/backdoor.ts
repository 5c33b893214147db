/**
 * The backdoor: an interactive interpreter inside a running process, for users of its machine. Off by default. It
 * listens on a port, the first free one of a range, or a socket file; never on an address that other machines can
 * reach.
 */
import { once } from 'node:events';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { inspect } from 'node:util';
import { writeHeapSnapshot } from 'node:v8';
import type { Config } from '../../config/index.js';
import type { Logger } from '../../log/index.js';
import type { Activity } from '../../tasks/index.js';
import { listenOnPath } from '../private-socket.js';
import { activityLine, requestLine } from '../report/report.js';
import { activeResources, type ReportedRequest } from '../report/report-subjects.js';
import { backdoorPorts } from './backdoor-ports.js';

/** Options of a backdoor. */
export interface BackdoorOptions extends BackdoorView {
  /** `0`, `N` or `N:M`. */
  readonly port?: string | undefined;
  /** Path of a socket file; `{pid}` is the process id. Takes precedence over `port`. */
  readonly socket?: string | undefined;
  /** Names available in the interpreter beside the commands, such as the launcher and the services. */
  readonly names?: Readonly<Record<string, unknown>>;
  /** Log for the address, or for the reason why there is none. */
  readonly log: Logger;
}

/** An open backdoor. */
export interface Backdoor {
  /** Port or path that it listens on; services get it as `backdoorPort`. */
  readonly where: number | string;
  /** Closes connections and the listener. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens a backdoor. Returns null if none is configured, and, with a warning, if no port is free. It does not keep the
 * process alive. Throws `BackdoorConfigValueError` for a bad port, `PORTICO_BACKDOOR_SOCKET` if another file is in the
 * way.
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
  log.warn('The backdoor is open: anyone who can connect to it can do everything that this process can');
  return {
    where: bound.where,
    close: async () => {
      for (const connection of connections) connection.destroy();
      await Promise.all(bound.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    },
  };
}

/** Listens on the configured address; returns null if no port is free. `make` creates one server for each address. */
async function bind(
  make: () => Server,
  { port, socket, log }: BackdoorOptions,
): Promise<{ where: number | string; servers: Server[] } | null> {
  if (socket !== undefined) {
    const path = backdoorPath(socket, process.pid, log);
    const server = make();
    await listenOnPath(server, path, {
      code: 'PORTICO_BACKDOOR_SOCKET',
      who: 'the backdoor',
      hint: 'Remove the file, or set another one in backdoor_socket; {pid} makes it unique for each process.',
    });
    return { where: path, servers: [server] };
  }
  const { first, last } = backdoorPorts(port!);
  for (let next = first; next <= last; next++) {
    const server = make();
    // Exclusive: a shared port would lead an operator to a random worker.
    const where = await listening(server, { host: '127.0.0.1', port: next, exclusive: true });
    if (where === undefined) continue;
    const sixth = make();
    const also = await listening(sixth, { host: '::1', port: where, exclusive: true, ipv6Only: true });
    return { where, servers: also === undefined ? [server] : [server, sixth] };
  }
  return null;
}

/** Replaces `{pid}` by the process id; text with other braces is used unchanged, with a warning. */
function backdoorPath(template: string, pid: number, log: Logger): string {
  const rest = template.replaceAll(/\{\{|\}\}|\{pid\}/g, '');
  if (!/[{}]/.test(rest)) {
    return template.replaceAll(/\{\{|\}\}|\{pid\}/g, (part) => (part === '{pid}' ? String(pid) : part[0]!));
  }
  log.warn(`Could not apply format string to backdoor socket path (${template}), using it unchanged`);
  return template;
}

/** Returns the port, or undefined if the address is taken or does not exist. */
async function listening(
  server: Server,
  options: { host: string; port: number; exclusive: true; ipv6Only?: boolean },
): Promise<number | undefined> {
  try {
    // A failure while it listens, such as an accept without a free descriptor, must not end the process.
    server.on('error', () => undefined);
    await once(server.listen(options), 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  }
}

/** Runs one interpreter for one connection; only commands typed into it can end the process. */
async function interpret(connection: Socket, options: BackdoorOptions): Promise<void> {
  connection.on('error', () => connection.destroy());
  // Loaded at the first connection: the module installs a domain.
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
    // Prints text of several lines unquoted: the result of pgt() is for reading.
    writer: (value: unknown) => (typeof value === 'string' ? value : inspect(value, { depth: 4, breakLength: 100 })),
  });
  // An interpreter forwards the errors of its connection: a client that disconnects must not end the process.
  repl.on('error', () => connection.destroy());
  Object.assign(repl.context, options.names, commands);
  for (const name of ['exit', 'quit']) {
    // Typed with parentheses or without, it ends this connection and never the process.
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

/** RFC 9112, section 3: the first line of an HTTP client. */
const REQUEST_LINE = /^\S+ .*HTTP\/\d(\.\d)?\r?$/i;

/** A web page can make a browser send a request to any port of its machine, with any body. */
function hangUp(connection: Socket, log: Logger): void {
  log.warn('The backdoor closed a connection: it received an HTTP request, which a web page could have sent');
  connection.destroy();
}

/** Passes everything on after the first line, unless that is from an HTTP client. */
function linesOfPeople(onRequest: () => void): Transform {
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
        onRequest();
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

// Commands of a backdoor: they show objects, tasks, threads and the configuration, and take profiles.

/** Parts of the process that commands can read. */
interface BackdoorView {
  /** Configuration to show. Default: none. */
  readonly config?: Config;
  /** Tasks and timers to show. Default: none. */
  readonly activity?: () => Iterable<Activity>;
  /** Requests in progress to show. Default: none. */
  readonly requests?: () => Iterable<ReportedRequest>;
}

/** Commands of one connection; `end` releases their resources. */
interface BackdoorCommands {
  readonly commands: Readonly<Record<string, (...args: never[]) => unknown>>;
  readonly end: () => void;
}

function backdoorCommands(view: BackdoorView): BackdoorCommands {
  let profiling: Session | undefined;
  const stopProfiling = (): void => {
    profiling?.disconnect();
    profiling = undefined;
  };
  const commands = {
    /** Returns all objects of a class. */
    fo: (type: new (...args: never[]) => object): object[] => objectsOf(type),
    /** Returns tasks, timers and requests with their ages, as eventlet's backdoor does for green threads. */
    pgt: (): string => going(view),
    /** Returns native resources that keep threads and the event loop busy. */
    pnt: (): Record<string, number> => activeResources(),
    /** Starts a CPU profile; with a name, ends it and returns the file. */
    prof: (name?: string): string => {
      if (name === undefined) {
        if (profiling !== undefined) return 'a profile is already running; prof("name") ends it';
        profiling = new Session();
        profiling.connect();
        profiling.post('Profiler.enable');
        profiling.post('Profiler.start');
        return 'profiling; prof("name") ends it';
      }
      if (profiling === undefined) return 'no profile is running; prof() starts one';
      const file = fileFor(name, 'cpuprofile');
      let saved = `no profile was taken`;
      profiling.post('Profiler.stop', (error, { profile }) => {
        if (error !== null) return;
        writeFileSync(file, JSON.stringify(profile), { mode: 0o600, flag: 'wx' });
        saved = `saved ${file}`;
      });
      stopProfiling();
      return saved;
    },
    /** Writes a heap snapshot; the process stands still meanwhile. */
    heap: (name = 'portico'): string => {
      const file = writeHeapSnapshot(fileFor(name, 'heapsnapshot'));
      chmodSync(file, 0o600);
      return `saved ${file}`;
    },
    /** Returns the configuration with masked secrets. */
    conf: (): unknown => view.config?.toJSON() ?? 'no configuration',
  };
  return { commands, end: stopProfiling };
}

/**
 * Returns a path in a new directory below the temporary one, even if the name contains a path. The directory has a
 * random name and belongs to this user, so that no other user can have put a link there.
 */
function fileFor(name: string, ending: string): string {
  return join(
    mkdtempSync(join(tmpdir(), 'portico-')),
    `${basename(String(name)).replaceAll(/[^\w.-]/g, '_') || 'portico'}.${ending}`,
  );
}

/**
 * Returns the objects of a prototype, found by the inspector; a session within the thread responds before post()
 * returns.
 */
function objectsOf(type: new (...args: never[]) => object): object[] {
  const key = `portico.backdoor.${process.hrtime.bigint()}`;
  const holder = globalThis as unknown as Record<string, unknown>;
  const session = new Session();
  session.connect();
  try {
    holder[key] = type.prototype;
    let found: object[] = [];
    session.post('Runtime.evaluate', { expression: `globalThis[${JSON.stringify(key)}]` }, (error, prototype) => {
      if (error !== null || prototype.result.objectId === undefined) return;
      session.post('Runtime.queryObjects', { prototypeObjectId: prototype.result.objectId }, (queryError, objects) => {
        if (queryError !== null || objects.objects.objectId === undefined) return;
        const functionDeclaration = `function () { globalThis[${JSON.stringify(key)}] = this; }`;
        session.post('Runtime.callFunctionOn', { functionDeclaration, objectId: objects.objects.objectId });
        found = holder[key] as object[];
      });
    });
    return [...found];
  } finally {
    delete holder[key];
    session.disconnect();
  }
}

function going({ activity, requests }: BackdoorView): string {
  const tasks = [...(activity?.() ?? [])].map(activityLine);
  const inFlight = [...(requests?.() ?? [])].map((request) => `request ${requestLine(request)}`);
  return [...tasks, ...inFlight].join('\n') || 'nothing is going on';
}
