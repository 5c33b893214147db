/**
 * The service manager that started a launcher. Notifications to it, as in sd_notify(3): functions for applications, and the messages of a
 * launcher in the order of events. Node's core has no Unix datagrams, so a small command of the system sends and receives them, and a unit
 * needs `NotifyAccess=all` (or `exec`). And sockets that it opened and passed, as in sd_listen_fds(3): descriptors from 3 on.
 */
import { execFile } from 'node:child_process';
import { existsSync, unlinkSync } from 'node:fs';
import { ignoreErrors, PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { ListenAddress, ServiceBase } from '../../service/index.js';
import { isListening } from '../../service/internal.js';
import type { HostProcess } from '../process/host-process.js';
import { addressOfDescriptor, type ListenSockets } from '../sockets/listen-sockets.js';

/** Target of a notification, and log for its failure. */
export interface NotifyOptions {
  /** Environment with `NOTIFY_SOCKET`. Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Logs at debug why a message could not be sent. Default: not logged. */
  readonly log?: Logger;
  /** The notification; lines are separate assignments. Default `READY=1`. */
  readonly state?: string;
  /** Time limit of sending, in milliseconds. Default 2000. */
  readonly timeoutMs?: number;
}

/** Exit status of a wait for readiness. */
export type Readiness = 0 | 1 | 2;

/**
 * Sends `READY=1`, or another state, to the socket in `NOTIFY_SOCKET`. Returns true if it was sent; false without that
 * variable, and if sending failed, which is logged at debug and never an error.
 */
export async function notify(options: NotifyOptions = {}): Promise<boolean> {
  const path = (options.env ?? process.env).NOTIFY_SOCKET;
  if (path === undefined || path === '') return false;
  try {
    await sendDatagram(path, options.state ?? 'READY=1', options.timeoutMs);
    return true;
  } catch (error) {
    options.log?.debug({ err: error }, 'the service manager could not be notified');
    return false;
  }
}

/** As {@link notify}; removes `NOTIFY_SOCKET` after a success, so that it happens once. */
export async function notifyOnce(options: NotifyOptions = {}): Promise<boolean> {
  const env = options.env ?? process.env;
  const sent = await notify({ ...options, env });
  if (sent) delete env.NOTIFY_SOCKET;
  return sent;
}

/**
 * Waits on a datagram socket, which it creates and removes, for a service to become ready: returns 0 if a received line
 * is `READY=1`, 1 if something else arrives, 2 if nothing arrives within `timeoutS` seconds; null waits without limit.
 * Rejects if the socket cannot be created.
 */
export async function onReady(path: string, timeoutS: number | null): Promise<Readiness> {
  const text = await receiveDatagram(path, timeoutS);
  if (text === undefined) return 2;
  return text.split('\n').includes('READY=1') ? 0 : 1;
}

/** A command and its arguments. */
type Command = readonly [program: string, ...args: string[]];

/** Time after which a hanging helper is ended. */
const HELPER_TIMEOUT_MS = 2000;

/**
 * Sends one datagram to a socket's path; `@name` is in the abstract namespace. Rejects if no helper could send it. A
 * helper has `timeoutMs`, two seconds by default.
 */
export async function sendDatagram(path: string, text: string, timeoutMs = HELPER_TIMEOUT_MS): Promise<void> {
  const env = { ...process.env, NOTIFY_SOCKET: path };
  let cause: NodeJS.ErrnoException | null = null;
  for (const command of senders(path, text)) {
    ({ error: cause } = await run(command, env, timeoutMs));
    if (cause === null) return;
    // If a helper is missing, there is an alternative; if it ran and failed, the socket has no listener.
    if (cause.code !== 'ENOENT') break;
  }
  throw new PorticoError('PORTICO_NOTIFY_FAILED', { message: `no datagram could be sent to ${path}`, cause });
}

/**
 * Binds `path` and waits for one datagram of at most 512 bytes, for `timeoutS` seconds or without limit (null). Returns
 * its text, or undefined if none arrived. Removes the path afterwards. Rejects if it cannot be bound; an existing file
 * is then left alone.
 */
async function receiveDatagram(path: string, timeoutS: number | null): Promise<string | undefined> {
  const env = { ...process.env, NOTIFY_SOCKET: path, PORTICO_TIMEOUT: timeoutS === null ? '' : String(timeoutS) };
  for (const command of RECEIVERS) {
    const { error, stdout } = await run(command, env);
    if (error?.code === 'ENOENT') continue;
    // The helper reports that it has bound the path, and only that is removed.
    const bound = stdout.startsWith(BOUND);
    if (bound && !path.startsWith('@')) ignoreErrors(() => unlinkSync(path));
    if (error !== null || !bound) throw cannotReceive(path, error);
    const text = stdout.slice(BOUND.length);
    return text.startsWith('+') ? text.slice(1) : undefined;
  }
  throw cannotReceive(path, undefined);
}

/** First output of a receiving helper: it has bound the path. */
const BOUND = '!';

/** Socket of systemd, either of the system or of a user. */
const OF_SYSTEMD = '/systemd/notify';

/**
 * systemd finds the unit of a message by its process, and drops a message of a process that has ended: for systemd the
 * helper waits until the message is read. `--no-block`: other receivers may never read what it waits for.
 */
function senders(path: string, text: string): Command[] {
  const how = path.endsWith(OF_SYSTEMD) ? [] : ['--no-block'];
  return [
    ['systemd-notify', ...how, ...text.split('\n')],
    ['perl', '-MSocket', '-e', PERL_SEND, text],
    ['python3', '-c', PYTHON_SEND, text],
  ];
}

const PERL_SEND = `my $path = $ENV{NOTIFY_SOCKET}; $path =~ s/^\\@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or exit 1;
send($socket, $ARGV[0], 0, pack_sockaddr_un($path)) or exit 1;`;

const PERL_RECEIVE = `my $path = $ENV{NOTIFY_SOCKET}; $path =~ s/^\\@/\\0/;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($socket, pack_sockaddr_un($path)) or die $!;
$| = 1; print '!';
my $bits = ''; vec($bits, fileno($socket), 1) = 1;
my $timeout = $ENV{PORTICO_TIMEOUT} eq '' ? undef : $ENV{PORTICO_TIMEOUT};
exit 0 if !select($bits, undef, undef, $timeout);
recv($socket, my $text, 512, 0); print '+', $text;`;

const PYTHON_SEND = `import os, socket, sys
path = os.environ['NOTIFY_SOCKET']
path = '\\0' + path[1:] if path[0] == '@' else path
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), path)`;

const PYTHON_RECEIVE = `import os, socket, sys
path = os.environ['NOTIFY_SOCKET']
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + path[1:] if path[0] == '@' else path)
sys.stdout.write('!')
sys.stdout.flush()
s.settimeout(float(os.environ['PORTICO_TIMEOUT'] or 0) or None)
try:
    sys.stdout.write('+' + s.recv(512).decode(errors='replace'))
except socket.timeout:
    pass`;

const RECEIVERS: readonly Command[] = [
  ['perl', '-MSocket', '-e', PERL_RECEIVE],
  ['python3', '-c', PYTHON_RECEIVE],
];

/** Returns the output of a command, and its failure, if any. `timeout` 0: no limit. */
function run(
  [program, ...args]: Command,
  env: NodeJS.ProcessEnv,
  timeout = 0,
): Promise<{ readonly error: NodeJS.ErrnoException | null; readonly stdout: string }> {
  return new Promise((resolve) => {
    execFile(program, args, { env, timeout, killSignal: 'SIGKILL' }, (error, stdout) =>
      resolve({ error: error as NodeJS.ErrnoException | null, stdout }),
    );
  });
}

function cannotReceive(path: string, cause: unknown): PorticoError {
  const why = existsSync(path) ? ': something already exists there, and was not changed' : '';
  return new PorticoError('PORTICO_NOTIFY_FAILED', {
    message: `cannot receive datagrams on ${path}${why}`,
    hint: 'The socket must not exist yet, its directory must be writable, and perl or python3 must be installed.',
    cause,
  });
}

/** Kinds of notifications; of a status or a heartbeat only the latest counts. */
type Word = 'ready' | 'reloading' | 'status' | 'watchdog' | 'stopping';

/** Longest delay of the process's end by messages of a stop, if the helper that sends them hangs. */
const LAST_WORDS_MS = 2000;

/** A start or a reload fails without its notification: while systemd is too busy to read one, it is sent again. */
const ATTEMPTS = 3;

interface Message {
  readonly word: Word;
  /** Returns true if it was sent. */
  send(timeoutMs: number): Promise<boolean>;
}

/** Silent without `NOTIFY_SOCKET`. Nothing here delays its caller; failures are logged at debug. */
export class ServiceManager {
  readonly #env: NodeJS.ProcessEnv;
  readonly #host: HostProcess;
  readonly #log: Logger;
  #waiting: readonly Message[] = [];
  #sending = false;
  #endBy = Number.POSITIVE_INFINITY;
  #watchdog: NodeJS.Timeout | undefined;
  #follower: NodeJS.Timeout | undefined;
  #status: () => string = () => '';
  #told = '';

  constructor(host: HostProcess, log: Logger) {
    this.#host = host;
    this.#log = log;
    // Kept here: the variable is removed with the first message, so that no child process sends on behalf of this one.
    this.#env = { NOTIFY_SOCKET: host.env.NOTIFY_SOCKET };
  }

  /** Reports that all services serve. `status` returns the status line, which is updated at most once a second. */
  ready(status: () => string): void {
    this.#enqueue('ready', (timeoutMs) => notifyOnce({ env: this.#host.env, log: this.#log, timeoutMs }));
    this.#status = status;
    this.#tellStatus();
    if (!this.#enabled) return;
    this.#follower = setInterval(() => this.#tellStatus(), 1000);
    this.#follower.unref();
  }

  /** Reports the begin of a reload; {@link reloaded} reports its end. */
  reloading(): void {
    const microseconds = process.hrtime.bigint() / 1000n;
    this.#say('reloading', `RELOADING=1\nMONOTONIC_USEC=${microseconds}`);
  }

  reloaded(): void {
    this.#say('ready', 'READY=1');
    this.#tellStatus();
  }

  /** States that were not sent by now are obsolete. */
  stopping(): void {
    clearInterval(this.#watchdog);
    clearInterval(this.#follower);
    this.#waiting = [];
    this.#endBy = performance.now() + LAST_WORDS_MS;
    this.#say('stopping', 'STOPPING=1');
  }

  /**
   * Sends a heartbeat at the interval of the service manager, unless `healthy` returns false; it is called with the
   * limit of the service manager in milliseconds.
   */
  watch(healthy: (limitMs: number) => boolean): void {
    const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: pid } = this.#host.env;
    const halfMs = Number(microseconds) / 2000;
    const meant = pid === undefined || pid === '' || Number(pid) === this.#host.pid;
    if (!this.#enabled || !meant || !(halfMs > 0)) return;
    this.#watchdog = setInterval(() => {
      if (healthy(2 * halfMs)) this.#say('watchdog', 'WATCHDOG=1');
    }, halfMs);
    this.#watchdog.unref();
  }

  #tellStatus(): void {
    const status = this.#status();
    if (status === this.#told) return;
    this.#told = status;
    this.#say('status', `STATUS=${status}`);
  }

  get #enabled(): boolean {
    return (this.#env.NOTIFY_SOCKET ?? '') !== '';
  }

  #say(word: Word, state: string): void {
    this.#enqueue(word, (timeoutMs) => notify({ env: this.#env, log: this.#log, state, timeoutMs }));
  }

  #enqueue(word: Word, send: Message['send']): void {
    if (!this.#enabled) return;
    const stale = word === 'status' || word === 'watchdog';
    this.#waiting = [...this.#waiting.filter((other) => !stale || other.word !== word), { word, send }];
    if (!this.#sending) void this.#sendAll();
  }

  /** One after another, because their order matters. */
  async #sendAll(): Promise<void> {
    this.#sending = true;
    for (let [next, ...rest] = this.#waiting; next !== undefined; [next, ...rest] = this.#waiting) {
      this.#waiting = rest;
      await this.#sendOne(next);
    }
    this.#sending = false;
  }

  async #sendOne({ word, send }: Message): Promise<void> {
    const isState = word === 'ready' || word === 'reloading' || word === 'stopping';
    for (let attempts = isState ? ATTEMPTS : 1; attempts > 0; attempts--) {
      const left = this.#endBy - performance.now();
      if (left <= 0 || (await send(Math.ceil(Math.min(left, HELPER_TIMEOUT_MS))))) return;
      if (this.#stopping && word !== 'stopping') return;
    }
  }

  get #stopping(): boolean {
    return this.#endBy < Number.POSITIVE_INFINITY;
  }
}

