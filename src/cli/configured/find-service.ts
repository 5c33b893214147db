/**
 * Finds the running service that a command is for: by the path of its control socket, by its configuration or its folder, or because no
 * other one runs.
 */
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { ignoreErrors, PorticoError } from '../../errors/index.js';
import { realPath } from '../../modules/index.js';
import { controlPath, type StatusDocument } from '../../operating/internal.js';
import type { OutputArguments } from '../command-line.js';
import { ask, boundSockets } from '../control-client.js';
import { readConfiguration } from './configuration.js';

/** Name of the application among others whose sockets are in the same directory. */
const COMMAND = 'api-cli';

/** Arguments that select the service. */
export interface MeantService extends OutputArguments {
  readonly socket?: string;
}

/** A service that has responded. */
interface Running {
  readonly path: string;
  readonly told: StatusDocument['process'];
}

/**
 * Returns the socket of the selected service. Rejects with `PORTICO_NOT_RUNNING` if none or several match. `allowUnnamed`: without a
 * configuration here, the only running service is selected. Default true.
 */
export async function socketOf(args: MeantService, { allowUnnamed = true } = {}): Promise<string> {
  if (args.socket !== undefined) return args.socket;
  const config = await readConfiguration(args, { collect: true });
  const path = controlPath(config, COMMAND, process.env);
  if (path === undefined) {
    throw new PorticoError('PORTICO_CONTROL_SOCKET', {
      message: 'the control socket is disabled: [control] socket is empty',
      hint: 'Set a path there and restart the service, or send signals to it.',
    });
  }
  const asked = ask<StatusDocument>(path, 'GET', '/status').then(({ process: told }) => ({ path, told }));
  const isNamed = config.getLocation('control', 'socket').kind !== 'default';
  const first = await asked.catch((error: PorticoError) => error);
  const silent = first instanceof Error ? first : undefined;
  if (!(first instanceof Error) && isMeant(first, config, args)) return path;
  if (!isNamed) {
    const near = await runningServices(socketsNear(dirname(path)));
    const nearest = chosen(near.running, config, args, allowUnnamed);
    // Root may mean a service of any user: by its configuration or folder.
    const far = nearest.length > 0 ? NONE : await runningServices(socketsOfUsers());
    const meant = nearest.length > 0 ? nearest : chosen(far.running, config, args, false);
    const running = [
      ...near.running,
      ...far.running.filter((each) => near.running.every((one) => one.path !== each.path)),
    ];
    const { closed } = near;
    if (meant.length === 1) return meant[0]!.path;
    if (meant.length > 1) throw severalRun(meant);
    const others = [...running.map(shown), ...closed.map((each) => `${each}, which only its user and root can open`)];
    if (silent?.hint !== undefined && others.length > 0) {
      const hint = `${silent.hint} Others run: ${others.join('; ')}.`;
      throw new PorticoError(silent.code, { message: silent.message, hint, cause: silent });
    }
  }
  const { told } = await asked;
  throw new PorticoError('PORTICO_NOT_RUNNING', {
    message: `the service on ${path}, pid ${told.pid}, is another one: it was started in ${told.folder} with ${told.configFiles.join(', ') || 'no configuration file'}`,
    hint: `Change to its directory, or pass its socket if you mean this service (--socket ${path}).`,
  });
}

/** Returns services with this configuration; else of this folder; else, without a configuration here and with `allowUnnamed`, all. */
function chosen(
  running: readonly Running[],
  config: Config,
  args: MeantService,
  allowUnnamed: boolean,
): readonly Running[] {
  const configured = running.filter((each) => isMeant(each, config, args));
  if (configured.length > 0 || args.configFile !== undefined || args.configDir !== undefined) return configured;
  const hasFiles = config.configFiles.length > 0;
  // With other files api-cli serves something else; an application may find files of other names than this command.
  const isOther = ({ name, configFiles }: Running['told']): boolean =>
    hasFiles && name === COMMAND && configFiles.length > 0;
  const here = running.filter(({ told }) => told.folder === process.cwd() && !isOther(told));
  return here.length > 0 || hasFiles || !allowUnnamed ? here : running;
}

/**
 * Returns true for a service that has read every `--config-file`, or, without one, any of the files that are found. If there are no files,
 * the folder must be the same.
 */
function isMeant({ told: { folder, configFiles } }: Running, config: Config, { configFile }: MeantService): boolean {
  if (config.getLocation('control', 'socket').kind === 'environment') return true;
  if (configFiles.length === 0 && config.configFiles.length === 0) return folder === process.cwd();
  const read = configFiles.map(realPath);
  const isRead = (file: string): boolean => read.includes(realPath(resolve(file)));
  return configFile === undefined ? config.configFiles.some(isRead) : configFile.every(isRead);
}

const OTHERS_WRITE = 0o002;
/** Time limit for other services than the selected one. */
const OTHERS_MS = 1000;

interface Found {
  readonly running: readonly Running[];
  /** Sockets that this user may not open. */
  readonly closed: readonly string[];
}

const NONE: Found = { running: [], closed: [] };

/**
 * Returns the sockets in this directory, and in those below `/run`, where system services have theirs. Leaves out directories in which any
 * user may create a socket, such as /run/lock.
 */
function socketsNear(directory: string): string[] {
  const system = (ignoreErrors(() => readdirSync('/run')) ?? []).map((name) => join('/run', name)).filter(isPrivate);
  return [...new Set([directory, ...system])].flatMap((each) =>
    (ignoreErrors(() => readdirSync(each)) ?? []).map((name) => join(each, name)),
  );
}

/** Returns the sockets of all users of this machine, for root. */
function socketsOfUsers(): string[] {
  if (process.geteuid?.() !== 0) return [];
  return boundSockets().flatMap(({ path }) => (isPrivate(dirname(path)) ? path : []));
}

/** Returns the services that respond on the control sockets among these. */
async function runningServices(sockets: readonly string[]): Promise<Found> {
  const paths = [...new Set(sockets)].filter((path) => /^(?:portico-.*|control)\.sock$/.test(basename(path)));
  const closed = paths.filter((path) => !mayOpen(path));
  const found = await Promise.all(
    paths
      .filter((path) => !closed.includes(path))
      .map(async (path) => {
        // Leaves out a socket without a process, and one that is silent or not a control socket.
        const document = await ask<StatusDocument>(path, 'GET', '/status', {}, OTHERS_MS).catch(() => undefined);
        return document?.schema === 'portico/status' ? [{ path, told: document.process }] : [];
      }),
  );
  return { running: found.flat(), closed };
}

/** Reports whether a directory exists in which not every user may create files. */
function isPrivate(path: string): boolean {
  return ((ignoreErrors(() => statSync(path)) ?? { mode: OTHERS_WRITE }).mode & OTHERS_WRITE) === 0;
}

function mayOpen(path: string): boolean {
  return ignoreErrors(() => accessSync(path, constants.W_OK) ?? true) ?? false;
}

const shown = ({ path, told: { name, pid, folder, configFiles } }: Running): string =>
  `${name} (pid ${pid}, ${configFiles.join(', ') || folder}): --socket ${path}`;

function severalRun(running: readonly Running[]): PorticoError {
  return new PorticoError('PORTICO_NOT_RUNNING', {
    message: `several services run: ${running.map(({ told: { name, pid } }) => `${name} (pid ${pid})`).join(', ')}`,
    hint: `Pass the socket of one with --socket: ${running.map(shown).join('; ')}.`,
  });
}
