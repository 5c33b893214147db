/**
 * Unix datagrams, which Node's core does not have: sent and received by a small program of the system.
 */
import { execFile } from 'node:child_process';
import { unlinkSync } from 'node:fs';
import { PorticoError } from '../../errors.js';

/** A program and its arguments. */
type Command = readonly [program: string, ...args: string[]];

/** A helper that hangs is ended after so long. */
const HELPER_TIMEOUT_MS = 2000;

/**
 * Sends one datagram to a socket's path; `@name` is in the abstract namespace. Rejects when no helper could send it. A
 * helper is not waited for longer than two seconds.
 */
export async function sendDatagram(path: string, text: string): Promise<void> {
  const env = { ...process.env, NOTIFY_SOCKET: path };
  const failures: unknown[] = [];
  for (const [program, ...args] of senders(text)) {
    try {
      await run([program, ...args], env, HELPER_TIMEOUT_MS);
      return;
    } catch (error) {
      failures.push(error);
      // One that is missing has a successor; one that ran and failed says that nobody listens there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') break;
    }
  }
  throw new PorticoError('PORTICO_NOTIFY_FAILED', {
    message: `no datagram could be sent to ${path}`,
    cause: failures.at(-1),
  });
}

/**
 * Binds `path` and waits for one datagram of at most 512 bytes, for `timeoutS` seconds or for ever (null). Gives its text,
 * or undefined when none came. The path is removed afterwards. Rejects when it cannot be bound.
 */
export async function receiveDatagram(path: string, timeoutS: number | null): Promise<string | undefined> {
  const env = { ...process.env, NOTIFY_SOCKET: path, PORTICO_TIMEOUT: timeoutS === null ? '' : String(timeoutS) };
  try {
    for (const command of RECEIVERS) {
      try {
        const text = await run(command, env, 0);
        return text.startsWith('+') ? text.slice(1) : undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw cannotReceive(path, error);
      }
    }
    throw cannotReceive(path, undefined);
  } finally {
    if (!path.startsWith('@')) removeQuietly(path);
  }
}

/** `--no-block`: without it the helper waits for the receiver to close a descriptor, which only systemd does. */
function senders(text: string): Command[] {
  return [
    ['systemd-notify', '--no-block', ...text.split('\n')],
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
s.settimeout(float(os.environ['PORTICO_TIMEOUT'] or 0) or None)
try:
    sys.stdout.write('+' + s.recv(512).decode(errors='replace'))
except socket.timeout:
    pass`;

const RECEIVERS: readonly Command[] = [
  ['perl', '-MSocket', '-e', PERL_RECEIVE],
  ['python3', '-c', PYTHON_RECEIVE],
];

function run([program, ...args]: Command, env: NodeJS.ProcessEnv, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, timeout, killSignal: 'SIGKILL' }, (error, stdout) => {
      if (error) reject(error as Error);
      else resolve(stdout);
    });
  });
}

function cannotReceive(path: string, cause: unknown): PorticoError {
  return new PorticoError('PORTICO_NOTIFY_FAILED', {
    message: `cannot receive datagrams on ${path}`,
    hint: 'The socket must not exist yet, its folder must be writable, and perl or python3 must be installed.',
    cause,
  });
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It was never bound.
  }
}