// Sockets that the service manager opened and passed.

const FIRST_DESCRIPTOR = 3;

/** Names that a service manager uses if its configuration has none: they do not identify a service. */
const MEANINGLESS = /^(?:unknown|connection|stored|)$|\.socket$/;

interface Passed {
  readonly descriptor: number;
  readonly name: string;
}

/**
 * Sockets passed to this process, each given to one service: to the one with its name (`LISTEN_FDNAMES`), or without
 * names, in order. They belong to the service manager: they are never closed here, and their files never removed.
 */
export class ActivatedSockets {
  #passed: readonly Passed[];
  readonly #told = new Set<number>();

  constructor(host: Pick<HostProcess, 'env' | 'pid'>) {
    const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = host.env;
    // The variables were inherited, and meant for another process.
    const length = Number(pid) === host.pid ? Math.max(0, Math.trunc(Number(count)) || 0) : 0;
    const given = names.split(':');
    this.#passed = Array.from({ length }, (_, at) => ({
      descriptor: FIRST_DESCRIPTOR + at,
      name: given[at] ?? '',
    }));
  }

  /**
   * Returns the sockets of a service, one for each of its addresses; undefined if none were passed for it.
   */
  take(service: string, addresses: readonly ListenAddress[]): ListenSockets[] | undefined {
    const mine = this.#choose(service).slice(0, addresses.length);
    if (mine.length === 0 || mine.length < addresses.length) return undefined;
    this.#passed = this.#passed.filter((passed) => !mine.includes(passed));
    return addresses.map((address, at) => {
      const socket = mine[at]!;
      return {
        address: addressOfDescriptor(socket.descriptor, address),
        descriptor: socket.descriptor,
        // It stays open for a service that is added again.
        close: () => {
          this.#passed = [...this.#passed.filter((passed) => passed !== socket), socket];
        },
      };
    });
  }

  /** Passes the sockets to a service of this process. Returns false if there are none. */
  giveTo(service: ServiceBase, name: string): boolean {
    const sockets = isListening(service) ? this.take(name, service.addresses) : undefined;
    if (sockets === undefined || !isListening(service)) return false;
    service.useSockets(sockets.map(({ address, descriptor }) => ({ address, fd: descriptor! })));
    return true;
  }

  /**
   * Warns once of each socket that no service uses: its clients connect and wait. A service that a reload adds may
   * still use it. `services`: those whose names would have matched.
   */
  warnOfUnused(log: Logger, services: readonly { readonly name: string }[]): void {
    for (const { descriptor, name } of this.#passed) {
      if (this.#told.has(descriptor)) continue;
      this.#told.add(descriptor);
      const named = name === '' ? '' : ` (${name})`;
      log.warn(
        { descriptor, name },
        `Descriptor ${descriptor}${named}, passed by the service manager, belongs to no service: its connections are kept ` +
          `waiting. FileDescriptorName= is the name of a service: ${services.map((service) => service.name).join(', ')}`,
      );
    }
  }

  #choose(service: string): readonly Passed[] {
    const named = this.#passed.filter(({ name }) => name === service);
    if (named.length > 0) return named;
    return this.#passed.every(({ name }) => MEANINGLESS.test(name)) ? this.#passed : [];
  }
}
