/**
 * Talking to the service manager that started a launcher, as sd_notify(3) does: functions for programs, and what a launcher
 * tells it, in the order in which it happens. Unix datagrams, which Node's core does not have, are sent and received
 * by a small program of the system, so a unit needs `NotifyAccess=all` (or `exec`).
 */
import { execFile } from 'node:child_process';
import { existsSync, unlinkSync } from 'node:fs';
import { PorticoError } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import type { HostProcess } from '../process/host-process.js';

/** Target of a notification, and log for its failure. */
export interface NotifyOptions {
  /** Holds `NOTIFY_SOCKET`. Default: the process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Why a message could not be sent, at debug. Default: not logged. */
  readonly log?: Logger;
  /** The notification; lines are separate assignments. Default `READY=1`. */
  readonly state?: string;
  /** Milliseconds that sending may take. Default 2000. */
  readonly timeoutMs?: number;
}

/** The exit status of a wait for readiness. */
export type Readiness = 0 | 1 | 2;

/**
 * Sends `READY=1`, or another state, to the socket that `NOTIFY_SOCKET` names. True when it was sent; false without such a
 * variable, and when sending failed, which is logged at debug and never an error.
 */
export async function notify(options: NotifyOptions = {}): Promise<boolean> {
  const path = (options.env ?? process.env).NOTIFY_SOCKET;
  if (path === undefined || path === '') return false;
  try {
    await sendDatagram(path, options.state ?? 'READY=1', options.timeoutMs);
    return true;
  } catch (error) {
    options.log?.debug('the service manager could not be notified', { err: error });
    return false;
  }
}

/** As {@link notify}; and removes `NOTIFY_SOCKET`, so that it happens once, but only when sending worked. */
export async function notifyOnce(options: NotifyOptions = {}): Promise<boolean> {
  const env = options.env ?? process.env;
  const sent = await notify({ ...options, env });
  if (sent) delete env.NOTIFY_SOCKET;
  return sent;
}

/**
 * Waits on a datagram socket, which it creates and removes, for a service to become ready: 0 when one of the lines that
 * come is `READY=1`, 1 when something else comes, 2 when nothing comes within `timeoutS` seconds; null waits for ever.
 * Rejects when the socket cannot be had.
 */
export async function onReady(path: string, timeoutS: number | null): Promise<Readiness> {
  const text = await receiveDatagram(path, timeoutS);
  if (text === undefined) return 2;
  return text.split('\n').includes('READY=1') ? 0 : 1;
}

/** A program and its arguments. */
type Command = readonly [program: string, ...args: string[]];

/** A helper that hangs is ended after so long. */
const HELPER_TIMEOUT_MS = 2000;

/**
 * Sends one datagram to a socket's path; `@name` is in the abstract namespace. Rejects when no helper could send it. A
 * helper is not waited for longer than `timeoutMs`, by default two seconds.
 */
export async function sendDatagram(path: string, text: string, timeoutMs = HELPER_TIMEOUT_MS): Promise<void> {
  const env = { ...process.env, NOTIFY_SOCKET: path };
  let cause: NodeJS.ErrnoException | null = null;
  for (const command of senders(path, text)) {
    ({ error: cause } = await run(command, env, timeoutMs));
    if (cause === null) return;
    // A helper program that is missing has an alternative; one that ran and failed means that the socket has no listener.
    if (cause.code !== 'ENOENT') break;
  }
  throw new PorticoError('PORTICO_NOTIFY_FAILED', { message: `no datagram could be sent to ${path}`, cause });
}

/**
 * Binds `path` and waits for one datagram of at most 512 bytes, for `timeoutS` seconds or for ever (null). Gives its text,
 * or undefined when none came. The path is removed afterwards. Rejects when it cannot be bound; whatever is there
 * already is then left as it is.
 */
async function receiveDatagram(path: string, timeoutS: number | null): Promise<string | undefined> {
  const env = { ...process.env, NOTIFY_SOCKET: path, PORTICO_TIMEOUT: timeoutS === null ? '' : String(timeoutS) };
  for (const command of RECEIVERS) {
    const { error, stdout } = await run(command, env);
    if (error?.code === 'ENOENT') continue;
    // The helper says so when it has bound the path, and only what it bound is removed.
    const bound = stdout.startsWith(BOUND);
    if (bound && !path.startsWith('@')) removeQuietly(path);
    if (error !== null || !bound) throw cannotReceive(path, error);
    const text = stdout.slice(BOUND.length);
    return text.startsWith('+') ? text.slice(1) : undefined;
  }
  throw cannotReceive(path, undefined);
}

/** First output of a receiving helper: the path is its own. */
const BOUND = '!';

/** The socket of systemd itself, of the system or of a user. */
const OF_SYSTEMD = '/systemd/notify';

/**
 * systemd looks up by its process which unit a message is of, and drops one of a process that has ended: to systemd the
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

/** Gives what a program printed, and how it failed, if it did. `timeout` 0: it may take for ever. */
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

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Another process removed it.
  }
}

/** Kinds of notifications; of a status or a sign of life only the latest counts. */
type Word = 'ready' | 'reloading' | 'status' | 'watchdog' | 'stopping';

/** So long all that is said from a stop on may hold the end of the process, should the helper that sends it hang. */
const LAST_WORDS_MS = 2000;

/** A start or a reload fails without its notification: while systemd is too busy to read one, it is sent again. */
const ATTEMPTS = 3;

interface Message {
  readonly word: Word;
  /** True when it was sent. */
  send(timeoutMs: number): Promise<boolean>;
}

/** Silent without `NOTIFY_SOCKET`. Nothing here delays its caller; what cannot be sent is logged at debug. */
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
    // Remembered: the variable goes with the first message, so that no child process speaks for this one.
    this.#env = { NOTIFY_SOCKET: host.env.NOTIFY_SOCKET };
  }

  /** All services serve. `status` gives a line for people, which follows what happens, at most once a second. */
  ready(status: () => string): void {
    this.#enqueue('ready', (timeoutMs) => notifyOnce({ env: this.#host.env, log: this.#log, timeoutMs }));
    this.#status = status;
    this.#tellStatus();
    if (!this.#enabled) return;
    this.#follower = setInterval(() => this.#tellStatus(), 1000);
    this.#follower.unref();
  }

  /** A reload begins; its end is told by {@link reloaded}. */
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
   * From now on, as often as the service manager asks for: a sign of life, unless `healthy` denies it, which is told how
   * long the service manager waits, in milliseconds.
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

  /** One after another: their order means something. */
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
