/**
 * Where the control server listens: `[control] socket`, or a file whose name follows from the program and its configuration,
 * so that `api-cli status` with the same configuration finds it.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Config, defineOptions, string } from '../../config/index.js';
import { PorticoError } from '../../errors/index.js';

/** `[control]`. */
export const controlOptions = defineOptions({
  socket: string({
    restart: true,
    help: 'The Unix socket on which a running service answers api-cli status, reload and the like; only its user may open it. Default: a file in $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR or a directory of its own below /tmp, named after program and configuration. Empty: none.',
  }),
});

/** The longest path that fits in `sun_path`, unix(7), with its end. */
const LONGEST = 107;

/** The path to listen on or to connect to; undefined where the configuration wants none. */
export function controlPath(config: Config, program: string, env: NodeJS.ProcessEnv): string | undefined {
  const { socket } = config.group('control', controlOptions);
  if (socket === '') return undefined;
  const path = socket !== undefined ? resolve(socket) : join(runtimeDirectory(env), defaultName(config, program));
  if (Buffer.byteLength(path) <= LONGEST) return path;
  throw new PorticoError('PORTICO_CONTROL_SOCKET', {
    message: `the control socket cannot be ${path}: the path of a socket has ${LONGEST} bytes at most`,
    hint: 'Name a shorter one in [control] socket.',
  });
}

/** One name for each program and list of files: two deployments of one program are not taken for each other. */
function defaultName({ configFiles }: Config, program: string): string {
  const digest = createHash('sha256').update(configFiles.join('\n')).digest('hex').slice(0, 8);
  return `portico-${program}-${digest}.sock`;
}

/** A directory for sockets: systemd.exec(5) `RuntimeDirectory=`, the XDG Base Directory Specification, or our own. */
function runtimeDirectory({ RUNTIME_DIRECTORY, XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string {
  const [own = ''] = RUNTIME_DIRECTORY?.split(':') ?? [];
  return own || XDG_RUNTIME_DIR || ownDirectory(join(tmpdir(), `portico-${process.geteuid?.() ?? 'user'}`));
}

/** Made with mode 0700. Throws for one that another user made or may write to: that user could answer in our place. */
function ownDirectory(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  if (found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o077) === 0) return path;
  throw new PorticoError('PORTICO_CONTROL_SOCKET', {
    message: `there is no place for the control socket: ${path} is not a directory that this user alone may use`,
    hint: 'Name a path in [control] socket.',
  });
}
